"""The books, for whoever audits them: every row, page by page, and the stock in one look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from surgectl.stage.boxoffice import stock
from surgectl.stage.boxoffice.books.looker import Looker
from surgectl.stage.boxoffice.books.protocol import Archive, Books
from surgectl.stage.boxoffice.request_log import RequestLog
from surgectl.stage.boxoffice.rows import Hall, Stock
from surgectl.stage.boxoffice.seating import Seating

LIMIT_AT_MOST = 1000


def _s(column: str) -> str:
    """Epoch nanoseconds as seconds, on either database."""
    return f"cast({column} as double precision) / 1e9"


# Table → (its select, its order). The names after `as` are the public columns; times leave as epoch seconds.
_QUERIES = {
    "orders": (
        'select id as "order", state, code, qty, amount_minor as amount, currency, email, intent, key, payment,'
        f" refund, hold, {_s('created_ns')} as created_at, {_s('created_ns')} as at, {_s('decided_ns')} as decided_at",
        "orders",
    ),
    "tickets": (
        'select t.id as ticket, t.ord as "order", t.seat, t.state, o.email, o.intent, o.payment,'
        f" {_s('t.created_ns')} as created_at, {_s('t.created_ns')} as at",
        "tickets t join orders o on o.id = t.ord",
    ),
    "holds": (
        f"select id as hold, state, qty, seats, total_minor as amount, email, intent, {_s('created_ns')} as created_at,"
        f" {_s('created_ns')} as at, {_s('expires_ns')} as expires_at, {_s('ended_ns')} as ended_at",
        "holds",
    ),
    "admissions": (
        f"select seq as place, drawn, email, intent, {_s('joined_ns')} as joined_at,"
        f" {_s('admitted_ns')} as admitted_at",
        "places",
    ),
}
_ORDER = {"orders": "n", "tickets": "t.n", "holds": "n", "admissions": "seq"}
KINDS = (*_QUERIES, "requests")


class Page(msgspec.Struct):
    """`total` rows in all, and those of this page."""

    total: int
    rows: list[Any]


class Reader(Looker):
    """Pages of the books, and the stock. BooksAway where the database does not answer within `patience_ns`."""

    def __init__(
        self, archive: Archive, seating: Seating, log: RequestLog, patience_ns: int, count: Callable[[Books], Stock]
    ) -> None:
        super().__init__(archive, patience_ns)
        self._count = count
        self._seating = seating
        self._log = log

    async def page(self, kind: str, limit: int, offset: int) -> Page:
        """Rows `offset` to `offset + limit` of a kind in KINDS, oldest first; count and rows from one snapshot."""
        if kind == "requests":
            return Page(total=self._log.total, rows=self._log.page(limit, offset))
        return await self.asked(lambda books: self._page(books, kind, limit, offset))

    async def stock(self) -> Stock:
        """All five numbers from one snapshot."""
        return await self.asked(self._count)

    async def hall(self, now_ns: int, on_map: bool) -> Hall:
        """A look for the shop window; `on_map`: seat by seat."""
        return await self.asked(lambda books: Hall(now_ns, self._count(books), stock.states(books) if on_map else b""))

    def _page(self, books: Books, kind: str, limit: int, offset: int) -> Page:
        select, source = _QUERIES[kind]
        (total,) = books.execute(f"select count(*) from {source}").fetchone()
        found = books.execute(f"{select} from {source} order by {_ORDER[kind]} limit ? offset ?", (limit, offset))
        names = [column[0] for column in found.description or ()]
        rows = [self._public(dict(zip(names, row, strict=True))) for row in found.fetchall()]
        return Page(total=total, rows=rows)

    def _public(self, row: dict[str, Any]) -> dict[str, Any]:
        if "seat" in row:
            row["seat"] = self._seating.label(row["seat"])
        if "seats" in row:
            row["seats"] = [self._seating.label(int(n)) for n in row["seats"].split(",")]
        return row
