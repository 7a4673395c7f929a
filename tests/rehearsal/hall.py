"""A strange shop: HTML forms, cookies and CSRF, redirects, prices as text; it has never heard of surgectl.

Run as a program: it says one JSON line when it is ready and ends with its standard input.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import sys
import threading
import time
from typing import Any

import aiohttp
from aiohttp import web

PRICE = 2500
PAGE = 20


def money(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def page(text: str) -> web.Response:
    return web.Response(text=f"<html><body>{text}</body></html>", content_type="text/html")


class Hall:
    """Everything in memory and on one thread: what stands between two awaits is one transaction."""

    def __init__(self, seats: int, pay: str, wrong: str) -> None:
        self.free = [f"{row}{n:02d}" for row in "ABCDEFGH" for n in range(1, 21)][:seats]
        self.pay, self.wrong = pay, wrong
        self.numbers = itertools.count(1)
        self.visitors: dict[str, str] = {}
        self.baskets: dict[str, dict[str, Any]] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self.last_seats: tuple[int, list[str]] = (0, [])
        self.paying: set[asyncio.Task[None]] = set()
        self.http: aiohttp.ClientSession

    # -- the street side

    async def front(self, request: web.Request) -> web.StreamResponse:
        name, token = f"v{next(self.numbers)}", os.urandom(8).hex()
        self.visitors[name] = token
        if not self.free:
            return page("<h1>Ausverkauft</h1>")
        form = f'<form method="post" action="/korb"><input type="hidden" name="marke" value="{token}">'
        reply = page(form + '<input name="anzahl"><input name="mail"><button>Kaufen</button></form>')
        reply.set_cookie("besucher", name)
        return reply

    async def _posted(self, request: web.Request) -> Any:
        said = await request.post()
        if self.visitors.get(request.cookies.get("besucher", "")) != said.get("marke"):
            raise web.HTTPForbidden(text="wrong token")
        return said

    async def basket(self, request: web.Request) -> web.StreamResponse:
        said = await self._posted(request)
        number = f"K{next(self.numbers)}"
        self.baskets[number] = {"count": int(said["anzahl"]), "mail": said["mail"], "order": None}
        raise web.HTTPSeeOther(f"/kasse/{number}")

    async def till(self, request: web.Request) -> web.StreamResponse:
        basket = self.baskets[request.match_info["number"]]
        token = self.visitors[request.cookies["besucher"]]
        total = money(PRICE * basket["count"])
        form = f'<form method="post"><input type="hidden" name="marke" value="{token}"><button>Zahlen</button></form>'
        return page(f"<p>{basket['count']} Karten, zusammen <b>{total} EUR</b></p>{form}")

    async def checkout(self, request: web.Request) -> web.StreamResponse:
        await self._posted(request)
        basket = self.baskets[request.match_info["number"]]
        if basket["order"] is None:
            seats = self._take(basket["count"])
            if seats is None:
                raise web.HTTPSeeOther("/ausverkauft")
            order = f"HALL-{next(self.numbers):05d}"
            basket["order"] = order
            due = PRICE * basket["count"]
            self.orders[order] = {
                **{"nummer": order, "zustand": "offen", "anzahl": basket["count"], "summe": money(due)},
                **{"mail": basket["mail"], "bezahlung": None, "wann": time.time(), "seats": seats},
            }
            task = asyncio.create_task(self._collect(order, due))
            self.paying.add(task)
            task.add_done_callback(self.paying.discard)
        raise web.HTTPSeeOther(f"/warten/{basket['order']}")

    def _take(self, count: int) -> list[str] | None:
        second = int(time.time())
        if self.wrong == "twins" and self.last_seats[0] == second and len(self.last_seats[1]) == count:
            return list(self.last_seats[1])  # a cache of one second: whoever comes in it is shown the same plan
        if len(self.free) < count:
            return None
        seats = [self.free.pop(0) for _ in range(count)]
        self.last_seats = (second, seats)
        return seats

    async def waiting(self, request: web.Request) -> web.StreamResponse:
        order = request.match_info["order"]
        if self.orders[order]["zustand"] == "bezahlt":
            raise web.HTTPSeeOther(f"/danke/{order}")
        return page('<meta http-equiv="refresh" content="1"><p>Einen Augenblick</p>')

    async def thanks(self, request: web.Request) -> web.StreamResponse:
        order = self.orders[request.match_info["order"]]
        seats = " ".join(order["seats"])
        return page(f"<h1>Danke</h1><p>Sitze <i>{seats}</i>, {order['summe'].replace('.', ',')} EUR</p>")

    async def sold_out(self, request: web.Request) -> web.StreamResponse:
        return page("<h1>Ausverkauft</h1>")

    # -- money

    async def _collect(self, number: str, due: int) -> None:
        """Ask with one key until somebody answers: the provider charges once for a key."""
        order = self.orders[number]
        fee = 150 if self.wrong == "fee" else 0
        form = {
            **{"amount": str(due + fee), "currency": "eur", "payment_method": "pm_card_visa", "confirm": "true"},
            "receipt_email": order["mail"],
            "metadata[kunde]": order["mail"],
        }
        headers = {"Authorization": "Bearer sk_test_hall", "Idempotency-Key": f"hall-{number}"}
        while True:
            try:
                async with self.http.post(f"{self.pay}/v1/payment_intents", data=form, headers=headers) as reply:
                    said = await reply.json()
                    if reply.status == 200 and said["status"] == "succeeded":
                        break
            except (aiohttp.ClientError, TimeoutError, ValueError):
                pass
            await asyncio.sleep(0.15)
        order["bezahlung"] = said["id"]
        if self.wrong == "short" and order["anzahl"] > 1:
            order["seats"] = order["seats"][:-1]
        order["zustand"] = "bezahlt"

    # -- the back office

    async def listing(self, request: web.Request) -> web.StreamResponse:
        at = int(request.query.get("ab", 0))
        rows = list(self.orders.values())
        more = f"/buero/bestellungen?ab={at + PAGE}" if at + PAGE < len(rows) else None
        shown = [{**row, "karten": " ".join(row["seats"])} for row in rows[at : at + PAGE]]
        return web.json_response({"bestellungen": shown, "weiter": more})

    async def tickets(self, request: web.Request) -> web.StreamResponse:
        rows = [
            {"karte": f"{o['nummer']}/{n}", "bestellung": o["nummer"], "sitz": seat, "zustand": o["zustand"]}
            for o in self.orders.values()
            for n, seat in enumerate(o["seats"])
        ]
        return web.json_response(rows)


async def serve(hall: Hall, port: int) -> None:
    routes = [
        *(web.get("/", hall.front), web.post("/korb", hall.basket), web.get("/kasse/{number}", hall.till)),
        *(web.post("/kasse/{number}", hall.checkout), web.get("/warten/{order}", hall.waiting)),
        *(web.get("/danke/{order}", hall.thanks), web.get("/ausverkauft", hall.sold_out)),
        *(web.get("/buero/bestellungen", hall.listing), web.get("/buero/karten", hall.tickets)),
    ]
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app)
    await runner.setup()
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.5), connector=connector) as hall.http:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        sys.stdout.write(json.dumps({"ready": f"http://127.0.0.1:{port}"}) + "\n")
        sys.stdout.flush()
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        threading.Thread(target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(stop.set)), daemon=True).start()
        await stop.wait()
        for task in hall.paying:
            task.cancel()
    await runner.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pay", required=True)
    parser.add_argument("--seats", type=int, required=True)
    parser.add_argument("--wrong", default="")
    said = parser.parse_args()
    asyncio.run(serve(Hall(said.seats, said.pay, said.wrong), said.port))
