"""A small shop that pays with Stripe's own library, at Stripe's own name, believing Stripe's own certificate.

Only the resolver is told that api.stripe.com is somewhere else, as a line in /etc/hosts would tell it. `--careless`: it
asks again in a loop of its own, without an idempotency key, until somebody says yes.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import socket
import threading
import time
from typing import Any

import stripe
from aiohttp import web

PRICE = 2500
NAME = "api.stripe.com"
_look_up = socket.getaddrinfo


def _told(host: Any, *more: Any, **also: Any) -> Any:
    return _look_up("127.0.0.1" if host == NAME else host, *more, **also)


class Shop:
    def __init__(self, said: argparse.Namespace) -> None:
        self.careless = said.careless
        self.left = self.capacity = said.tickets
        self.orders: dict[str, dict[str, Any]] = {}
        self.number = itertools.count(1)
        self.tills = threading.local()
        self.port = said.link_port
        self.tasks: set[asyncio.Task[None]] = set()

    def till(self) -> Any:
        """One client a thread: each keeps its connection."""
        if not hasattr(self.tills, "client"):
            self.tills.client = stripe.StripeClient(
                "sk_test_any",
                base_addresses={"api": f"https://{NAME}:{self.port}"},
                http_client=stripe.RequestsClient(timeout=0.8),
                max_network_retries=0,
            )
        return self.tills.client

    async def buy(self, request: web.Request) -> web.Response:
        asked = await request.json()
        known = next((order for order in self.orders.values() if order["email"] == asked["email"]), None)
        if known is None:
            if self.left < asked["qty"]:
                return web.json_response({"error": "sold out"}, status=409)
            self.left -= asked["qty"]
            known = {"id": f"S{next(self.number)}", "email": asked["email"], "qty": asked["qty"], "state": "open"}
            known |= {"total": asked["qty"] * PRICE, "currency": "EUR", "created": time.time()}
            self.orders[known["id"]] = known
            task = asyncio.create_task(asyncio.to_thread(self.charge, known, asked["payment_method"]))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        return web.json_response(known, status=202)

    def charge(self, order: dict[str, Any], method: str) -> None:
        """Ask until somebody answers."""
        payment = {"amount": order["total"], "currency": "eur", "confirm": True, "payment_method": method}
        payment |= {"receipt_email": order["email"], "metadata": {"order_id": order["id"]}}
        options = {} if self.careless else {"idempotency_key": f"order-{order['id']}"}
        while True:
            try:
                self.till().v1.payment_intents.create(payment, options)
                order["state"] = "paid"
                return
            except stripe.CardError:
                order["state"] = "declined"
                self.left += order["qty"]
                return
            except stripe.StripeError:
                time.sleep(0.2)

    async def look(self, request: web.Request) -> web.Response:
        return web.json_response(self.orders[request.match_info["id"]])

    async def books(self, request: web.Request) -> web.Response:
        return web.json_response({"orders": [*self.orders.values()], "count": len(self.orders)})

    async def stock(self, request: web.Request) -> web.Response:
        held = sum(order["qty"] for order in self.orders.values() if order["state"] == "open")
        sold = self.capacity - self.left - held
        return web.json_response({"capacity": self.capacity, "available": self.left, "held": held, "sold": sold})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--link-port", type=int, required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--tickets", type=int, default=60)
    parser.add_argument("--careless", action="store_true")
    said = parser.parse_args()
    socket.getaddrinfo = _told
    stripe.ca_bundle_path = said.ca

    async def app() -> web.Application:
        shop, app = Shop(said), web.Application()
        app.router.add_post("/api/orders", shop.buy)
        app.router.add_get("/api/orders/{id}", shop.look)
        app.router.add_get("/api/admin/orders", shop.books)
        app.router.add_get("/api/admin/stock", shop.stock)
        return app

    web.run_app(app(), host="127.0.0.1", port=said.port, print=None, handle_signals=True)


if __name__ == "__main__":
    main()
