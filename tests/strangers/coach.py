"""A coach line that writes a journal: a row for every change of an order, the last is true; a booking for two is split
into two orders under one parent, paid at once; who booked two gives one of them back.

`--books` says how the journal is shown: as it is, with others' rows in between while one reads, capped, or as an error
with status 200. `--wrong` makes it wrong in one way.
"""

from __future__ import annotations

import argparse
import itertools
import time
from typing import Any

from aiohttp import web

from tests.strangers.till import Till

PRICE = 25.0


class Coach:
    """Everything in memory; one thread, so what stands between two awaits is one transaction."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.wrong, self.shown, self.cap = arguments.wrong, arguments.books, arguments.cap
        self.left = arguments.capacity
        self.number = itertools.count(1)
        self.parents: dict[str, dict[str, Any]] = {}
        self.journal: list[dict[str, Any]] = []
        self.seats: list[dict[str, Any]] = []
        self.reads = 0
        self.till = Till(arguments.pay)

    def write(self, order: str, status: str, mail: str, parent: str | None, pieces: int) -> None:
        # Sums of binary fractions, and a date that needs to be known.
        total = sum([0.1] * 3 + [PRICE - 0.3] + [PRICE] * (pieces - 1))
        row = {"seq": len(self.journal) + 1, "number": order, "parent": parent, "status": status, "mail": mail}
        row |= {"pieces": f"{pieces}.0000", "total": total, "at": time.strftime("%d/%m/%Y %H:%M"), "key": "web"}
        self.journal.append(row | {"payments": [{"kind": "card"}]})

    async def book(self, request: web.Request) -> web.Response:
        asked = await request.json()
        mail, qty = asked["mail"], int(asked["qty"])
        if self.left < qty:
            return web.json_response({"sold_out": True}, status=409)
        self.left -= qty
        number = f"B{next(self.number)}"
        parent = {"number": number, "mail": mail, "qty": qty, "legs": [f"{number}-{n}" for n in range(1, qty + 1)]}
        self.parents[number] = parent
        self.write(number, "open", mail, None, qty)
        for leg in parent["legs"]:
            self.write(leg, "open", mail, number, 1)
        return web.json_response({"booking": number, "total": qty * PRICE, "qty": qty}, status=201)

    async def pay(self, request: web.Request) -> web.Response:
        parent = self.parents[request.match_info["number"]]
        cents = round(parent["qty"] * PRICE * 100)
        said = {"receipt_email": parent["mail"], "metadata[booking]": parent["number"]}
        paid = await self.till.charge(f"pay-{parent['number']}", cents, **said)
        parent["payment"] = paid["id"]
        if self.wrong == "each" and parent["qty"] == 2:
            for leg in parent["legs"]:
                await self.till.charge(f"pay-{leg}", cents, **said)
        self.write(parent["number"], "paid", parent["mail"], None, parent["qty"])
        for leg in parent["legs"]:
            self.write(leg, "paid", parent["mail"], parent["number"], 1)
            self.seats.append({"seat": f"S-{leg}", "leg": leg, "state": "good"})
        if self.wrong == "forgets" and int(parent["number"][1:]) % 4 == 0:
            self.write(parent["legs"][0], "void", parent["mail"], parent["number"], 1)
            self.seats = [{**s, "state": "returned"} if s["leg"] == parent["legs"][0] else s for s in self.seats]
        return web.json_response({"booking": parent["number"], "state": "paid", "qty": parent["qty"]})

    async def give_back(self, request: web.Request) -> web.Response:
        """One of two goes back, and half of the money."""
        parent = self.parents[request.match_info["number"]]
        leg = parent["legs"][-1]
        if self.wrong != "keeps":
            half = str(round(PRICE * 100) * (2 if self.wrong == "gives" else 1))
            await self.till.ask("/v1/refunds", f"back-{leg}", payment_intent=parent["payment"], amount=half)
        for seat in self.seats:
            if seat["leg"] == leg and seat["state"] == "good":
                seat["state"] = "returned"
                self.left += 1 if self.wrong != "resells" else 20
        self.write(leg, "void", parent["mail"], parent["number"], 1)
        return web.json_response({"booking": parent["number"], "state": "paid", "qty": parent["qty"] - 1})

    async def look(self, request: web.Request) -> web.Response:
        return web.json_response(self.parents[request.match_info["number"]])

    async def books(self, request: web.Request) -> web.Response:
        self.reads += 1
        first, most = int(request.query.get("offset", 0)), int(request.query.get("limit", 10_000))
        if self.shown == "soft":
            return web.json_response({"success": False, "error": "the report server is busy", "rows": []})
        if self.shown == "shifts":
            other = f"X{self.reads}"
            self.write(other, "open", "somebody@else.example", None, 1)
        rows = list(reversed(self.journal))  # the newest first
        if self.shown == "capped":
            return web.json_response({"rows": rows[: self.cap][first : first + most]})
        if self.shown == "first":
            return web.json_response({"meta": {"total": len(rows)}, "rows": rows[:20]})
        return web.json_response({"meta": {"total": len(rows)}, "rows": rows[first : first + most]})

    async def seats_sold(self, request: web.Request) -> web.Response:
        return web.json_response(self.seats)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pay", required=True)
    parser.add_argument("--db")
    parser.add_argument("--capacity", type=int, default=60)
    parser.add_argument("--books", default="")
    parser.add_argument("--cap", type=int, default=50)
    parser.add_argument("--wrong", default="")
    arguments = parser.parse_args()

    async def app() -> web.Application:
        coach, app = Coach(arguments), web.Application()
        app.router.add_post("/bookings", coach.book)
        app.router.add_post("/bookings/{number}/pay", coach.pay)
        app.router.add_post("/bookings/{number}/return", coach.give_back)
        app.router.add_get("/bookings/{number}", coach.look)
        app.router.add_get("/journal", coach.books)
        app.router.add_get("/seats", coach.seats_sold)
        return app

    web.run_app(app(), host="127.0.0.1", port=arguments.port, print=None)


if __name__ == "__main__":
    main()
