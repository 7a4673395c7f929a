"""Turn the pages of somebody's list: what to ask next, and when a page betrays that the list is not what it says.

Pure: each function says what to ask or raises ReadError; http.py does the asking. Five ways, as shops page: a link to
the next page, offset and limit, skip and take, the page's number, a cursor.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from surgectl.errors import UsageError
from surgectl.evidence.asking import CURSOR
from surgectl.evidence.look import compile_path
from surgectl.evidence.reading import Raw, ReadError
from surgectl.profile.source import Cursor, Http, InHeader, Numbered, Spot

Header = Callable[[str], str | None]
"""A header's name → its value."""


def _no_header(name: str) -> str | None:
    return None


class Page(msgspec.Struct, frozen=True):
    """One page that came."""

    document: Any
    rows: list[Raw]
    read: int
    """How many rows were read with it."""
    turned: int = 1
    """How many pages were read with it."""
    header: Header = _no_header


class Turn(msgspec.Struct, frozen=True):
    """What the next request changes: another address, or variables such as `offset`."""

    url: str | None = None
    variables: dict[str, Any] = {}


Read = Callable[[Page], Any]
"""A page → the value at a spot of it, or None."""


class Paging(msgspec.Struct, frozen=True):
    """How one source pages."""

    first: Turn
    following: Callable[[Page], Turn | None]
    """The turn after a page; None after the last. ReadError where the page cannot be believed."""
    total: Read | None = None
    """The count that the pages themselves declare."""


def compile_paging(http: Http, where: str) -> Paging:
    """The one way of paging that the source names, or none. Raises UsageError."""
    ways = [way for way in ("next", "offset", "skip", "page", "cursor") if getattr(http, way) is not None]
    if len(ways) > 1:
        raise UsageError(f"pages in {len(ways)} ways: {' and '.join(ways)}", where=where, hint="one of them")
    if http.next is not None:
        return _linked(http.next, f"{where}.next")
    if http.offset is not None:
        return _counted("offset", "limit", http.offset.limit, http.offset.total, f"{where}.offset")
    if http.skip is not None:
        return _counted("skip", "take", http.skip.take, http.skip.total, f"{where}.skip")
    if http.page is not None:
        return _numbered(http.page, f"{where}.page")
    if http.cursor is not None:
        return _cursor(http.cursor, "after" if http.graphql else "starting_after", f"{where}.cursor")
    return Paging(first=Turn(), following=lambda page: None)


def compile_spot(spot: Spot, where: str) -> Read:
    """A JMESPath into the body, or a header, as a closure over a page. Raises UsageError."""
    if isinstance(spot, InHeader):
        name = spot.header
        return lambda page: page.header(name)
    look = compile_path(spot, where)
    return lambda page: look(page.document)


def shown(spot: Spot) -> str:
    """A spot in words."""
    return f"the header {spot.header}" if isinstance(spot, InHeader) else spot


def _linked(spot: Spot, where: str) -> Paging:
    read = compile_spot(spot, where)
    by_relation = isinstance(spot, InHeader) and spot.header.lower() == "link"

    def following(page: Page) -> Turn | None:
        link = read(page)
        if by_relation and link is not None:
            link = next_link(link)
        if link is None or link == "":
            return None
        if not isinstance(link, str):
            raise ReadError(f"{shown(spot)}: is no link to the next page")
        return Turn(url=link)

    return Paging(first=Turn(), following=following)


_PLAIN = re.compile(r"\w+(\.\w+)*")
_LINK = re.compile(r'<([^>]*)>((?:\s*;\s*[\w!#$%&*+.^`|~-]+\s*(?:=\s*(?:"(?:[^"\\]|\\.)*"|[^",;\s]*))?)*)')
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]*))', re.IGNORECASE)


def next_link(header: str) -> str | None:
    """The target of rel="next" in a Link header (RFC 8288 §3), or None."""
    for target, parameters in _LINK.findall(header):
        relation = _REL.search(parameters)
        if relation and "next" in (relation[1] or relation[2] or "").lower().split():
            return str(target)
    return None


def _counted(skip: str, take: str, size: int, spot: Spot | None, where: str) -> Paging:
    _sized(size, f"{where}.{take}")
    total = compile_spot(spot, f"{where}.total") if spot is not None else None

    def following(page: Page) -> Turn | None:
        # A short page is no end: some cap the page below what we ask. The declared total is, or an empty page.
        declared = count(total, page)
        if declared is not None and page.read >= declared:
            return None
        if not page.rows:
            if declared is None:
                return None
            raise ReadError(f"an empty page after {page.read} of {declared} rows")
        return Turn(variables={skip: page.read, take: size})

    return Paging(first=Turn(variables={skip: 0, take: size}), following=following, total=total)


def _numbered(options: Numbered, where: str) -> Paging:
    _sized(options.per_page, f"{where}.per_page")
    if options.first not in (0, 1):
        raise UsageError(f"the first page is not {options.first}", where=f"{where}.first", hint="0 or 1")
    total = compile_spot(options.total, f"{where}.total") if options.total is not None else None
    pages = compile_spot(options.pages, f"{where}.pages") if options.pages is not None else None

    def turn(number: int) -> Turn:
        return Turn(variables={"page": number, "per_page": options.per_page})

    def following(page: Page) -> Turn | None:
        declared, last = count(total, page), count(pages, page)
        if (declared is not None and page.read >= declared) or (last is not None and page.turned >= last):
            return None
        if not page.rows:
            if declared is None and last is None:
                return None
            whole = f"{page.read} of {declared} rows" if declared is not None else f"{page.turned} of {last} pages"
            raise ReadError(f"an empty page after {whole}")
        return turn(options.first + page.turned)

    return Paging(first=turn(options.first), following=following, total=total)


