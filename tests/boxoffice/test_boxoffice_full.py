"""A shop that is full: who is turned away first, how fast, and who never notices."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from surgectl.stage.boxoffice.gate import Gate, Rank
from surgectl.stage.boxoffice.refusals import Shedding
from tests.boxoffice.street import MS, Money, Shop, open_shop


def test_who_has_come_further_is_shed_later() -> None:
    """As the shop fills, first looking and joining is refused, then choosing, last paying; each refusal differs."""
    gate = Gate(10, Shedding(1))
    shed_from = {}
    for rank in Rank:
        gate.inside = 0
        while gate.refuses(rank, 0) is None:
            gate.inside += 1
        shed_from[rank] = gate.inside
    assert shed_from == {Rank.LOOK: 6, Rank.CHOOSE: 8, Rank.PAY: 10}
    gate.inside = 0
    waiting = [next(n for n in range(0, 2000, 10) if gate.refuses(rank, n) is not None) for rank in Rank]
    assert waiting == sorted(set(waiting))
    refusals = [gate.refuses(Rank.LOOK, 2000) for _ in range(50)]
    assert {no.code for no in refusals if no} == {"BUSY"}
    assert {no.retry_after_s for no in refusals if no} == {1, 2, 3, 4, 5}


def test_even_the_smallest_shop_serves_everybody_in_turn() -> None:
    """A share of one request at once is one, not none."""
    assert [Gate(1, Shedding(1)).refuses(rank, 0) for rank in Rank] == [None, None, None]


@pytest.mark.quiet
@pytest.mark.real
async def test_a_saturated_sale_turns_away_fast_and_shuts_no_other_page(money: Money, tmp_path: Path) -> None:
    """The books locked for two seconds: joins are refused first and fast, then holds; a fan at the till still pays,
    orders are still looked up, and pages outside the sale answer every time."""
    async with (
        open_shop(
            money.url, tmp_path / "books", in_flight=40, books_patience_ns=10_000 * MS, books_timeout_ns=20_000 * MS
        ) as shop,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as other,
    ):
        passes = await asyncio.gather(*(shop.enter(f"in{n}@example.org") for n in range(20)))
        paid = await shop.buy("first@example.org")
        _, hold = await shop.hold(passes[0])
        outside = Shop(shop.url, other)
        lock = sqlite3.connect(tmp_path / "books" / "boxoffice.sqlite3", isolation_level=None)
        lock.execute("begin immediate")
        try:
            # One after another: how long one process takes for sixty new connections at once is not the question.
            joins = []
            for n in range(60):
                joins.append(asyncio.create_task(timed(shop, "/api/queue", {"email": f"x{n}@example.org"})))
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.5)
            holds = [asyncio.create_task(timed(shop, "/api/holds", {"qty": 1}, X_Pass=pass_)) for pass_ in passes[1:]]
            await asyncio.sleep(0.5)
            body = {"hold": hold["id"], "payment_token": "pm_card_visa"}
            paying = asyncio.create_task(timed(shop, "/api/orders", body, Idempotency_Key="k"))
            pages = [await timed_page(outside, path) for _ in range(150) for path in ("/about", "/healthz")]
            assert (await shop.ask("GET", f"/api/orders/{paid['order']}"))[1]["state"] == "confirmed"
            assert not paying.done()
            done_joins = [task.result() for task in joins if task.done()]
            done_holds = [task.result() for task in holds if task.done()]
        finally:
            lock.execute("rollback")
            lock.close()
        # 60 % of 40 looked, 80 % are in with those who choose: the rest was turned away, without waiting for the books.
        assert {status for status, _, _ in done_joins} == {503}
        assert {status for status, _, _ in done_holds} == {503}
        assert len(done_joins) == 60 - 24
        assert len(done_holds) == 19 - 8
        refused = [*done_joins, *done_holds]
        assert sorted(took_s for _, took_s, _ in refused)[int(len(refused) * 0.99) - 1] < 0.25
        assert len({wait for _, _, wait in done_joins}) > 2
        assert (await paying)[0] == 202
        assert {task[0] for task in await asyncio.gather(*joins)} == {202, 503}
        assert all(status == 200 for status, _ in pages)
        assert sorted(took_s for _, took_s in pages)[int(len(pages) * 0.99)] < 0.25


async def timed(shop: Shop, path: str, body: Any, **headers: str) -> tuple[int, float, str | None]:
    """→ (status, seconds, Retry-After)"""
    started = time.monotonic()
    status, _, told = await shop.ask("POST", path, body, **headers)
    return status, time.monotonic() - started, told.get("Retry-After")


async def timed_page(shop: Shop, path: str) -> tuple[int, float]:
    started = time.monotonic()
    status, _, _ = await shop.ask("GET", path)
    return status, time.monotonic() - started


@pytest.mark.quiet
@pytest.mark.real
async def test_pages_outside_the_sale_do_not_feel_a_storm(money: Money, tmp_path: Path) -> None:
    """Hundreds of fans buy and poll as fast as they can: not one of a thousand looks at /about fails."""
    async with (
        open_shop(money.url, tmp_path / "books", in_flight=20, capacity=200) as shop,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as other,
    ):
        outside = Shop(shop.url, other)
        over = asyncio.Event()

        async def fan(n: int) -> None:
            while not over.is_set():
                status, place, _ = await shop.ask("POST", "/api/queue", {"email": f"f{n}@example.org"})
                if status == 202 and "pass" in place:
                    await shop.hold(place["pass"])
                await shop.ask("GET", "/api/events/floor")

        storm = [asyncio.create_task(fan(n)) for n in range(80)]
        statuses: list[int] = []
        for _ in range(25):
            statuses += [
                status for status, _ in await asyncio.gather(*(timed_page(outside, "/about") for _ in range(40)))
            ]
        over.set()
        await asyncio.gather(*storm)
        assert statuses == [200] * 1000
