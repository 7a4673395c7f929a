"""A corner shop and its provider: real sockets, a page, a till that pays by a link or beside it, and books."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

TARGET = """\
surgectl-target: 1
name: corner-shop
base_url: "${SHOP_URL}"
links: {payments: {upstream: "${PAY_ADDR}", listen: "${PAY_LINK}"}}
mint: {email: "fan-{intent}@example.org"}
journey:
  - step: page
    get: /
  - step: pay
    role: pay
    post: /pay
    json: {email: "{email}"}
    outcomes:
      - {when: {status: 201}, end: confirmed}
      - {when: {status: 402}, end: declined}
    claims: {order: {json: order}}
probes: {about: {get: /about}}
evidence:
  orders:
    http: {get: /orders}
    states: {valid: [paid]}
    key: [email]
  charges:
    http: {get: /charges}
    key: [email]
"""


def free_port() -> int:
    """One that nobody listens on just now."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


class CornerShop:
    """`tells` is what its rows say of whose order it is."""

    def __init__(self, *, through_the_link: bool = True, tells: bool = True) -> None:
        self.link = f"127.0.0.1:{free_port()}"
        self.shop = self.provider = ""
        self.emails: list[str] = []
        self.pages = 0
        self._through_the_link = through_the_link
        self._tells = tells

    def variables(self) -> dict[str, str]:
        return {"SHOP_URL": f"http://{self.shop}", "PAY_ADDR": self.provider, "PAY_LINK": self.link}

    def target(self, folder: Path, text: str = TARGET) -> Path:
        path = folder / "corner.yaml"
        path.write_text(text, "utf-8")
        return path

    async def page(self, request: web.Request) -> web.Response:
        self.pages += 1
        return web.Response(text="one ticket left")

    async def pay(self, request: web.Request) -> web.Response:
        email = (await request.json())["email"]
        till = self.link if self._through_the_link else self.provider
        try:
            async with aiohttp.ClientSession() as http, http.post(f"http://{till}/charge", json={"email": email}):
                pass
        except aiohttp.ClientError:
            return web.json_response({}, status=402)
        return web.json_response({"order": f"o{len(self.emails)}"}, status=201)

    async def charge(self, request: web.Request) -> web.Response:
        self.emails.append((await request.json())["email"])
        return web.json_response({})

    async def orders(self, request: web.Request) -> web.Response:
        row = {"state": "paid", "qty": 1}
        return web.json_response([{"order": f"o{n}", **row, **self._whose(m)} for n, m in enumerate(self.emails, 1)])

    async def charges(self, request: web.Request) -> web.Response:
        row = {"captured": 1000, "currency": "EUR"}
        return web.json_response([{"charge": f"c{n}", **row, **self._whose(m)} for n, m in enumerate(self.emails)])

    def _whose(self, email: str) -> dict[str, str]:
        return {"email": email if self._tells else "somebody"}


@asynccontextmanager
async def opened(shop: CornerShop) -> AsyncIterator[CornerShop]:
    """The shop and its provider, until the end of the block."""
    till, counter = web.Application(), web.Application()
    till.add_routes([web.post("/charge", shop.charge), web.get("/", shop.page)])
    counter.add_routes(
        [
            web.get("/", shop.page),
            web.get("/about", shop.page),
            web.post("/pay", shop.pay),
            web.get("/orders", shop.orders),
            web.get("/charges", shop.charges),
        ]
    )
    runners = [web.AppRunner(till), web.AppRunner(counter)]
    try:
        for runner in runners:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
        shop.provider, shop.shop = (f"127.0.0.1:{runner.addresses[0][1]}" for runner in runners)
        yield shop
    finally:
        for runner in runners:
            await runner.cleanup()
