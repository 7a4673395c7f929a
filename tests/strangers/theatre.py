"""A theatre: sets money aside and takes it later, or takes a deposit and then the rest; cancels on request."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import time
from typing import Any

from aiohttp import web

from tests.strangers.till import Till

PRICE = 2500


class Theatre:
    """`how` is capture (authorise, then take) or parts (a deposit, then the rest)."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.how, self.wrong = arguments.how, arguments.wrong
        self.left = 60
        self.orders: dict[str, dict[str, Any]] = {}
        self.number = itertools.count(1)
        self.till = Till(arguments.pay)
        self.tasks: set[asyncio.Task[None]] = set()

    async def book(self, request: web.Request) -> web.Response:
        asked = await request.json()
        mine = [o for o in self.orders.values() if o["who"] == asked["who"]]
        if not mine and self.left < asked["qty"]:
            return web.Response(status=410)
        if not mine:
            self.left -= asked["qty"]
            order = {"id": f"T{next(self.number)}", "who": asked["who"], "qty": asked["qty"], "state": "open"}
            order |= {"total": asked["qty"] * PRICE, "at": time.time(), "payments": []}
            self.orders[order["id"]] = order
            task = asyncio.create_task(self.take(order))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
            mine = [order]
        return web.json_response(mine[0], status=202)

    async def take(self, order: dict[str, Any]) -> None:
        """The money, in the theatre's own way, and then the tickets; or none of both, where it was cancelled."""
        deposit = order["total"] * 2 // 5
        first = deposit if self.how == "parts" else order["total"]
        manual = {"capture_method": "manual"} if self.how == "capture" else {}
        payment = await self.pay(order, "first", first, **manual)
        await asyncio.sleep(0.5)
        if order["state"] == "cancelling":
            await self.give_back(order, payment)
            return
        if self.how == "capture":
            await self.till.ask(f"/v1/payment_intents/{payment}/capture", f"capture-{order['id']}")
        else:
            await self.pay(order, "rest", order["total"] - deposit)
            if self.wrong == "again" and order["qty"] == 1:
                await self.pay(order, "again", order["total"] - deposit)
        order["state"] = "done"

    async def pay(self, order: dict[str, Any], part: str, amount: int, **more: str) -> str:
        key = f"{part}-{order['id']}"
        paid = await self.till.charge(key, amount, **{"metadata[email]": order["who"]}, **more)
        order["payments"].append(paid["id"])
        return paid["id"]

    async def give_back(self, order: dict[str, Any], payment: str) -> None:
        if self.how == "parts":
            await self.till.refund(payment)
        elif self.wrong != "set-aside":
            await self.till.ask(f"/v1/payment_intents/{payment}/cancel", f"cancel-{order['id']}")
        order["state"] = "cancelled"
        self.left += order["qty"]

    async def cancel(self, request: web.Request) -> web.Response:
        order = self.orders[request.match_info["id"]]
        if order["state"] == "open":
            order["state"] = "cancelling"
        return web.json_response(order, status=200 if order["state"] == "cancelling" else 409)

    async def look(self, request: web.Request) -> web.Response:
        return web.json_response(self.orders[request.match_info["id"]])

    async def books(self, request: web.Request) -> web.Response:
        return web.json_response(list(self.orders.values()))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pay", required=True)
    parser.add_argument("--db")
    parser.add_argument("--how", default="capture")
    parser.add_argument("--wrong", default="")
    arguments = parser.parse_args()

    async def app() -> web.Application:
        theatre, app = Theatre(arguments), web.Application()
        app.router.add_post("/bookings", theatre.book)
        app.router.add_get("/bookings", theatre.books)
        app.router.add_get("/bookings/{id}", theatre.look)
        app.router.add_delete("/bookings/{id}", theatre.cancel)
        return app

    web.run_app(app(), host="127.0.0.1", port=arguments.port, print=None)


if __name__ == "__main__":
    main()
