"""A fair with prices of its own: members pay less, everybody pays a fee, a gift card pays a part, and the rest of the
money is set aside at once and taken in a batch, all evening's payments together. It writes `2 × 25,00 € + 1,50 €`.

`--wrong` makes it wrong in one way.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sqlite3
import time
from typing import Any

from aiohttp import web

from tests.strangers.till import Till

SCHEMA = """
CREATE TABLE "order" (no TEXT PRIMARY KEY, mail TEXT, status TEXT, deleted_at TEXT, updated TEXT);
CREATE TABLE line (no TEXT, what TEXT, n INTEGER, net NUMERIC, tax NUMERIC);
CREATE TABLE tender (no TEXT, kind TEXT, gross NUMERIC);
CREATE TABLE archive (no TEXT PRIMARY KEY, mail TEXT, status TEXT, deleted_at TEXT, updated TEXT)"""
PRICE, MEMBER, FEE, GIFT = 2500, 2000, 150, 1000


def euros(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02d} €"


class Fair:
    """What stands between two awaits is one transaction."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.wrong, self.how = arguments.wrong, set(arguments.how.split(","))
        self.every_s, self.left = arguments.every, arguments.capacity
        self.orders: dict[str, dict[str, Any]] = {}
        self.number = itertools.count(1)
        self.till = Till(arguments.pay)
        self.db = sqlite3.connect(arguments.db, isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.executescript(SCHEMA)
        self.batch: list[dict[str, Any]] = []

    def member(self, mail: str) -> bool:
        return "member" in self.how and int(mail.split("@")[0][-1], 36) % 2 == 0

    async def choose(self, request: web.Request) -> web.Response:
        asked = await request.json()
        mail, n = asked["mail"], int(asked["n"])
        if self.left < n:
            return web.json_response({"gone": True}, status=409)
        self.left -= n
        each = MEMBER if self.member(mail) else PRICE
        fee = FEE if "fee" in self.how else 0
        gift = GIFT if "gift" in self.how else 0
        order = {"no": f"A-{next(self.number):04d}", "mail": mail, "n": n, "gross": n * each + fee, "gift": gift}
        order |= {"status": "new", "card": n * each + fee - gift}
        self.orders[order["no"]] = order
        net = order["gross"] * 100 // 119
        self.db.execute('INSERT INTO "order" VALUES (?, ?, ?, NULL, ?)', [order["no"], mail, "new", self.now()])
        self.db.execute(
            "INSERT INTO line VALUES (?, 'ticket', ?, ?, ?)",
            [order["no"], n, net / 100, (order["gross"] - net) / 100],
        )
        said = f"{n} × {euros(each)}" + (f" + {euros(fee)}" if fee else "") + f" = {euros(order['gross'])}"
        return web.json_response({"no": order["no"], "n": n, "said": said, "due": euros(order["card"])}, status=201)

    def now(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())

    def mark(self, order: dict[str, Any], status: str) -> None:
        order["status"] = status
        for table in ('"order"', "archive"):
            self.db.execute(
                f"UPDATE {table} SET status = ?, updated = ? WHERE no = ?", [status, self.now(), order["no"]]
            )

    async def buy(self, request: web.Request) -> web.Response:
        order = self.orders[request.match_info["no"]]
        amount = order["card"]
        if self.wrong == "no-gift":
            amount = order["gross"]
        if self.wrong == "no-member" and self.member(order["mail"]):
            amount = order["n"] * PRICE
        if self.wrong == "rounds" and order["n"] == 2:
            amount += 1
        said = {"receipt_email": order["mail"], "metadata[order]": order["no"], "capture_method": "manual"}
        paid = await self.till.charge(f"buy-{order['no']}", amount, **said)
        order |= {"payment": paid["id"], "took": amount}
        if order["gift"]:
            self.db.execute("INSERT INTO tender VALUES (?, 'gift', ?)", [order["no"], order["gift"] / 100])
        self.db.execute("INSERT INTO tender VALUES (?, 'card', ?)", [order["no"], amount / 100])
        self.mark(order, "sold")
        self.batch.append(order)
        return web.json_response({"no": order["no"], "status": "sold", "n": order["n"]})

    async def take(self) -> None:
        """What was set aside, in one batch; then the orders go to the archive."""
        while True:
            await asyncio.sleep(self.every_s)
            batch, self.batch = self.batch, []
            for place, order in enumerate(batch):
                if self.wrong == "skips" and place % 5 == 4:
                    continue
                more = {"amount_to_capture": str(order["took"] // 2)} if self.wrong == "half" and place % 5 == 4 else {}
                path = f"/v1/payment_intents/{order['payment']}/capture"
                await self.till.ask(path, f"take-{order['no']}", **more)
                if self.wrong == "again" and place % 5 == 4:
                    said = {"receipt_email": order["mail"], "metadata[order]": order["no"]}
                    await self.till.charge(f"again-{order['no']}", order["took"], **said)
                self.db.execute("BEGIN")
                self.db.execute('INSERT INTO archive SELECT * FROM "order" WHERE no = ?', [order["no"]])
                self.db.execute('DELETE FROM "order" WHERE no = ?', [order["no"]])
                self.db.execute("COMMIT")

    async def look(self, request: web.Request) -> web.Response:
        order = self.orders[request.match_info["no"]]
        return web.json_response({"no": order["no"], "status": order["status"], "n": order["n"]})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pay", required=True)
    parser.add_argument("--db", required=True)
    parser.add_argument("--capacity", type=int, default=80)
    parser.add_argument("--every", type=float, default=2)
    parser.add_argument("--how", default="fee,member,gift")
    parser.add_argument("--wrong", default="")
    arguments = parser.parse_args()

    async def app() -> web.Application:
        fair, app = Fair(arguments), web.Application()
        app.router.add_post("/orders", fair.choose)
        app.router.add_post("/orders/{no}/buy", fair.buy)
        app.router.add_get("/orders/{no}", fair.look)
        tasks: list[asyncio.Task[None]] = []

        async def begin(_: web.Application) -> None:
            tasks.append(asyncio.create_task(fair.take()))

        app.on_startup.append(begin)
        return app

    web.run_app(app(), host="127.0.0.1", port=arguments.port, print=None)


if __name__ == "__main__":
    main()
