"""A gallery: GraphQL that always answers 200, orders by code, decimal money as text, everything in one SQLite file."""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
from decimal import Decimal
from typing import Any

from aiohttp import web

from tests.strangers.till import Till

SCHEMA = """
CREATE TABLE sale_order (code TEXT PRIMARY KEY, buyer TEXT UNIQUE, lifecycle TEXT, pieces INTEGER, gross TEXT,
                         placed TEXT DEFAULT (datetime('now')))"""


class Gallery:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self.db = sqlite3.connect(arguments.db, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute(SCHEMA)
        self.till = Till(arguments.pay)
        self.tasks: set[asyncio.Task[None]] = set()

    def order(self, buyer: str) -> dict[str, Any] | None:
        row = self.db.execute(
            "SELECT code, lifecycle, pieces, gross FROM sale_order WHERE buyer = ?", [buyer]
        ).fetchone()
        return dict(row) if row else None

    async def graphql(self, request: web.Request) -> web.Response:
        asked = await request.json()
        query, given = asked["query"], asked.get("variables", {})
        field = "placeOrder" if "placeOrder" in query else "order"
        if field == "order":
            answer = self.order(given["buyer"]) or {"errorCode": "NO_SUCH_ORDER"}
        else:
            answer = self.place(given["buyer"], int(given["pieces"]))
        return web.json_response({"data": {field: answer}})

    def place(self, buyer: str, pieces: int) -> dict[str, Any]:
        if self.order(buyer) is None:
            sold = self.db.execute("SELECT coalesce(sum(pieces), 0) FROM sale_order WHERE lifecycle <> 'Cancelled'")
            if sold.fetchone()[0] + pieces > 60:
                return {"errorCode": "INSUFFICIENT_STOCK"}
            number = self.db.execute("SELECT count(*) FROM sale_order").fetchone()[0]
            code, gross = f"GX-{number:04d}", str(Decimal("25.00") * pieces)
            self.db.execute(
                "INSERT INTO sale_order (code, buyer, lifecycle, pieces, gross) VALUES (?, ?, 'Arranging', ?, ?)",
                [code, buyer, pieces, gross],
            )
            task = asyncio.create_task(self.pay(code, buyer, gross))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        return self.order(buyer) or {}

    async def pay(self, code: str, buyer: str, gross: str) -> None:
        await self.till.charge(f"gallery-{code}", int(Decimal(gross) * 100), receipt_email=buyer.upper())
        self.db.execute("UPDATE sale_order SET lifecycle = 'Settled' WHERE code = ?", [code])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pay", required=True)
    parser.add_argument("--db", required=True)
    arguments = parser.parse_args()

    async def app() -> web.Application:
        gallery, app = Gallery(arguments), web.Application()
        app.router.add_post("/graphql", gallery.graphql)
        return app

    web.run_app(app(), host="127.0.0.1", port=arguments.port, print=None)


if __name__ == "__main__":
    main()
