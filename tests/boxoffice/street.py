"""A real box office, a real provider and fans that buy, for these tests."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec

from surgectl.stage.boxoffice.options import Options
from surgectl.stage.boxoffice.server import serve
from surgectl.stage.payments.server import Running

MS = 1_000_000

QUICK = {
    "capacity": 50,
    "price_minor": 8900,
    "currency": "EUR",
    "limit": 4,
    "admission_per_s": 2000.0,
    "hold_ttl_ns": 30_000 * MS,
    "payment_timeout_ns": 150 * MS,
    "payment_tries": 2,
    "reconcile_every_ns": 100 * MS,
    "payment_deadline_ns": 3_000 * MS,
    "late_refunds_ns": 1_000 * MS,
    "books_patience_ns": 2_000 * MS,  # a busy machine is no database that is away
}


WHERE: dict[str, str] = {}
"""Which database the shops of this test keep their books in, as options; empty: SQLite (fixture `on_both`)."""


def books_in(data: Any) -> dict[str, str]:
    """The options that keep the sale of this folder: on PostgreSQL, in a schema of its own."""
    schema = f"t_{hashlib.blake2b(str(data).encode(), digest_size=8).hexdigest()}"
    return {"data": str(data)} | (WHERE and {"database_schema": schema} | WHERE)


class Shop:
    """The street side of a box office: one method for each thing a fan or an auditor asks."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.http = http

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.request(method, self.url + path, json=body, headers=named) as reply:
            told = await (reply.json() if reply.content_type == "application/json" else reply.text())
            return reply.status, told, reply.headers

    async def enter(self, email: str) -> str:
        """Join and wait → the pass."""
        status, place, _ = await self.ask("POST", "/api/queue", {"email": email})
        assert status == 202, place
        while "pass" not in place:
            await asyncio.sleep(0.01)
            status, place, _ = await self.ask("GET", f"/api/queue/{place['id']}")
            assert status == 200, place
        return str(place["pass"])

    async def hold(self, pass_: str, qty: int = 1) -> tuple[int, Any]:
        status, body, _ = await self.ask("POST", "/api/holds", {"sku": "floor", "qty": qty}, X_Pass=pass_)
        return status, body

    async def order(
        self, hold: str, key: str, token: str = "pm_card_visa", email: str | None = None
    ) -> tuple[int, Any]:
        body = {"hold": hold, "payment_token": token} | ({"email": email} if email else {})
        status, told, _ = await self.ask("POST", "/api/orders", body, Idempotency_Key=key)
        return status, told

    async def ended(self, order: str, within_s: float = 45.0) -> Any:
        """Poll until the order is decided."""
        async with asyncio.timeout(within_s):
            while True:
                status, told, _ = await self.ask("GET", f"/api/orders/{order}")
                assert status == 200, told
                if told["state"] != "pending":
                    return told
                await asyncio.sleep(0.02)

    async def buy(self, email: str, qty: int = 1, token: str = "pm_card_visa") -> Any:
        """A whole purchase → the order's end, or the refusal."""
        status, hold = await self.hold(await self.enter(email), qty)
        if status != 201:
            return hold
        status, told = await self.order(hold["id"], f"key-{email}", token, email)
        return await self.ended(told["order"]) if status == 202 else told

    async def rows(self, kind: str) -> list[Any]:
        rows: list[Any] = []
        while True:
            _, page, _ = await self.ask("GET", f"/api/admin/{kind}?limit=100&offset={len(rows)}")
            rows += page["rows"]
            if len(rows) >= page["total"]:
                return rows

    async def stock(self) -> dict[str, int]:
        _, stock, _ = await self.ask("GET", "/api/admin/stock")
        return dict(stock)

    async def when(self, condition: Callable[[dict[str, int]], bool], within_s: float = 30.0) -> dict[str, int]:
        """The stock, as soon as it is so."""
        async with asyncio.timeout(within_s):
            while not condition(stock := await self.stock()):
                await asyncio.sleep(0.02)
        return stock


