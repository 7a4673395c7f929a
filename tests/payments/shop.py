"""How the tests speak to the provider: as a shop, and from behind its counter."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import aiohttp

AUTH = {"Authorization": "Bearer sk_test_any"}
PAY = {"amount": "8900", "currency": "eur", "confirm": "true", "payment_method": "pm_card_visa"}


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def error(self) -> dict[str, Any]:
        return self.body["error"]


@dataclass
class Shop:
    """Speaks to the provider as a shop would, and looks behind its counter."""

    session: aiohttp.ClientSession
    url: str
    control: str

    async def post(self, path: str, form: dict[str, str] | None = None, key: str | None = None, **more: Any) -> Reply:
        headers = dict(AUTH)
        if key is not None:
            headers["Idempotency-Key"] = key
        if "json" not in more:
            more["data"] = form or {}
        async with self.session.post(self.url + path, headers=headers, **more) as reply:
            return Reply(reply.status, dict(reply.headers), await reply.json())

    async def get(self, path: str, **query: str) -> Reply:
        async with self.session.get(self.url + path, headers=AUTH, params=query) as reply:
            return Reply(reply.status, dict(reply.headers), await reply.json())

    async def pay(self, key: str | None = None, **more: str) -> Reply:
        return await self.post("/v1/payment_intents", {**PAY, **more}, key)

    async def rows(self, what: str, **query: str) -> list[dict[str, Any]]:
        async with self.session.get(f"{self.control}/_sim/{what}", params=query) as reply:
            assert reply.status == 200, await reply.text()
            return [json.loads(line) for line in (await reply.text()).splitlines()]

    async def counters(self) -> dict[str, int]:
        async with self.session.get(f"{self.control}/_sim/counters") as reply:
            return await reply.json()

    async def faults(self, *faults: dict[str, Any]) -> list[dict[str, Any]]:
        async with self.session.post(f"{self.control}/_sim/faults", json={"faults": list(faults)}) as reply:
            assert reply.status == 200, await reply.text()
            return await reply.json()

    async def until(self, met: Callable[[], Awaitable[bool]], within_s: float = 5.0) -> None:
        async with asyncio.timeout(within_s):
            while not await met():
                await asyncio.sleep(0.005)


Open: TypeAlias = Callable[..., Awaitable[Shop]]