def _cursor(options: Cursor, usual: str, where: str) -> Paging:
    after = options.after
    beside = compile_spot(after, f"{where}.after")
    in_row = compile_path(after, f"{where}.after") if isinstance(after, str) else None
    more = compile_spot(options.more, f"{where}.more") if options.more is not None else None
    param = options.param or usual
    if options.limit is not None:
        _sized(options.limit, f"{where}.limit")
    size = {"limit": options.limit} if options.limit is not None else {}

    def following(page: Page) -> Turn | None:
        if more is not None:
            if not _yes(more(page), options.more, page):
                return None
        # The cursor is the last row's (Stripe's `id`) or stands beside the rows (Relay's endCursor).
        value = (in_row(page.rows[-1]) if in_row and page.rows else None) or beside(page)
        if value is None or value == "":
            if more is None:
                return None
            raise ReadError(f"{shown(options.more)} says there is more, but there is no {shown(after)} to ask after")  # type: ignore[arg-type]  # more was compiled of it
        if more is None and not page.rows:
            return None
        return Turn(variables={param: value, CURSOR: value, **size})

    return Paging(first=Turn(variables=size), following=following)


def _yes(value: Any, spot: Spot | None, page: Page) -> bool:
    """Whether there is more. A key that is not there is no answer: a slip in a path would end every list early."""
    if value is None and isinstance(spot, str) and _lacks(page.document, spot):
        raise ReadError(f"{spot} is not there to say whether there is more")
    if isinstance(value, str):
        return value.lower() not in ("", "false", "0", "no")
    return bool(value)


def _lacks(document: Any, path: str) -> bool:
    """Whether a plain dotted path leads to no key at all (null is a key's value); other paths cannot be told."""
    if not _PLAIN.fullmatch(path):
        return False
    for name in path.split("."):
        if not isinstance(document, dict) or name not in document:
            return True
        document = document[name]
    return False


_MORE = frozenset({"hasmore", "hasnextpage", "hasnext"})
_DEEP = 3


def unasked(page: Page) -> str:
    """What the last page says of further ones that nobody asked for; empty where it says nothing of the kind.

    A target that forgets its paging reads the first page of everything: half a list must not look like a whole one.
    """
    if (link := page.header("Link")) and next_link(link):
        return "the answer's Link header names a next page: say next: {header: Link}"
    if path := _going_on(page.document, "", _DEEP):
        return f"the answer says at {path} that there is more: say how it is paged"
    for name in _COUNTING_HEADERS:
        if (count := page.header(name)) and count.isascii() and count.isdecimal() and int(count) > page.read:
            return f"the answer's header {name} says {count}, and {page.read} were read: say how it is paged"
    if found := _counting(page, page.document, "", _DEEP):
        path, number = found
        return (
            f"the answer says {number} at {path}, and {page.read} rows were read: say how it is paged; if that is"
            f' another number, say `count: "length(…)"` with the path of the rows'
        )
    return ""


_COUNTING_HEADERS = ("X-Total-Count", "X-WP-Total", "X-Total")
_COUNTS = frozenset(
    "total count totalcount totalitems totalresults totalrows totalrecords totalelements numfound recordstotal".split()
)
_PAGES = frozenset("pages totalpages lastpage pagecount".split())
_AROUND = frozenset("meta metadata pagination paging page pageinfo data result results response list".split())
"""Where a count of rows stands, if not at the top: anywhere else it may count, or cost, something else."""


def _counting(page: Page, document: Any, at: str, deep: int) -> tuple[str, int] | None:
    """The path of a number of rows that is more than were read, or of several pages where one was; not in the rows."""
    if not isinstance(document, dict) or not deep or any(document is row for row in page.rows):
        return None
    for name, value in document.items():
        word = str(name).replace("_", "").replace("-", "").lower()
        if type(value) is int and (
            (word in _COUNTS and value > page.read) or (word in _PAGES and value > 1 and page.turned == 1)
        ):
            return f"{at}{name}", value
        if word in _AROUND and (found := _counting(page, value, f"{at}{name}.", deep - 1)):
            return found
    return None


def _going_on(document: Any, at: str, deep: int) -> str:
    """The path of a `has_more: true`, or of a `next` that is a link; not in the rows."""
    if not isinstance(document, dict) or not deep:
        return ""
    for name, value in document.items():
        word = str(name).replace("_", "").lower()
        if word in _MORE and value is True:
            return f"{at}{name}"
        link = value.get("href") if isinstance(value, dict) else value  # HAL has its links so
        if word.startswith("next") and isinstance(link, str) and link.startswith(("http://", "https://", "/", "?")):
            return f"{at}{name}"
        if found := _going_on(value, f"{at}{name}.", deep - 1):
            return found
    return ""


def _sized(size: int, where: str) -> None:
    if size < 1:
        raise UsageError(f"{size} is not a number of rows", where=where, hint="try 50")


def count(read: Read | None, page: Page) -> int | None:
    """A declared count, which must be a number where it is asked for."""
    if read is None:
        return None
    value = read(page)
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise ReadError(f"the declared count is {value!r:.60}")
    return value
