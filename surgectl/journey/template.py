"""Fills the blanks in what is sent: `/api/holds/{hold}`.

Text and JSON are taken apart once, at load; at run time only the values are put in. There is no expression
language: a blank is the name of a variable, or a path into one (`{setup.variants[0].id}`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from surgectl.journey.paths import MISSING, follow, split_path

Variables = Mapping[str, Any]
"""The values of one fan's tab."""

_BLANK = re.compile(r"\{\{([A-Za-z_][\w.\[\]-]*)\}\}|\{([A-Za-z_][\w.\[\]-]*)\}")


class UnsetError(Exception):
    """A blank that nothing has filled. Never reaches a user as it is: the script names step and variable."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"the variable {{{name}}} is not set")


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """Text with blanks, ready to be filled."""

    render: Callable[[Variables], str]
    """UnsetError where a variable is not set."""
    names: frozenset[str] = frozenset()
    """The variables it needs, without the path into them."""
    static: str | None = None
    """The text itself where there are no blanks."""


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Any JSON value with blanks. A text that is exactly one variable keeps that variable's type."""

    render: Callable[[Variables], Any]
    names: frozenset[str] = frozenset()


def show(value: Any) -> str:
    """A value as it stands inside a text: lists joined by commas, other JSON as JSON."""
    if type(value) is str:
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, (list, tuple)):
        return ",".join(show(item) for item in value)
    if isinstance(value, dict):
        return msgspec.json.encode(value).decode()
    return str(value)


def root(name: str) -> str:
    """The variable that a blank starts from: `setup.variants[0]` → `setup`."""
    return re.split(r"[.\[]", name, maxsplit=1)[0]


def getter(name: str, where: str) -> Callable[[Variables], Any]:
    """A look-up of one variable; UnsetError where it is missing or null."""
    if root(name) == name:

        def get(variables: Variables) -> Any:
            value = variables.get(name)
            if value is None:
                raise UnsetError(name)
            return value

        return get

    look = follow(split_path(name, where))

    def get_inside(variables: Variables) -> Any:
        value = variables.get(name)  # `sale.price` may also be given flat
        if value is None:
            value = look(variables if type(variables) is dict else dict(variables))
        if value is MISSING:
            raise UnsetError(name)
        return value

    return get_inside


def blanks(text: str) -> list[str]:
    """The names in a text's blanks, in order."""
    return [match[2] for match in _BLANK.finditer(text) if match[2]]


def compile_text(text: str, where: str, *, quote: Callable[[str], str] | None = None) -> Template:
    """Text → template. `{{name}}` stands for a literal `{name}`; braces around anything else are themselves.

    `quote`, where given, is applied to each filled value (never to the text around it).
    """
    pieces: list[str | Callable[[Variables], Any]] = []
    names: set[str] = set()
    at = 0
    for match in _BLANK.finditer(text):
        if match.start() > at:
            pieces.append(text[at : match.start()])
        if match[1] is not None:
            pieces.append("{" + match[1] + "}")
        else:
            pieces.append(getter(match[2], where))
            names.add(root(match[2]))
        at = match.end()
    if at < len(text):
        pieces.append(text[at:])
    if not names:
        whole = "".join(piece for piece in pieces if isinstance(piece, str))
        return Template(render=lambda variables: whole, static=whole)
    if len(pieces) == 1 and not isinstance(pieces[0], str):
        lone = pieces[0]

        def render_one(variables: Variables) -> str:
            value = show(lone(variables))
            return quote(value) if quote else value

        return Template(render=render_one, names=frozenset(names))

    def render(variables: Variables) -> str:
        filled = []
        for piece in pieces:
            if type(piece) is str:
                filled.append(piece)
            else:
                value = show(piece(variables))  # type: ignore[operator]  # str was the branch above
                filled.append(quote(value) if quote else value)
        return "".join(filled)

    return Template(render=render, names=frozenset(names))


def compile_value(value: Any, where: str) -> Value:
    """Any JSON value → a closure that fills its blanks, in keys and in values."""
    if isinstance(value, str):
        found = list(_BLANK.finditer(value))
        if len(found) == 1 and found[0].span() == (0, len(value)) and found[0][2]:
            name = found[0][2]
            return Value(render=getter(name, where), names=frozenset({root(name)}))
        text = compile_text(value, where)
        return Value(render=text.render, names=text.names)
    if isinstance(value, dict):
        return _compile_dict(value, where)
    if isinstance(value, (list, tuple)):
        items = [compile_value(item, f"{where}[{index}]") for index, item in enumerate(value)]
        names = frozenset().union(*(item.names for item in items))
        if not names:
            fixed = [item.render({}) for item in items]
            return Value(render=lambda variables: fixed)
        renders = [item.render for item in items]
        return Value(render=lambda variables: [render(variables) for render in renders], names=names)
    return Value(render=lambda variables: value)


def _compile_dict(value: dict[Any, Any], where: str) -> Value:
    pairs = [
        (compile_text(str(key), f"{where}.{key}"), compile_value(item, f"{where}.{key}")) for key, item in value.items()
    ]
    names = frozenset().union(*(key.names | item.names for key, item in pairs))
    if not names:
        fixed = {key.render({}): item.render({}) for key, item in pairs}
        return Value(render=lambda variables: fixed)
    if not any(key.names for key, _ in pairs):
        renders = [(key.render({}), item.render) for key, item in pairs]
        return Value(
            render=lambda variables: {key: render(variables) for key, render in renders},
            names=names,
        )
    both = [(key.render, item.render) for key, item in pairs]
    return Value(
        render=lambda variables: {key(variables): item(variables) for key, item in both},
        names=names,
    )


class Json(msgspec.Struct, frozen=True, kw_only=True):
    """A JSON document with blanks, ready to be filled and sent."""

    render: Callable[[Variables], bytes]
    """UnsetError where a variable is not set."""
    names: frozenset[str] = frozenset()


def compile_json(value: Any, where: str) -> Json:
    """The same document as `compile_value`, as bytes: what has no blanks is encoded once, at load."""
    pieces: list[bytes | Callable[[Variables], Any]] = []
    for piece in _json_pieces(value, where):
        if pieces and isinstance(piece, bytes) and isinstance(pieces[-1], bytes):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    names = compile_value(value, where).names
    if len(pieces) == 1 and isinstance(pieces[0], bytes):
        fixed = pieces[0]
        return Json(render=lambda variables: fixed)
    encode = msgspec.json.encode

    def render(variables: Variables) -> bytes:
        return b"".join([piece if type(piece) is bytes else encode(piece(variables)) for piece in pieces])  # type: ignore[operator]  # bytes was the other branch

    return Json(render=render, names=names)


def _json_pieces(value: Any, where: str) -> Iterator[bytes | Callable[[Variables], Any]]:
    compiled = compile_value(value, where)
    if not compiled.names:
        yield msgspec.json.encode(compiled.render({}))
    elif isinstance(value, dict) and not any(blanks(str(key)) for key in value):
        for number, (key, item) in enumerate(value.items()):
            shown = compile_text(str(key), f"{where}.{key}").render({})
            yield (b"," if number else b"{") + msgspec.json.encode(shown) + b":"
            yield from _json_pieces(item, f"{where}.{key}")
        yield b"}"
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield b"," if number else b"["
            yield from _json_pieces(item, f"{where}[{number}]")
        yield b"]"
    else:
        yield compiled.render
