"""What stands in a file, and on which line: so that a complaint can point at it.

A file is read into a small tree of places before anybody asks what the words mean. Settings from the environment and
from flags are laid over the same tree, so every effective value knows where it came from.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from surgectl.errors import UsageError


class Place(msgspec.Struct, frozen=True):
    """A line of a file, or a flag or variable (line 0)."""

    source: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source


class Scalar(msgspec.Struct, frozen=True):
    """One value, as text. `plain` = written without quotes, so it may be a number, a boolean or nothing."""

    text: str
    place: Place
    plain: bool = True

    def __repr__(self) -> str:
        return f"<value at {self.place}>"  # never the text: it may be a secret by now


class Items(msgspec.Struct, frozen=True):
    """A list."""

    items: tuple[Node, ...]
    place: Place


class Field(msgspec.Struct, frozen=True):
    """One key of a mapping, with the place of the key itself."""

    value: Node
    place: Place


class Fields(msgspec.Struct, frozen=True):
    """A mapping; keys are text."""

    fields: dict[str, Field]
    place: Place


Node = Scalar | Items | Fields


class Issue(msgspec.Struct, frozen=True):
    """One thing wrong with a file."""

    place: Place
    path: str
    what: str
    hint: str | None = None

    def __str__(self) -> str:
        text = f"{self.place}: {self.path}: {self.what}" if self.path else f"{self.place}: {self.what}"
        return f"{text} ({self.hint})" if self.hint else text


class BadFile(UsageError):
    """A file says something that cannot be meant; one line for each thing that is wrong, in file order (exit 2)."""

    AT_MOST = 12

    def __init__(self, issues: list[Issue]) -> None:
        ordered = sorted(dict.fromkeys(issues), key=lambda issue: (issue.place.source, issue.place.line))
        self.issues = tuple(ordered)
        first = ordered[0]
        super().__init__(
            f"{first.path}: {first.what}" if first.path else first.what, where=str(first.place), hint=first.hint
        )
        lines = [str(issue) for issue in ordered[: self.AT_MOST]]
        if len(ordered) > self.AT_MOST:
            lines.append(f"{first.place.source}: … and {len(ordered) - self.AT_MOST} more")
        self.args = ("\n".join(lines),)


def join(path: str, key: str) -> str:
    """`sale` + `price` → `sale.price`."""
    return f"{path}.{key}" if path else key


def _parts(path: str) -> list[str | int]:
    """`load[1].for` → ["load", 1, "for"]."""
    parts: list[str | int] = []
    for word in path.replace("[", ".[").split("."):
        if word.startswith("[") and word.endswith("]") and word[1:-1].isdigit():
            parts.append(int(word[1:-1]))
        elif word:
            parts.append(word)
    return parts


def _child(node: Node | None, part: str | int) -> Field | None:
    if isinstance(part, str):
        return node.fields.get(part) if isinstance(node, Fields) else None
    if isinstance(node, Items) and part < len(node.items):
        return Field(node.items[part], node.items[part].place)
    return None


def find(node: Node, path: str) -> Node | None:
    """The node at a dotted path with `[n]`, or None."""
    at: Node = node
    for part in _parts(path):
        child = _child(at, part)
        if child is None:
            return None
        at = child.value
    return at


def place_of(node: Node, path: str) -> Place:
    """The line of a path, or of its nearest part that is there."""
    at, best = node, node.place
    for part in _parts(path):
        child = _child(at, part)
        if child is None:
            break
        at, best = child.value, child.place
    return best


def with_value(node: Node, path: str, value: Node) -> Node:
    """The tree with `value` at a path; mappings that are missing on the way are made, list items must be there."""
    return _with(node, _parts(path), value)


def _with(node: Node | None, parts: list[str | int], value: Node) -> Node:
    if not parts:
        return value
    head, rest = parts[0], parts[1:]
    child = _child(node, head)
    inner = _with(child.value if child else None, rest, value)
    if isinstance(head, int):
        if not isinstance(node, Items) or child is None:
            raise BadFile([Issue(value.place, "", f"there is no item [{head}]", "items are counted from 0")])
        return Items((*node.items[:head], inner, *node.items[head + 1 :]), node.place)
    fields = dict(node.fields) if isinstance(node, Fields) else {}
    fields[head] = Field(inner, child.place if child and rest else value.place)
    return Fields(fields, node.place if node else value.place)


def laid_over(base: Node | None, over: Node) -> Node:
    """Mappings merge key by key; anything else on top wins."""
    if not (isinstance(base, Fields) and isinstance(over, Fields)):
        return over
    fields = dict(base.fields)
    for key, field in over.fields.items():
        old = fields.get(key)
        fields[key] = Field(laid_over(old.value if old else None, field.value), field.place)
    return Fields(fields, base.place)


def leaves(node: Node, path: str = "") -> Iterator[tuple[str, Scalar]]:
    """Every single value with its path, in file order."""
    if isinstance(node, Scalar):
        yield path, node
    elif isinstance(node, Items):
        for index, item in enumerate(node.items):
            yield from leaves(item, f"{path}[{index}]")
    else:
        for key, field in node.fields.items():
            yield from leaves(field.value, join(path, key))
