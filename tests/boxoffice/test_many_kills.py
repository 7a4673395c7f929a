"""Thirty kill -9 each of the shop and of the provider, at instants drawn by lot, in the middle of a sale."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.boxoffice.lives import Life
from tests.boxoffice.street import Money, Shop
from tests.boxoffice.test_boxoffice_kill import life_of, sold_under_kills
from tests.toxiproxy_binary import free_port

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

SEATS, FANS, KILLS = 90, 100, 10
_LIVES_S = (0.0, 0.9)
"""How long a part lives before it is killed again, drawn evenly: a kill may fall into its very first instant."""


class Ledger(Money):
    """The provider in a process of its own, seen from its control port."""

    def __init__(self, url: str, control: str, http: aiohttp.ClientSession) -> None:
        self.url, self.control, self._http = url, control, http


@asynccontextmanager
async def stage(place: Path) -> AsyncIterator[tuple[Life, Life, Shop, Ledger]]:
    """A shop and a provider, each in a process of its own."""
    control = f"127.0.0.1:{free_port()}"
    payments = Life(
        "payments",
        {"listen": f"127.0.0.1:{free_port()}", "control": control, "latency": "40ms", "data": str(place / "payments")},
    )
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        try:
            url = await payments.begin()
            # One second at the deadline's end is more than a provider needs to come back.
            shop = life_of(url, place / "shop", capacity=SEATS, payment_deadline="20s", admission_per_s=200.0)
            try:
                yield shop, payments, Shop(await shop.begin(), http), Ledger(url, f"http://{control}", http)
            finally:
                await shop.kill()
        finally:
            await payments.kill()


@pytest.mark.usefixtures("on_both")
@pytest.mark.parametrize("lot", range(2))
async def test_the_shop_is_killed_at_instants_drawn_by_lot(lot: int, tmp_path: Path) -> None:
    """Ten kills, each at an instant drawn by lot: every acknowledged order is there and decided, every charge has its
    ticket, no seat is sold twice and none gets lost."""
    await killed_again_and_again("shop", lot, tmp_path)


@pytest.mark.parametrize("lot", range(2))
async def test_the_provider_is_killed_at_instants_drawn_by_lot(lot: int, tmp_path: Path) -> None:
    """Ten kills, each at an instant drawn by lot: what the provider had charged it still knows, and the shop's books
    agree with it once all is settled."""
    await killed_again_and_again("payments", lot, tmp_path)


async def killed_again_and_again(victim: str, lot: int, tmp_path: Path) -> None:
    lots = random.Random(f"{victim} {lot}")
    async with stage(tmp_path) as (shop_life, payments_life, shop, money):
        life = {"shop": shop_life, "payments": payments_life}[victim]
        lives_s = [lots.uniform(*_LIVES_S) for _ in range(KILLS)]
        rows, _ = await sold_under_kills(shop, money, life, FANS, lives_s)
        assert sum(row["state"] == "confirmed" for row in rows.values()) == SEATS