@asynccontextmanager
async def open_shop(payments_url: str, data: Any, **constants: Any) -> AsyncIterator[Shop]:
    """A box office in this process, open while inside."""
    options = Options(payments_url=payments_url, **{**books_in(data), **QUICK, **constants})
    stop, url = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(options, stop=stop, ready=url.set_result))
    await asyncio.wait({serving, url}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        try:
            yield Shop(url.result(), http)
        finally:
            stop.set()
            await serving


class Money:
    """The provider, as these tests see it: its charges, and its bad days."""

    def __init__(self, open_: Running, http: aiohttp.ClientSession) -> None:
        self.url = open_.url
        self.control = open_.control
        self._http = http

    async def fail(self, at: str, do: str, **more: Any) -> None:
        more = more or {"ratio": 1.0}
        fault = {"at": at, "do": do, "path": "/v1/payment_intents", **more}
        async with self._http.post(f"{self.control}/_sim/faults", json={"faults": [fault]}) as reply:
            assert reply.status == 200, await reply.text()

    async def lose_replies(self, **more: Any) -> None:
        """The money moves; nobody is told."""
        await self.fail("after_commit", "hang", **more)

    async def lose_requests(self, **more: Any) -> None:
        """Nothing moves; nobody is told."""
        await self.fail("before_commit", "hang", **more)

    async def heal(self) -> None:
        async with self._http.delete(f"{self.control}/_sim/faults") as reply:
            assert reply.status == 200

    async def net_by_order(self) -> dict[str, list[int]]:
        """By our order id: what each charge kept after refunds, minor units."""
        net: dict[str, list[int]] = {}
        async with self._http.get(f"{self.control}/_sim/charges?limit=100000") as reply:
            for line in (await reply.text()).splitlines():
                charge = msgspec.json.decode(line)
                left = charge["captured_minor"] - charge["refunded_minor"]
                if left:
                    net.setdefault(charge["metadata"]["order"], []).append(left)
        return net

    async def posts_by_key(self) -> dict[str, int]:
        """How often each payment was asked for, replays included."""
        posts: dict[str, int] = {}
        async with self._http.get(f"{self.control}/_sim/requests?limit=100000") as reply:
            for line in (await reply.text()).splitlines():
                row = msgspec.json.decode(line)
                if row["method"] == "POST" and row["path"] == "/v1/payment_intents":
                    posts[row["key"]] = posts.get(row["key"], 0) + 1
        return posts


async def settled(shop: Shop, within_s: float = 60.0) -> None:
    """Until no order is pending and no hold is active."""
    await shop.when(lambda stock: stock["pending"] == 0, within_s)


async def damage(shop: Shop, money: Money) -> dict[str, int]:
    """What an auditor would convict, counted from both ledgers."""
    orders = {row["order"]: row for row in await shop.rows("orders")}
    tickets = await shop.rows("tickets")
    net = await money.net_by_order()
    valid: dict[str, int] = {}
    for ticket in tickets:
        if ticket["state"] == "valid":
            valid[ticket["order"]] = valid.get(ticket["order"], 0) + 1
    seats = [ticket["seat"] for ticket in tickets if ticket["state"] == "valid"]
    stock = await shop.stock()
    held = sum(row["qty"] for row in await shop.rows("holds") if row["state"] == "active")
    found = {
        "oversold": max(0, len(seats) - stock["capacity"]),
        "seat-twice": len(seats) - len(set(seats)),
        "double-charge": sum(len(charges) > 1 for charges in net.values()),
        "charged-no-ticket": sum(order not in valid for order in net),
        "ticket-no-charge": sum(order not in net for order in valid),
        "lost-ticket": sum(row["state"] == "confirmed" and valid.get(o, 0) < row["qty"] for o, row in orders.items()),
        "wrong-amount": sum(sum(charges) != orders[o]["amount"] for o, charges in net.items() if len(charges) == 1),
        "refunds": sum(row["refund"] is not None for row in orders.values()),
        "leak": stock["capacity"] - stock["available"] - stock["sold"] - stock["pending"] - held,
        "not-conserved": stock["capacity"] - stock["available"] - stock["held"] - stock["pending"] - stock["sold"],
    }
    return {name: count for name, count in found.items() if count}
