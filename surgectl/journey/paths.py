"""Looks up one value in a shop's JSON answer: `data.items[0].id`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from surgectl.journey.problem import TargetError


class _Missing:
    """Nothing is there. Not None, so that a look-up and a JSON null stay apart until a rule decides."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING = _Missing()

Lookup = Callable[[Any], Any]
"""A decoded JSON document → the value there, or MISSING."""

_PART = re.compile(r"""(?:^|\.)([^.\[\]"]+)|\[(-?\d+)\]|\["([^"]*)"\]""")


def split_path(text: str, where: str) -> tuple[str | int, ...]:
    """`data.items[0].id` → ("data", "items", 0, "id"); `["odd.key"]` quotes a name. TargetError at `where`."""
    parts: list[str | int] = []
    at = 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            raise TargetError(f"{text!r} is not a path", where, hint="dotted names with [n]: data.items[0].id")
        name, index, quoted = match.groups()
        parts.append(int(index) if index is not None else name if name is not None else quoted)
        at = match.end()
    if not parts:
        raise TargetError("an empty path", where, hint="dotted names with [n]: data.items[0].id")
    return tuple(parts)


def follow(parts: tuple[str | int, ...]) -> Lookup:
    """The look-up along these parts. A JSON null counts as nothing there."""
    if len(parts) == 1 and isinstance(parts[0], str):
        only = parts[0]

        def look_once(document: Any) -> Any:
            if type(document) is not dict:
                return MISSING
            value = document.get(only, MISSING)
            return MISSING if value is None else value

        return look_once

    def look(document: Any) -> Any:
        for part in parts:
            if type(part) is int:
                if type(document) is not list or not -len(document) <= part < len(document):
                    return MISSING
                document = document[part]
            else:
                if type(document) is not dict or part not in document:
                    return MISSING
                document = document[part]
        return MISSING if document is None else document

    return look


def compile_path(text: str, where: str) -> Lookup:
    """A path as text → its look-up."""
    return follow(split_path(text, where))
