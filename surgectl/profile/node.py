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


def find(node: Node, path: str) -> Node | None:
    """The node at a dotted path with `[n]`, or None."""
    at: Node | None = node
    for part in path.replace("[", ".[").split("."):
        if not part:
            continue
        if part.startswith("["):
            index = int(part[1:-1])
            at = at.items[index] if isinstance(at, Items) and index < len(at.items) else None
        else:
            field = at.fields.get(part) if isinstance(at, Fields) else None
            at = field.value if field else None
        if at is None:
            return None
    return at


def place_of(node: Node, path: str) -> Place:
    """The line of a path, or of its nearest part that is there."""
    best, at = node.place, node
    for part in path.replace("[", ".[").split("."):
        if not part:
            continue
        if part.startswith("["):
            index = int(part[1:-1])
            if not (isinstance(at, Items) and index < len(at.items)):
                return best
            at = at.items[index]
            best = at.place
        else:
            field = at.fields.get(part) if isinstance(at, Fields) else None
            if field is None:
                return best
            at, best = field.value, field.place
    return best


def with_value(node: Node, path: str, value: Node) -> Node:
    """The tree with `value` at a dotted path (mappings only); what is missing on the way is made."""
    head, _, rest = path.partition(".")
    fields = dict(node.fields) if isinstance(node, Fields) else {}
    old = fields.get(head)
    inner = with_value(old.value if old else Fields({}, value.place), rest, value) if rest else value
    fields[head] = Field(inner, old.place if old and rest else value.place)
    return Fields(fields, node.place)


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
