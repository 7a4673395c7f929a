"""The right shop stays right whatever happens to its payments; each wrong one does its damage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from surgectl.clock import SystemClock
from surgectl.proxy.server import serving
from surgectl.selftest.offences import OFFENCES
from surgectl.stage.boxoffice.defects import DEFECTS
from surgectl.stage.payments.defects import DEFECTS as OF_THE_PROVIDER
from tests.boxoffice.street import MS, Money, Shop, damage, open_shop, settled

pytestmark = [pytest.mark.real, pytest.mark.quiet]


class Link:
    """The wire between shop and provider, with Toxiproxy's faults on it."""

    def __init__(self, api: str, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self._api = api
        self._http = http

    async def add(self, type_: str, stream: str, toxicity: float = 1.0, **attributes: int) -> None:
        toxic = {"type": type_, "stream": stream, "toxicity": toxicity, "attributes": attributes}
        async with self._http.post(f"{self._api}/proxies/payments/toxics", json=toxic) as reply:
            assert reply.status == 200, await reply.text()

    async def door(self, open_: bool) -> None:
        async with self._http.post(f"{self._api}/proxies/payments", json={"enabled": open_}) as reply:
            assert reply.status == 200, await reply.text()

    async def heal(self) -> None:
        async with self._http.post(f"{self._api}/reset") as reply:
            assert reply.status == 204, await reply.text()


@asynccontextmanager
async def link_to(url: str) -> AsyncIterator[Link]:
    async with serving("127.0.0.1:0", 1, False, SystemClock()) as api, aiohttp.ClientSession() as http:
        wanted = {"name": "payments", "listen": "127.0.0.1:0", "upstream": urlsplit(url).netloc}
        async with http.post(f"{api}/proxies", json=wanted) as reply:
            assert reply.status == 201, await reply.text()
            made = await reply.json()
        yield Link(api, f"http://{made['listen']}", http)


async def storm(shop: Shop, fans: int, within_s: float = 0.3) -> list[Any]:
    """Fans that arrive one after another; each ends with its order's end or a refusal."""

    async def fan(n: int) -> Any:
        await asyncio.sleep(n * within_s / fans)
        token = "pm_card_chargeDeclined" if n % 7 == 3 else "pm_card_visa"
        return await shop.buy(f"f{n}@example.org", qty=1 + n % 2, token=token)

    return list(await asyncio.gather(*(fan(n) for n in range(fans))))


BROWNOUTS: dict[str, list[tuple[str, str, float, dict[str, int]]]] = {
    "slow": [("latency", "downstream", 1.0, {"latency": 600, "jitter": 300})],
    "slow-requests": [("latency", "upstream", 1.0, {"latency": 700, "jitter": 300})],
    "lost-reply": [("timeout", "downstream", 1.0, {"timeout": 0})],
    "lost-reply-sometimes": [("timeout", "downstream", 0.3, {"timeout": 0})],
    "lost-request": [("timeout", "upstream", 1.0, {"timeout": 0})],
    "reset": [("reset_peer", "downstream", 1.0, {"timeout": 0})],
    "truncate": [("limit_data", "downstream", 1.0, {"bytes": 60})],
    "trickle": [
        ("bandwidth", "downstream", 1.0, {"rate": 1}),
        ("slicer", "downstream", 1.0, {"average_size": 64, "size_variation": 32, "delay": 10_000}),
    ],
    "down": [],
    "flap": [],
}


@pytest.mark.parametrize("deadline_ms", [500, 5000])
@pytest.mark.parametrize("brownout", BROWNOUTS)
async def test_no_brownout_makes_the_right_shop_wrong(
    brownout: str, deadline_ms: int, money: Money, tmp_path: Path
) -> None:
    """Whether the payment deadline falls inside the brownout or after it, both ledgers agree in the end."""
    async with (
        link_to(money.url) as link,
        open_shop(link.url, tmp_path / "books", payment_deadline_ns=deadline_ms * MS) as shop,
    ):
        assert (await shop.buy("first@example.org"))["state"] == "confirmed"  # a warm connection to be cut
        for type_, stream, toxicity, attributes in BROWNOUTS[brownout]:
            await link.add(type_, stream, toxicity, **attributes)
        crowd = asyncio.create_task(storm(shop, 40))
        for moment in range(6):
            if brownout in ("down", "flap"):
                await link.door(brownout == "flap" and moment % 2 == 1)
            await asyncio.sleep(0.15)
        await link.heal()
        ends = await crowd
        await settled(shop)
        assert await damage(shop, money) == {}
        assert {end.get("state", end.get("code")) for end in ends} <= {"confirmed", "failed", "ALL_HELD", "SOLD_OUT"}
        rows = await shop.rows("orders")
        assert len(rows) >= 30
        assert all(row["code"] in ("DECLINED", "PAYMENT_TIMEOUT") for row in rows if row["state"] != "confirmed")
        if deadline_ms == 5000:
            assert not [row for row in rows if row["code"] == "PAYMENT_TIMEOUT"]


PROVIDER_FAULTS = [
    ("before_commit", "500", {}),
    ("before_commit", "500-stored", {}),
    ("before_commit", "hang", {}),
    ("before_commit", "delay", {"delay": "700ms"}),
    ("before_commit", "reset", {}),
    ("after_commit", "500", {}),
    ("after_commit", "500-stored", {}),
    ("after_commit", "hang", {}),
    ("after_commit", "delay", {"delay": "700ms"}),
    ("after_commit", "reset", {}),
    ("after_commit", "truncate", {}),
    ("issuer", "delay", {"delay": "700ms"}),
]


@pytest.mark.parametrize("at,do,more", PROVIDER_FAULTS, ids=[f"{at}-{do}" for at, do, _ in PROVIDER_FAULTS])
async def test_no_bad_day_of_the_provider_makes_the_right_shop_wrong(
    at: str, do: str, more: dict[str, str], money: Money, tmp_path: Path
) -> None:
    """Before or after the money moved, stored or not: what the provider did is what the shop writes down."""
    async with open_shop(money.url, tmp_path / "books", payment_deadline_ns=600 * MS) as shop:
        await money.fail(at, do, ratio=0.7, **more)
        crowd = asyncio.create_task(storm(shop, 40))
        await asyncio.sleep(1.2)
        await money.heal()
        await crowd
        await settled(shop)
        assert await damage(shop, money) == {}


async def test_an_order_nobody_could_pay_is_cancelled_and_its_seats_come_back(money: Money, tmp_path: Path) -> None:
    """Past the deadline the key is closed at the provider, so even a late original cannot charge."""
    async with (
        link_to(money.url) as link,
        open_shop(link.url, tmp_path / "books", payment_deadline_ns=300 * MS) as shop,
    ):
        await link.add("latency", "upstream", latency=1500, jitter=0)
        _, hold = await shop.hold(await shop.enter("ada@example.org"), 2)
        _, told = await shop.order(hold["id"], "k")
        await asyncio.sleep(0.5)
        await link.heal()
        ended = await shop.ended(told["order"])
        await asyncio.sleep(1.5)  # everything that was on its way has arrived by now
        net = await money.net_by_order()
        assert (ended["state"], net) in (("failed", {}), ("confirmed", {told["order"]: [17800]}))
        assert (await shop.stock())["available"] == (50 if ended["state"] == "failed" else 48)
        assert await damage(shop, money) == {}


async def test_a_bank_that_is_slower_than_the_deadline_is_waited_for(money: Money, tmp_path: Path) -> None:
    """A key that was used is not yet a key that is done: nothing is cancelled while a charge is still being made."""
    async with open_shop(money.url, tmp_path / "books", payment_deadline_ns=300 * MS) as shop:
        await money.fail("issuer", "delay", ratio=1.0, delay="1500ms")
        told = await shop.buy("ada@example.org", qty=2)
        assert told["state"] == "confirmed"
        assert await damage(shop, money) == {}


async def test_the_provider_is_asked_about_many_orders_at_once(money: Money, tmp_path: Path) -> None:
    """Lost replies cost the few tries and then only reading: no order is posted more often than the tries allow."""
    async with (
        link_to(money.url) as link,
        open_shop(link.url, tmp_path / "books", payment_deadline_ns=20_000 * MS) as shop,
    ):
        await link.add("timeout", "downstream", timeout=0)
        crowd = asyncio.create_task(storm(shop, 24))
        await asyncio.sleep(1.5)
        await link.heal()
        await crowd
        posts = await money.posts_by_key()
        assert len(posts) == 24
        assert set(posts.values()) <= {1, 2}  # mostly 1: the breaker has opened before the second tries
        assert sum(posts.values()) <= 1.5 * len(posts)


DAMAGE = {
    "oversell": {"seat-twice"},
    "double-charge": {"double-charge"},
    "charged-no-ticket": {"charged-no-ticket"},
    "ticket-no-charge": {"ticket-no-charge", "refunds"},
    "lost-ticket": {"lost-ticket", "charged-no-ticket"},
    "leaked-holds": {"leak"},
}


def test_every_defect_is_tried() -> None:
    """No defect without an offence: `surgectl selftest` plays each of them, and here are the first six alone."""
    played = {name for offence in OFFENCES for name in offence.defect.split("+")}
    assert played - set(OF_THE_PROVIDER) == set(DEFECTS)
    assert set(DAMAGE) <= played


async def test_money_is_looked_for_as_long_as_nobody_could_be_asked(money: Money, tmp_path: Path) -> None:
    """The watch over a decided order outlasts a provider that cannot be asked: its last look is an answered one."""
    constants = {"defect": "ticket-no-charge", "late_refunds_ns": 100 * MS}
    async with link_to(money.url) as link, open_shop(link.url, tmp_path / "books", **constants) as shop:
        await link.add("timeout", "downstream", timeout=0)
        told = await shop.buy("ada@example.org", qty=2)
        assert told["state"] == "confirmed"
        await asyncio.sleep(0.6)  # its window is long over before anybody answers again
        await link.heal()
        for _ in range(40):
            if await damage(shop, money):
                break
            await asyncio.sleep(0.1)
        assert set(await damage(shop, money)) == {"ticket-no-charge", "refunds"}


@pytest.mark.usefixtures("on_both")
@pytest.mark.parametrize("defect", [None, *DAMAGE])
async def test_each_defect_does_its_damage_and_no_other_shop_does(
    defect: str | None, money: Money, tmp_path: Path
) -> None:
    """The same storm and the same lost replies: the wrong shop does exactly its damage, the right one none."""
    constants = {"defect": defect, "capacity": 40, "hold_ttl_ns": 800 * MS, "late_refunds_ns": 5_000 * MS}
    async with open_shop(money.url, tmp_path / "books", **constants) as shop:
        for n in range(5):  # fans that change their minds
            await shop.hold(await shop.enter(f"quitter{n}@example.org"))
        await money.lose_replies()
        crowd = asyncio.create_task(storm(shop, 40, within_s=0.1))
        await asyncio.sleep(0.8)
        for _ in range(100):  # on a busy machine the crowd comes late, and a fault that met nobody provokes nothing
            if len(await money.posts_by_key()) >= 8:
                break
            await asyncio.sleep(0.1)
        await money.heal()
        await crowd
        await settled(shop)
        expected = DAMAGE.get(defect or "", set())
        await asyncio.sleep(1.0)  # late refunds, sweeps
        found = set(await damage(shop, money))
        # A stray is refunded once the provider has been asked for it: a breaker that is still open asks now and then.
        for _ in range(20):
            if expected <= found:
                break
            await asyncio.sleep(0.3)
            found = set(await damage(shop, money))
        assert expected <= found, found
        if defect not in ("oversell", "lost-ticket"):
            assert found == expected
