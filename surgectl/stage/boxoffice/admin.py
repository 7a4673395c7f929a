"""The books, for whoever audits them: every row, page by page, and the stock in one look."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from surgectl.stage.boxoffice import stock
from surgectl.stage.boxoffice.request_log import RequestLog
from surgectl.stage.boxoffice.rows import Stock
from surgectl.stage.boxoffice.schema import connect
from surgectl.stage.boxoffice.seating import Seating

LIMIT_AT_MOST = 1000

# Table → (its select, its order). The names after `as` are the public columns; times leave as epoch seconds.
_QUERIES = {
    "orders": (
        "select id as 'order', state, code, qty, amount_minor as amount, currency, email, intent, key, payment,"
        " refund, hold, created_ns / 1e9 as created_at, created_ns / 1e9 as at, decided_ns / 1e9 as decided_at",
        "orders",
    ),
    "tickets": (
        "select t.id as ticket, t.ord as 'order', t.seat, t.state, o.email, o.intent, o.payment,"
        " t.created_ns / 1e9 as created_at, t.created_ns / 1e9 as at",
        "tickets t join orders o on o.id = t.ord",
    ),
    "holds": (
        "select id as hold, state, qty, seats, total_minor as amount, email, intent, created_ns / 1e9 as created_at,"
        " created_ns / 1e9 as at, expires_ns / 1e9 as expires_at",
        "holds",
    ),
    "admissions": (
        "select seq as place, drawn, email, intent, joined_ns / 1e9 as joined_at, admitted_ns / 1e9 as admitted_at",
        "places",
    ),
}
_ORDER = {"orders": "n", "tickets": "t.n", "holds": "n", "admissions": "seq"}
KINDS = (*_QUERIES, "requests")


class Page(msgspec.Struct):
    """`total` rows in all, and those of this page."""

    total: int
    rows: list[Any]


class Reader:
    """Reads through its own connection and thread: a long audit does not hold up the sale (WAL readers never block)."""

    def __init__(self, folder: Path, seating: Seating, log: RequestLog) -> None:
        self._path = folder / "boxoffice.sqlite3"
        self._seating = seating
        self._log = log
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="boxoffice-reader")
        self._connection: sqlite3.Connection | None = None

    async def page(self, kind: str, limit: int, offset: int) -> Page:
        """Rows `offset` to `offset + limit` of a kind in KINDS, oldest first; count and rows in one transaction."""
        if kind == "requests":
            return Page(total=self._log.total, rows=self._log.page(limit, offset))
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._page, kind, limit, offset)

    async def stock(self) -> Stock:
        """All five numbers from one snapshot."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: stock.count(self._books()))

    def _books(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self._path)
            self._connection.row_factory = sqlite3.Row
        return self._connection

    def _page(self, kind: str, limit: int, offset: int) -> Page:
        select, source = _QUERIES[kind]
        books = self._books()
        books.execute("begin")
        try:
            (total,) = books.execute(f"select count(*) from {source}").fetchone()
            found = books.execute(f"{select} from {source} order by {_ORDER[kind]} limit ? offset ?", (limit, offset))
            rows = [self._public(dict(row)) for row in found.fetchall()]
        finally:
            books.execute("commit")
        return Page(total=total, rows=rows)

    def _public(self, row: dict[str, Any]) -> dict[str, Any]:
        if "seat" in row:
            row["seat"] = self._seating.label(row["seat"])
        if "seats" in row:
            row["seats"] = [self._seating.label(int(n)) for n in row["seats"].split(",")]
        return row

    def close(self) -> None:
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()
