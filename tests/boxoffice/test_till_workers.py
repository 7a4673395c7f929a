"""Several tills on the same books: each order is paid once, whoever dies, and the front soon knows."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from surgectl.stage.payments.options import Options as PaymentOptions
from surgectl.stage.payments.server import running
from tests.boxoffice.street import MS, Money, Shop, books_in, damage, open_shop, settled
from tests.boxoffice.test_boxoffice_kill import stubborn
from tests.boxoffice.tills import process
from tests.toxiproxy_binary import free_port

pytestmark = pytest.mark.real

SALE: dict[str, Any] = {
    "capacity": 40,
    "admission_per_s": 2000.0,
    "payment_timeout": "400ms",
    "payment_tries": 2,
    "reconcile_every": "150ms",
    "payment_deadline": "20s",
    "lease": "1s",
}


async def ordered(shop: Shop, fans: int) -> list[str]:
    """So many orders accepted at the same time → their ids, none of them decided by us."""

    async def fan(n: int) -> str:
        _, hold = await shop.hold(await shop.enter(f"f{n}@example.org"))
        status, told = await shop.order(hold["id"], f"k{n}")
        assert status == 202, told
        return str(told["order"])

    return list(await asyncio.gather(*(fan(n) for n in range(fans))))


@pytest.mark.usefixtures("on_both")
async def test_a_killed_worker_loses_its_orders_to_the_other(tmp_path: Path) -> None:
    """kill -9 with payments on their way: the other worker finishes them within lease and round, one charge each."""
    slow = PaymentOptions(latency_ns=150 * MS)
    async with running(slow) as open_, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        money = Money(open_, http)
        said = {**SALE, "payments_url": open_.url, **books_in(tmp_path / "books")}
        async with process("shop", **said, listen="127.0.0.1:0", payment_workers=0) as front:
            shop = Shop(front.ready["url"], http)
            async with process("worker", **said, payment_workers=6) as first:
                told = await ordered(shop, 30)
                async with asyncio.timeout(10):
                    while len(await money.posts_by_key()) < 8:  # some are paid, some are on their way, some wait
                        await asyncio.sleep(0.01)
                await first.kill()
                async with process("worker", **said, payment_workers=6) as second:
                    began = time.monotonic()
                    ends = [await shop.ended(order) for order in told]
                    took_s = time.monotonic() - began
                    assert await second.end() == 0
            assert {end["state"] for end in ends} == {"confirmed"}
            # Lease (1 s), a round (150 ms), and thirty payments of 150 ms, six at a time and a slow start at worst.
            assert took_s < 8
            assert await damage(shop, money) == {}
            charged = await money.net_by_order()
            assert sorted(charged) == sorted(told)


@pytest.mark.quiet
async def test_workers_share_and_the_front_knows_at_once(money: Money, tmp_path: Path) -> None:
    """Two workers pay side by side, nobody pays twice, and a fan's poll shows the end a moment after it was written."""
    said = {**SALE, "payments_url": money.url, "data": str(tmp_path / "books")}
    constants = {"capacity": 40, "payment_workers": 0, "payment_timeout_ns": 400 * MS}
    async with (
        open_shop(money.url, tmp_path / "books", **constants) as shop,
        process("worker", **said, payment_workers=4, worker="left"),
        process("worker", **said, payment_workers=4, worker="right"),
    ):
        status, health, _ = await shop.ask("GET", "/healthz")
        assert (status, health["payments"]) == (200, "elsewhere")
        told = await ordered(shop, 30)
        for order in told:
            assert (await shop.ended(order))["state"] == "confirmed"
        assert set((await money.posts_by_key()).values()) == {1}
        _, hold = await shop.hold(await shop.enter("late@example.org"))
        began = time.monotonic()
        _, last = await shop.order(hold["id"], "late")
        assert (await shop.ended(last["order"]))["state"] == "confirmed"
        # At most 50 ms until it is claimed and 50 ms until it is seen, and a busy machine.
        assert time.monotonic() - began < 1.5
        rows = await shop.rows("orders")
        seen_late_s = [row["decided_at"] - row["created_at"] for row in rows if row["order"] == last["order"]]
        assert seen_late_s[0] < 1.5
        assert await damage(shop, money) == {}


async def test_a_worker_comes_back_under_its_name(money: Money, tmp_path: Path) -> None:
    """Started again under the same name it goes on with its own orders at once, long before their lease has ended."""
    said = {**SALE, "lease": "60s", "payments_url": money.url, "data": str(tmp_path / "books"), "worker": "left"}
    async with open_shop(money.url, tmp_path / "books", capacity=40, payment_workers=0) as shop:
        await money.lose_requests()
        async with process("worker", **said) as worker:
            told = await ordered(shop, 5)
            async with asyncio.timeout(10):
                while len(await money.posts_by_key()) < 5:
                    await asyncio.sleep(0.01)
            await worker.kill()
        await money.heal()
        async with process("worker", **said):
            for order in told:
                assert (await shop.ended(order, within_s=10))["state"] == "confirmed"
        await settled(shop)
        assert await damage(shop, money) == {}


async def test_front_and_workers_killed_in_the_storm(tmp_path: Path) -> None:
    """kill -9 of the front and of each worker in turn while fans buy: no order lost, one charge each, all decided."""
    slow = PaymentOptions(latency_ns=40 * MS)
    async with running(slow) as open_, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        money = Money(open_, http)
        said = {**SALE, "capacity": 60, "admission_per_s": 60.0, "hold_ttl": "5s", "lease": "800ms"}
        said |= {"payments_url": open_.url, "data": str(tmp_path / "books")}
        listen = f"127.0.0.1:{free_port()}"
        front = {**said, "payment_workers": 0, "listen": listen}
        worker = {**said, "payment_workers": 3}
        shop = Shop(f"http://{listen}", http)
        seen: dict[int, dict[str, Any]] = {n: {} for n in range(60)}
        fans = asyncio.gather(*(stubborn(shop, n, seen) for n in range(60)))
        for lived_s in (0.5, 0.3):
            async with process("worker", **worker) as left, process("worker", **worker) as right:
                async with process("shop", **front) as street:
                    await asyncio.sleep(lived_s)
                    await left.kill()
                    await asyncio.sleep(lived_s)
                    await street.kill()
                await right.kill()
        async with process("shop", **front), process("worker", **worker) as last:
            await asyncio.wait_for(fans, 40)
            await settled(shop)
            assert await damage(shop, money) == {}
            rows = {row["order"]: row["state"] for row in await shop.rows("orders")}
            told = [fan["order"] for fan in seen.values() if "order" in fan]
            assert len(told) > 30
            assert {rows[order] for order in told} == {"confirmed"}
            assert await last.end() == 0
