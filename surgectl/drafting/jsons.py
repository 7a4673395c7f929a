"""Walks through a JSON document: every value with the path that the target language has for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

_MOST = 20_000
_DEEPEST = 24


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """One scalar of a document."""

    path: str
    key: str
    """The name nearest to it."""
    parent: str
    """The name above that."""
    value: str | int | float | bool
    listed: bool
    """Does it stand in a list?"""


def leaves(document: Any) -> Iterator[Leaf]:
    """The scalars of a document, at most 20,000, in order; null has nothing to say."""
    left = _MOST
    stack: list[tuple[Any, str, str, str, bool, int]] = [(document, "", "", "", False, 0)]
    while stack and left:
        value, path, key, parent, listed, depth = stack.pop()
        left -= 1
        if depth > _DEEPEST:
            continue
        if isinstance(value, dict):
            inner = [
                (item, _join(path, str(name)), str(name), key, listed, depth + 1)
                for name, item in list(value.items())[:left]
                if '"' not in str(name)
            ]
            stack += reversed(inner)
        elif isinstance(value, list):
            stack += reversed(
                [(item, f"{path}[{n}]", key, parent, True, depth + 1) for n, item in enumerate(value[:200])]
            )
        elif value is not None and path:
            yield Leaf(path=path, key=key, parent=parent, value=value, listed=listed)


def _join(path: str, name: str) -> str:
    if re.fullmatch(r"[^.\[\]\"]+", name):
        return f"{path}.{name}" if path else name
    return f'{path}["{name}"]'


def mapped(
    value: Any,
    change: Callable[[str, Any], Any],
    key: Callable[[str], str],
    name: str = "",
    listed: Callable[[str, list[Any]], Any] = lambda _name, _items: None,
) -> Any:
    """The same document with `change(name, scalar)` in place of every scalar, and `key(name)` of every name.

    `listed(name, scalars)` may give one value in place of a whole list; None leaves it a list.
    """
    if isinstance(value, dict):
        return {key(str(inner)): mapped(item, change, key, str(inner), listed) for inner, item in value.items()}
    if isinstance(value, list):
        whole = listed(name, value) if value and not any(isinstance(item, dict | list) for item in value) else None
        return [mapped(item, change, key, name, listed) for item in value] if whole is None else whole
    return change(name, value)


def lists(document: Any) -> Iterator[tuple[str, list[Any]]]:
    """The lists of a document that no list holds, each with its path; at most 2,000."""
    left = 2_000
    stack: list[tuple[Any, str, int]] = [(document, "", 0)]
    while stack and left:
        value, path, depth = stack.pop()
        left -= 1
        if isinstance(value, dict) and depth < _DEEPEST:
            stack += [
                (item, _join(path, str(name)), depth + 1)
                for name, item in list(value.items())[:left]
                if '"' not in str(name)
            ]
        elif isinstance(value, list) and path:
            yield path, value


def size(value: Any, most: int, deepest: int) -> int:
    """How many values a document has, or `most` + 1 where it has more or is nested deeper."""
    count, stack = 0, [(value, 0)]
    while stack:
        item, depth = stack.pop()
        count += 1
        if count > most or depth > deepest:
            return most + 1
        if isinstance(item, dict):
            stack += [(inner, depth + 1) for inner in item.values()]
        elif isinstance(item, list):
            stack += [(inner, depth + 1) for inner in item]
    return count
