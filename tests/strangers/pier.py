"""A pier's ferry: fans pay on the bank's own page and are sent back; the bank tells the shop as well, and twice.

Some never come back; some pay after their place was given away. Its books are one SQLite file, its clock says summer
time without saying so. `--wrong` makes it wrong in one way.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import itertools
import json
import sqlite3
import time
from typing import Any

import aiohttp
from aiohttp import web

from tests.strangers.bank import SECRET, signed

SCHEMA = """
CREATE TABLE bookings (number TEXT PRIMARY KEY, passenger TEXT, status TEXT, heads INTEGER, gross NUMERIC, booked TEXT,
                       closed TEXT, bank_payment TEXT);
CREATE TABLE boarding (pass TEXT, booking TEXT, status TEXT);
CREATE TABLE deck (places INTEGER, free INTEGER)"""
PRICES = {"EUR": 2500, "JPY": 2500, "KWD": 2500}
PLACES = {"EUR": 2, "JPY": 0, "KWD": 3}


class Pier:
    """What stands between two awaits is one transaction."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.wrong, self.bank, self.port = arguments.wrong, arguments.pay, arguments.port
        self.public, self.currency = arguments.public, arguments.currency
        self.hold_s, self.capacity, self.slow_s = arguments.hold, arguments.capacity, arguments.slow
        self.free = self.capacity
        self.number = itertools.count(1)
        self.bookings: dict[str, dict[str, Any]] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.db = sqlite3.connect(arguments.db, isolation_level=None)
        self.db.executescript(SCHEMA)
        self.db.execute("INSERT INTO deck VALUES (?, ?)", [self.capacity, self.free])
        self.http: aiohttp.ClientSession | None = None

    def later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def ask(self, path: str, **body: Any) -> dict[str, Any]:
        """The bank, until it answers: it does everything once for a reference or a key."""
        self.http = self.http or aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=0.6), connector=aiohttp.TCPConnector(force_close=True, limit=0)
        )
        for _ in range(100):
            try:
                async with self.http.post(self.bank + path, json=body) as reply:
                    if reply.status == 200:
                        said: dict[str, Any] = await reply.json()
                        return said
            except (aiohttp.ClientError, TimeoutError, ValueError):
                pass
            await asyncio.sleep(0.2)
        raise RuntimeError(f"the bank does not answer to {path}")

    def keep(self, booking: dict[str, Any]) -> None:
        ended = booking["status"] in ("lapsed", "cancelled", "refunded")
        clock = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 7200))
        booking["closed"] = booking.get("closed") or (clock if ended else None)
        booking.setdefault("booked", clock)
        gross = booking["gross"] / 10 ** PLACES[self.currency]
        self.db.execute(
            "REPLACE INTO bookings VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [booking["number"], booking["email"], booking["status"], booking["heads"], gross, booking["booked"]]
            + [booking["closed"], booking.get("payment")],
        )
        self.db.execute("UPDATE deck SET free = ?", [self.free])

    # -- what fans see

    async def book(self, request: web.Request) -> web.Response:
        asked = await request.json()
        heads = int(asked["heads"])
        if self.free < heads:
            return web.json_response({"full": True}, status=409)
        self.free -= heads
        booking = {"number": f"F-{next(self.number):05d}", "email": asked["email"], "heads": heads, "status": "open"}
        booking |= {"gross": heads * PRICES[self.currency], "passes": 0}
        self.bookings[booking["number"]] = booking
        self.keep(booking)
        self.later(self.lapse(booking))
        return web.json_response({"booking": booking["number"], "to_pay": booking["gross"], "heads": heads}, status=201)

    async def lapse(self, booking: dict[str, Any]) -> None:
        await asyncio.sleep(self.hold_s)
        if booking["status"] == "open":
            booking["status"] = "lapsed"
            self.free += booking["heads"]
            self.keep(booking)

    async def to_bank(self, request: web.Request) -> web.Response:
        booking = self.bookings[request.match_info["number"]]
        here = f"http://127.0.0.1:{self.port}"
        amount = booking["gross"] * (10 if self.wrong == "decimals" else 1)
        session = await self.ask(
            "/sessions",
            reference=booking["number"],
            amount=amount,
            currency=self.currency,
            email=booking["email"],
            back=f"{here}/back",
            hook=f"{here}/hook",
            public=self.public,
        )
        raise web.HTTPSeeOther(session["page"])

    async def back(self, request: web.Request) -> web.Response:
        number, state = request.query["reference"], request.query["state"]
        if request.query["sign"] != signed(number, state):
            return web.json_response({"forged": True}, status=400)
        booking = self.bookings[number]
        if self.wrong == "glad":  # whoever comes back has paid
            state = "paid"
        payment = None
        if self.wrong != "glad" or state == "paid":
            payment = booking.get("payment")
        await self.hear(booking, state, payment, "page")
        return web.json_response({"booking": number, "status": self.shown(booking), "heads": booking["heads"]})

    async def hook(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.headers.get("X-Sign") != hmac.new(SECRET, body, hashlib.sha256).hexdigest():
            return web.Response(status=400)
        event = json.loads(body)
        await self.hear(self.bookings[event["reference"]], event["state"], event["payment"], "hook")
        return web.Response()

    async def hear(self, booking: dict[str, Any], state: str, payment: str | None, by: str) -> None:
        """The bank's word, by whichever way it comes, however often."""
        if payment:
            booking["payment"] = payment
        if self.slow_s and by == "page":
            return  # believes the hook alone
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        if state == "failed" and booking["status"] in ("open", "lapsed"):
            self.free += booking["heads"] if booking["status"] == "open" else 0
            booking["status"] = "cancelled"
        elif state == "paid" and booking["status"] == "open":
            booking["status"] = "paid"
            if self.wrong == "race":
                await asyncio.sleep(0.3)
            self.board(booking)
        elif state == "paid" and self.wrong == "race" and booking["status"] == "paid" and booking["passes"] == 0:
            self.board(booking)  # both ways found no pass yet
        elif state == "paid" and booking["status"] in ("lapsed", "cancelled") and self.wrong == "revive":
            booking["status"] = "paid"
            self.free -= booking["heads"] if self.free >= booking["heads"] else 0
            self.board(booking)
        elif state == "paid" and booking["status"] in ("lapsed", "cancelled") and self.wrong != "deaf":
            booking["status"] = "late"
        if booking["status"] in ("late", "refunding" if self.wrong == "eager" else "late") and booking.get("payment"):
            booking["status"] = "refunding"
            self.keep(booking)
            key = f"back-{booking['number']}" + (f"-{next(self.number)}" if self.wrong == "eager" else "")
            await self.ask("/refunds", payment=booking["payment"], amount=booking["gross"], key=key)
            booking["status"] = "refunded"
        self.keep(booking)

    def board(self, booking: dict[str, Any]) -> None:
        for _ in range(booking["heads"]):
            booking["passes"] += 1
            name = f"{booking['number']}/{booking['passes']}"
            self.db.execute("INSERT INTO boarding VALUES (?, ?, 'good')", [name, booking["number"]])

    def shown(self, booking: dict[str, Any]) -> str:
        return {"late": "refunding"}.get(booking["status"], booking["status"])

    async def look(self, request: web.Request) -> web.Response:
        booking = self.bookings[request.match_info["number"]]
        return web.json_response(
            {"booking": booking["number"], "status": self.shown(booking), "heads": booking["heads"]}
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pay", required=True)
    parser.add_argument("--public", default="")
    parser.add_argument("--db", required=True)
    parser.add_argument("--capacity", type=int, default=60)
    parser.add_argument("--hold", type=float, default=4)
    parser.add_argument("--slow", type=float, default=0)
    parser.add_argument("--currency", default="EUR")
    parser.add_argument("--wrong", default="")
    arguments = parser.parse_args()

    async def app() -> web.Application:
        pier, app = Pier(arguments), web.Application()
        app.router.add_post("/bookings", pier.book)
        app.router.add_post("/bookings/{number}/pay", pier.to_bank)
        app.router.add_get("/bookings/{number}", pier.look)
        app.router.add_get("/back", pier.back)
        app.router.add_post("/hook", pier.hook)
        return app

    web.run_app(app(), host="127.0.0.1", port=arguments.port, print=None)


if __name__ == "__main__":
    main()
