"""Where every stranger's shop takes money: a small client of the payment provider that believes no silence."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp


class Declined(Exception):
    """The card said no, for good."""


class Till:
    """Asks the provider with one key until somebody answers; the provider charges once for a key."""

    def __init__(self, url: str, timeout_s: float = 0.6) -> None:
        self._url = url
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            headers={"Authorization": "Bearer sk_test_any"},
            # A connection of a brownout is not to be met again after it.
            connector=aiohttp.TCPConnector(force_close=True, limit=0),
        )

    async def ask(self, path: str, key: str, **form: str) -> dict[str, Any]:
        """One command, until it is answered. Declined where the card refuses; RuntimeError after 20 s of silence."""
        for _ in range(100):
            try:
                async with self._http.post(self._url + path, data=form, headers={"Idempotency-Key": key}) as reply:
                    said = await reply.json()
                    if reply.status == 200:
                        return said
                    if reply.status == 402:
                        raise Declined(path)
            except (aiohttp.ClientError, TimeoutError, ValueError):
                pass
            await asyncio.sleep(0.2)
        raise RuntimeError(f"no answer to {path} with {key}")

    async def charge(self, key: str, amount: int, currency: str = "eur", **more: str) -> dict[str, Any]:
        form = {
            "amount": str(amount),
            "currency": currency,
            "confirm": "true",
            "payment_method": "pm_card_visa",
            **more,
        }
        return await self.ask("/v1/payment_intents", key, **form)

    async def refund(self, payment: str) -> None:
        await self.ask("/v1/refunds", f"refund-{payment}", payment_intent=payment)

    async def close(self) -> None:
        await self._http.close()
