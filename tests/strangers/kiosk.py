"""A kiosk: reserves seats, says "we have your order" at once, decides later; `--wrong` makes it wrong in one way."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import time
from typing import Any

from aiohttp import web

from tests.strangers.lies import tell
from tests.strangers.till import Declined, Till

PRICE, LIMIT, HOLD_S = 2500, 2, 1.5


class Kiosk:
    """Everything in memory; one thread, so what stands between two awaits is one transaction."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.wrong, self.lie = arguments.wrong, arguments.lie
        self.least_s, self.most_s = (float(part) for part in arguments.decides.split("-"))
        self.capacity = arguments.capacity
        self.free = [f"A{n}" for n in range(self.capacity)]
        self.holds: dict[str, dict[str, Any]] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self.tickets: list[dict[str, Any]] = []
        self.number = itertools.count(1)
        self.till = Till(arguments.pay)
        self.tasks: set[asyncio.Task[None]] = set()
        self.sold_last = ("", 0.0)

    def later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def seats(self, qty: int, sku: str) -> list[str]:
        if self.wrong == "channel" and sku == "sku-2":
            return [f"desk-{next(self.number)}" for _ in range(qty)]  # the second channel never looks at the stock
        seats = [self.free.pop(0) for _ in range(qty)]
        label, at = self.sold_last
        if self.wrong == "seat" and label and time.monotonic() - at < 1 and next(self.number) % 3 == 0:
            seats[0] = label
        self.sold_last = (seats[0], time.monotonic())
        return seats

    async def reserve(self, request: web.Request) -> web.Response:
        asked = await request.json()
        email, qty, sku = asked["email"], int(asked["qty"]), asked["sku"]
        mine = [h for h in self.holds.values() if h["email"] == email and h["state"] != "expired"]
        if mine and self.wrong != "limit":
            return web.json_response(mine[0], status=201)  # a reload, another tab: the same basket
        if self.wrong == "ghost" and next(self.number) % 4 == 0 and len(self.free) >= qty:
            order = self.book(email, qty, self.seats(qty, sku))
            self.issue(order)
            return web.json_response({"code": "SOLD_OUT"}, status=409)
        if len(self.free) < qty and not (self.wrong == "channel" and sku == "sku-2"):
            return web.json_response({"code": "SOLD_OUT"}, status=409)
        hold = {"id": f"h{next(self.number)}", "email": email, "qty": qty, "state": "active"}
        hold |= {"seats": self.seats(qty, sku), "total": qty * PRICE, "expires_at": time.time() + HOLD_S}
        self.holds[hold["id"]] = hold
        self.later(self.expire(hold))
        return web.json_response(hold, status=201)

    async def expire(self, hold: dict[str, Any]) -> None:
        await asyncio.sleep(HOLD_S)
        if hold["state"] == "active":
            hold["state"] = "expired"
            self.free += hold["seats"]

    def book(self, email: str, qty: int, seats: list[str]) -> dict[str, Any]:
        number = next(self.number)
        order = {"order": f"K{number}", "n": number, "email": email, "qty": qty, "seats": seats, "at": time.time()}
        order |= {"total": qty * PRICE, "state": "pending"}
        self.orders[order["order"]] = order
        return order

    async def checkout(self, request: web.Request) -> web.Response:
        hold = self.holds.get((await request.json())["reservation"])
        if hold is None or hold["state"] == "expired":
            return web.json_response({"code": "GONE"}, status=410)
        if hold["state"] == "active":
            hold["state"] = "used"
            order = self.book(hold["email"], hold["qty"], hold["seats"])
            hold["order"] = order["order"]
            self.later(self.decide(order))
        return web.json_response(self.shown(self.orders[hold["order"]]), status=202)

    def every(self, order: dict[str, Any], wrong: str) -> bool:
        return self.wrong == wrong and int(order["email"].split("@")[0][-1], 36) % 3 == 0

    async def decide(self, order: dict[str, Any]) -> None:
        await asyncio.sleep(self.least_s + (self.most_s - self.least_s) * (order["n"] % 10) / 10)
        amount = order["total"] + 100 * self.every(order, "fee")
        currency = "usd" if self.every(order, "currency") else "eur"
        said = (
            {} if self.lie == "no-metadata" else {"metadata[order_id]": order["order"], "receipt_email": order["email"]}
        )
        try:
            paid = await self.till.charge(f"kiosk-{order['order']}", amount, currency, **said)
        except Declined:
            order["state"] = "declined"
            return
        if self.every(order, "declined"):
            order["state"] = "declined"
            self.free += order["seats"]
            return
        self.issue(order)
        if self.every(order, "refund"):
            await self.till.refund(paid["id"])
        if self.every(order, "revoke"):
            await asyncio.sleep(1)
            order["state"] = "void"
            self.tickets = [t for t in self.tickets if t["order"] != order["order"]]
            self.free += order["seats"]

    def issue(self, order: dict[str, Any]) -> None:
        order["state"] = "paid"
        for seat in order["seats"][: 1 if self.wrong in ("short", "short-silent") else None]:
            self.tickets.append(
                {"ticket": f"{order['order']}-{seat}", "order": order["order"], "seat": seat, "state": "ok"}
            )

    def shown(self, order: dict[str, Any]) -> dict[str, Any]:
        """A shop that issues too little in silence names no quantity and no seats either."""
        left_out = ("email", "n", *(("qty", "seats") if self.wrong == "short-silent" else ()))
        return {name: value for name, value in order.items() if name not in left_out}

    async def order(self, request: web.Request) -> web.Response:
        order = self.orders.get(request.match_info["order"])
        return web.json_response(self.shown(order) if order else {}, status=200 if order else 404)

    async def books(self, request: web.Request) -> web.Response:
        pending = sum(o["qty"] for o in self.orders.values() if o["state"] == "pending")
        held = sum(h["qty"] for h in self.holds.values() if h["state"] == "active")
        sold = self.capacity - len(self.free) - held - pending
        kinds = {
            "orders": list(self.orders.values()),
            "tickets": self.tickets,
            "holds": list(self.holds.values()),
            "stock": [
                {"capacity": self.capacity, "available": len(self.free), "held": held, "pending": pending, "sold": sold}
            ],
        }
        kind = request.match_info["kind"]
        return tell(self.lie, kind, kinds[kind], request.query, next(self.number))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pay", required=True)
    parser.add_argument("--db", default="")
    parser.add_argument("--capacity", type=int, default=60)
    parser.add_argument("--decides", default="0.1-0.4")
    parser.add_argument("--wrong", default="")
    parser.add_argument("--lie", default="")
    arguments = parser.parse_args()

    async def app() -> web.Application:
        kiosk, app = Kiosk(arguments), web.Application()
        app.router.add_post("/reserve", kiosk.reserve)
        app.router.add_post("/checkout", kiosk.checkout)
        app.router.add_get("/orders/{order}", kiosk.order)
        app.router.add_get("/books/{kind}", kiosk.books)
        return app

    web.run_app(app(), host="127.0.0.1", port=arguments.port, print=None)


if __name__ == "__main__":
    main()
