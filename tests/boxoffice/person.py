"""A person with a browser that knows no JavaScript: follows links, fills in forms, keeps cookies."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from surgectl.journey.pages import forms_of


class Page:
    """What the browser shows."""

    def __init__(self, status: int, path: str, text: str, headers: Any) -> None:
        self.status, self.path, self.text, self.headers = status, path, text, headers

    @property
    def name(self) -> str:
        return str(re.search('data-page="([^"]*)"', self.text)[1])  # type: ignore[index]

    @property
    def title(self) -> str:
        return str(re.search("<h1>([^<]*)</h1>", self.text)[1])  # type: ignore[index]

    def form(self, action: str) -> dict[str, str]:
        (form,) = (form for form in forms_of(self.text)[1:] if form.action == action)
        return dict(form.fields)

    def __repr__(self) -> str:
        return f"{self.status} {self.path}: {self.text[self.text.find('<main>') :]}"


Fields = dict[str, str] | list[tuple[str, str]]
"""A list where a name is sent several times: ticked seats."""


class Person:
    """One browser. `send` presses the button of the form that goes to `action`, with what is typed into it."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url, self.http = url, http

    async def open(self, path: str, **headers: str) -> Page:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.get(self.url + path, headers=named) as reply:
            return Page(reply.status, reply.url.path, await reply.text(), reply.headers)

    async def send(self, page: Page, action: str, *, follow: bool = True, **typed: str | None) -> Page:
        fields = {name: value for name, value in {**page.form(action), **typed}.items() if value is not None}
        return await self.post(action, fields, follow=follow)

    async def post(self, action: str, fields: Fields, *, follow: bool = True, **headers: str) -> Page:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.post(self.url + action, data=fields, headers=named, allow_redirects=follow) as reply:
            return Page(reply.status, reply.url.path, await reply.text(), reply.headers)

    async def until(self, path: str, *names: str, within_s: float = 15.0) -> Page:
        """Reload until the page is one of these."""
        async with asyncio.timeout(within_s):
            while (page := await self.open(path)).name not in names:
                await asyncio.sleep(0.03)
        return page

    async def chooses(self, email: str, qty: int = 1) -> Page:
        """Through the line and into a basket → the checkout page."""
        await self.send(await self.open("/"), "/line", email=email)
        basket = await self.send(await self.until("/line", "tickets"), "/tickets", qty=str(qty))
        assert basket.name == "basket", basket
        return await self.open("/checkout")

    async def buys(self, email: str, qty: int = 1, card: str = "pm_card_visa") -> Page:
        """All of it → the page of the order, once it is decided."""
        sent = await self.send(await self.chooses(email, qty), "/checkout", card=card)
        assert sent.path.startswith("/order/"), sent
        return await self.until(sent.path, "thanks", "failed DECLINED", "failed PAYMENT_TIMEOUT", "refunded ")


@asynccontextmanager
async def person(url: str) -> AsyncIterator[Person]:
    jar = aiohttp.CookieJar(unsafe=True, quote_cookie=False)
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        yield Person(url, http)
