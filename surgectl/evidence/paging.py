"""Turn the pages of somebody's list: what to ask next, and when a page betrays that the list is not what it says.

Pure: each function says what to ask or raises ReadError; http.py does the asking. Four ways, as shops page: a link to
the next page, offset and limit, skip and take, a cursor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from surgectl.errors import UsageError
from surgectl.evidence.look import Look, compile_path
from surgectl.evidence.reading import Raw, ReadError
from surgectl.profile.target import Http


class Page(msgspec.Struct, frozen=True):
    """One page that came: its document, its rows, and how many rows were read with it."""

    document: Any
    rows: list[Raw]
    read: int


class Turn(msgspec.Struct, frozen=True):
    """What the next request changes: another address, or variables such as `offset`."""

    url: str | None = None
    variables: dict[str, Any] = {}


class Paging(msgspec.Struct, frozen=True):
    """How one source pages."""

    first: Turn
    following: Callable[[Page], Turn | None]
    """The turn after a page; None after the last. ReadError where the page cannot be believed."""
    total: Look | None = None
    """The count that the pages themselves declare."""


def compile_paging(http: Http, where: str) -> Paging:
    """The one way of paging that the source names, or none. Raises UsageError."""
    ways = [way for way in ("next", "offset", "skip", "cursor") if getattr(http, way) is not None]
    if len(ways) > 1:
        raise UsageError(f"pages in {len(ways)} ways: {' and '.join(ways)}", where=where, hint="one of them")
    if http.next is not None:
        return _linked(http.next, f"{where}.next")
    if http.offset is not None:
        return _counted(http.offset, "offset", "limit", f"{where}.offset")
    if http.skip is not None:
        return _counted(http.skip, "skip", "take", f"{where}.skip")
    if http.cursor is not None:
        return _cursor(http.cursor, "after" if http.graphql else "starting_after", f"{where}.cursor")
    return Paging(first=Turn(), following=lambda page: None)


def _linked(path: str, where: str) -> Paging:
    look = compile_path(path, where)

    def following(page: Page) -> Turn | None:
        link = look(page.document)
        if link is None or link == "":
            return None
        if not isinstance(link, str):
            raise ReadError(f"{path}: is no link to the next page")
        return Turn(url=link)

    return Paging(first=Turn(), following=following)


def _counted(options: dict[str, Any], skip: str, take: str, where: str) -> Paging:
    _only(options, {take, "total"}, where)
    size = options.get(take)
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise UsageError(f"{take} is not a number of rows", where=f"{where}.{take}", hint=f"try {take}: 50")
    total = compile_path(_text(options, "total", where), f"{where}.total") if "total" in options else None

    def following(page: Page) -> Turn | None:
        declared = count(total, page.document)
        # A short page is no end where the source says how many there are: some cap the page below what we ask.
        ended = page.read >= declared if declared is not None else len(page.rows) < size
        if ended:
            return None
        if not page.rows:
            if declared is None:
                return None
            raise ReadError(f"an empty page after {page.read} of {declared} rows")
        return Turn(variables={skip: page.read, take: size})

    return Paging(first=Turn(variables={skip: 0, take: size}), following=following, total=total)


def _cursor(options: dict[str, Any], usual: str, where: str) -> Paging:
    _only(options, {"after", "more", "param", "limit"}, where)
    after_path, more_path = _text(options, "after", where), _text(options, "more", where)
    after, more = compile_path(after_path, f"{where}.after"), compile_path(more_path, f"{where}.more")
    param = _text(options, "param", where) if "param" in options else usual
    size = {"limit": options["limit"]} if "limit" in options else {}

    def following(page: Page) -> Turn | None:
        if not more(page.document):
            return None
        # The cursor is the last row's (Stripe's `id`) or stands beside the rows (Relay's endCursor).
        value = (after(page.rows[-1]) if page.rows else None) or after(page.document)
        if value is None or value == "":
            raise ReadError(f"{more_path} says there is more, but there is no {after_path} to ask after")
        return Turn(variables={param: value, "cursor": value, **size})

    return Paging(first=Turn(variables=size), following=following)


def count(look: Look | None, document: Any) -> int | None:
    """A declared count, which must be a number where it is asked for."""
    if look is None:
        return None
    value = look(document)
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise ReadError(f"the declared count is {value!r}")
    return value


def _text(options: dict[str, Any], name: str, where: str) -> str:
    value = options.get(name)
    if not isinstance(value, str) or not value:
        raise UsageError("is not a path", where=f"{where}.{name}")
    return value


def _only(options: dict[str, Any], known: set[str], where: str) -> None:
    if unknown := sorted(set(options) - known):
        raise UsageError("no such option", where=f"{where}.{unknown[0]}", hint=f"one of {', '.join(sorted(known))}")
