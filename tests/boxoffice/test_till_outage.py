"""A provider that is silent, or small: few requests while it is, no rush afterwards, and everything paid in the end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from surgectl.stage.payments.options import Options as PaymentOptions
from surgectl.stage.payments.server import running
from tests.boxoffice.street import MS, Money, Shop, damage, open_shop, settled

pytestmark = [pytest.mark.real, pytest.mark.quiet]


async def crowd(shop: Shop, fans: int, over_s: float, who: str = "f") -> list[asyncio.Task[dict[str, object]]]:
    """Fans that come one after another and buy one ticket each."""
    buying = []
    for n in range(fans):
        buying.append(asyncio.create_task(shop.buy(f"{who}{n}@example.org")))
        await asyncio.sleep(over_s / fans)
    return buying


async def till(shop: Shop) -> dict[str, object]:
    _, told, _ = await shop.ask("GET", "/api/admin/till")
    return dict(told["payments"])


async def test_a_silence_costs_few_requests_and_the_backlog_is_paid(money: Money, tmp_path: Path) -> None:
    """Silent for six time-outs in the middle of a sale: the breaker opens, at most two requests a payment are sent
    in the fault, then it closes by itself, little by little everybody is paid, and nothing is told wrong."""
    constants = {
        "capacity": 150,
        "payment_timeout_ns": 400 * MS,
        "payment_tries": 3,
        "payment_deadline_ns": 30_000 * MS,
        "payment_workers": 12,
    }
    async with open_shop(money.url, tmp_path / "books", **constants) as shop:
        buying = await crowd(shop, 30, over_s=0.4)
        await asyncio.gather(*buying)
        assert set((await money.posts_by_key()).values()) == {1}
        before = set(await money.posts_by_key())

        await money.lose_requests()
        buying = await crowd(shop, 100, over_s=1.2, who="late")
        states = set()
        for _ in range(12):
            states.add((await till(shop))["breaker"])
            await asyncio.sleep(0.1)
        posts = {key: n for key, n in (await money.posts_by_key()).items() if key not in before}
        assert states <= {"open", "half-open"}
        assert sum(posts.values()) <= 2 * len(posts)
        assert len(posts) < 40  # a hundred wait; nobody sends them into the silence
        _, health, _ = await shop.ask("GET", "/healthz")
        assert health["payments"] in ("open", "half-open")

        await money.heal()
        most_at_once = []
        while not all(task.done() for task in buying):
            most_at_once.append((await till(shop))["most_in_flight"])
            await asyncio.sleep(0.05)
        assert {str(task.result().get("state", task.result())) for task in buying} == {"confirmed"}
        # From one upwards, never all at once. (Before the knock is answered the old limit still stands.)
        assert 1 in most_at_once
        after = {key: n for key, n in (await money.posts_by_key()).items() if key not in before}
        assert sum(after.values()) <= 1.4 * len(after)
        told = await till(shop)
        assert (told["breaker"], told["waiting"], told["in_flight"]) == ("closed", 0, 0)
        assert await damage(shop, money) == {}


async def test_while_the_door_is_closed_new_orders_wait_and_then_are_shed(money: Money, tmp_path: Path) -> None:
    """An open breaker leaves the counters open: orders are acknowledged while there is room, then refused with 503,
    and one that was never sent and grows too old is cancelled with its seats back."""
    constants = {
        "capacity": 60,
        "payment_queue": 25,
        "payment_timeout_ns": 100 * MS,
        "payment_deadline_ns": 1_500 * MS,
        "payment_workers": 8,
    }
    async with open_shop(money.url, tmp_path / "books", **constants) as shop:
        await money.lose_requests()
        buying = [asyncio.create_task(shop.buy(f"f{n}@example.org")) for n in range(40)]
        await asyncio.sleep(0.8)
        shed = [task.result() for task in buying if task.done()]
        assert len(shed) == 15
        assert {told["code"] for told in shed} == {"BUSY"}
        await asyncio.sleep(1.2)
        posts = await money.posts_by_key()
        rows = {row["order"]: row for row in await shop.rows("orders")}
        assert len(rows) == 25
        for order, row in rows.items():  # what may have been charged is not told as failed
            if row["state"] == "failed":
                assert f"order-{order}" not in posts
                assert row["code"] == "PAYMENT_TIMEOUT"
            else:
                assert row["state"] == "pending"
        assert {row["state"] for row in rows.values()} == {"failed", "pending"}
        await money.heal()
        await settled(shop)
        assert await damage(shop, money) == {}
        await asyncio.gather(*buying)


async def test_a_small_provider_is_not_stormed(tmp_path: Path) -> None:
    """25 payments a second, a short line, then 429: it slows down and all are paid, with few requests too many."""
    small = PaymentOptions(endpoint_rate_per_s=25.0, queue_ns=300 * MS, latency_ns=20 * MS)
    constants = {
        "capacity": 100,
        "payment_timeout_ns": 2_000 * MS,
        "payment_tries": 3,
        "payment_deadline_ns": 30_000 * MS,
        "payment_workers": 24,
    }
    async with running(small) as open_, aiohttp.ClientSession() as http:
        money = Money(open_, http)
        async with open_shop(open_.url, tmp_path / "books", **constants) as shop:
            buying = await crowd(shop, 100, over_s=0.5)
            ends = await asyncio.gather(*buying)
            assert {end["state"] for end in ends} == {"confirmed"}
            posts = await money.posts_by_key()
            assert len(posts) == 100
            assert sum(posts.values()) <= 1.5 * len(posts)
            assert (await till(shop))["opened"] == 0  # it is full, not gone
            assert await damage(shop, money) == {}
