"""Objects in the order in which they were made, found by id, and listed a page at a time, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

import msgspec

from surgectl.stage.payments import form
from surgectl.stage.payments.form import Tree
from surgectl.stage.payments.refusal import bad_request, no_such


class Kept(Protocol):
    id: str
    created: int


T = TypeVar("T", bound=Kept)

_FOREVER_S = 1 << 62


class Page(msgspec.Struct, frozen=True):
    """Which part of a list is wanted; `since_s`/`until_s` are inclusive seconds since 1970."""

    limit: int = 10
    starting_after: str | None = None
    ending_before: str | None = None
    since_s: int = 0
    until_s: int = _FOREVER_S


def read_page(tree: Tree) -> Page:
    """`limit` (1–100), one cursor, `created[gt|gte|lt|lte]` or `created=` (docs.stripe.com/api/pagination)."""
    limit = form.whole(tree, "limit", least=1, most=100)
    since_s, until_s = 0, _FOREVER_S
    created = tree.get("created")
    if isinstance(created, dict):
        bounds = {name: form.needed_whole(created, name, least=0, most=_FOREVER_S) for name in created}
        for name, bound in bounds.items():
            if name == "gte":
                since_s = max(since_s, bound)
            elif name == "gt":
                since_s = max(since_s, bound + 1)
            elif name == "lte":
                until_s = min(until_s, bound)
            elif name == "lt":
                until_s = min(until_s, bound - 1)
            else:
                raise bad_request(f"Received unknown parameter: created[{name[:40]}]", param="created")
    elif created:
        since_s = until_s = form.needed_whole(tree, "created", least=0, most=_FOREVER_S)
    after, before = form.text(tree, "starting_after"), form.text(tree, "ending_before")
    if after and before:
        raise bad_request("You may only specify one of starting_after or ending_before.", param="ending_before")
    return Page(limit or 10, after, before, since_s, until_s)


class Shelf(Generic[T]):
    """Append-only, with ids as cursors: what is made while somebody pages never moves their place."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._rows: list[T] = []
        self._place: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[T]:
        return iter(self._rows)

    def put(self, row: T) -> None:
        """Add a row, or replace the one of that id."""
        place = self._place.get(row.id)
        if place is None:
            self._place[row.id] = len(self._rows)
            self._rows.append(row)
        else:
            self._rows[place] = row

    def remove(self, id_: str) -> None:
        """Take a row off a short shelf; places after it move up."""
        self._rows = [row for row in self._rows if row.id != id_]
        self._place = {row.id: place for place, row in enumerate(self._rows)}

    def find(self, id_: str) -> T | None:
        place = self._place.get(id_)
        return None if place is None else self._rows[place]

    def get(self, id_: str, *, param: str = "id", status: int = 404) -> T:
        row = self.find(id_)
        if row is None:
            raise no_such(self.kind, id_, param=param, status=status)
        return row

    def page(self, page: Page, keep: Callable[[T], bool] | None = None) -> tuple[list[T], bool]:
        """At most `page.limit` rows, newest first, and whether there are more in the direction of paging."""
        if page.ending_before is not None:
            start = self._cursor(page.ending_before, "ending_before") + 1
            rows, more = self._walk(range(start, len(self._rows)), page, keep)
            return rows[::-1], more
        first = len(self._rows) - 1
        if page.starting_after is not None:
            first = self._cursor(page.starting_after, "starting_after") - 1
        return self._walk(range(first, -1, -1), page, keep)

    def _cursor(self, id_: str, param: str) -> int:
        place = self._place.get(id_)
        if place is None:
            raise no_such(self.kind, id_, param=param, status=400)
        return place

    def _walk(self, places: range, page: Page, keep: Callable[[T], bool] | None) -> tuple[list[T], bool]:
        rows: list[T] = []
        backwards = places.step < 0
        for place in places:
            row = self._rows[place]
            # `created` never decreases along the shelf, so the first row out of the window ends the walk.
            if row.created < page.since_s:
                if backwards:
                    break
                continue
            if row.created > page.until_s:
                if not backwards:
                    break
                continue
            if keep is not None and not keep(row):
                continue
            if len(rows) == page.limit:
                return rows, True
            rows.append(row)
        return rows, False
