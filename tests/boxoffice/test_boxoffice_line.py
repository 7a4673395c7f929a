"""The pre-queue over HTTP: nobody is told a place before the draw, and a restart draws nothing anew."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from surgectl.errors import UsageError
from surgectl.stage.boxoffice.options import Options
from surgectl.stage.payments.options import Options as PaymentOptions
from surgectl.stage.payments.server import running
from tests.boxoffice.street import MS, Money, Shop, open_shop
from tests.boxoffice.test_boxoffice_kill import life_of


async def join(shop: Shop, n: int) -> dict[str, Any]:
    status, place, _ = await shop.ask("POST", "/api/queue", {"email": f"f{n}@example.org"})
    assert status == 202, place
    return dict(place)


async def drawn_places(shop: Shop, ids: list[str]) -> list[dict[str, Any]]:
    """Each place, as soon as the draw is over."""
    async with asyncio.timeout(15):
        while True:
            told = [(await shop.ask("GET", f"/api/queue/{id_}"))[1] for id_ in ids]
            if all(place["state"] != "prequeue" for place in told):
                return told
            await asyncio.sleep(0.05)


@pytest.mark.usefixtures("on_both")
@pytest.mark.parametrize("order", ["fifo", "lottery"])
async def test_the_prequeue_is_numbered_at_its_end(order: str, money: Money, tmp_path: Path) -> None:
    """Before it: no position, and when the draw is. After it: by arrival or by lot, latecomers behind, in the book."""
    lottery = {"order": order, "prequeue_ns": 900 * MS, "admission_per_s": 40.0}
    async with open_shop(money.url, tmp_path / "books", **lottery) as shop:
        early = list(await asyncio.gather(*(join(shop, n) for n in range(12))))
        for place in early:
            assert (place["state"], place["position"]) == ("prequeue", None)
            assert not {"wait_s", "pass"} & set(place)
            assert 0 <= place["draw_in_ms"] <= 900
        again = await join(shop, 3)
        assert again["id"] == early[3]["id"]
        await drawn_places(shop, [place["id"] for place in early])
        late = [await join(shop, n) for n in range(12, 15)]
        assert all(place["state"] in ("waiting", "admitted") for place in late)
        for place in early + late:
            while "pass" not in place:
                last, place = place, (await shop.ask("GET", f"/api/queue/{place['id']}"))[1]
                if last["position"] is not None:
                    assert place["position"] <= last["position"]
                    assert place["wait_s"] <= last["wait_s"]
                await asyncio.sleep(0.02)
        rows = await shop.rows("admissions")
        assert len(rows) == 15
        drawn = [row["drawn"] for row in rows]
        assert sorted(drawn[:12]) == list(range(1, 13))
        assert drawn[12:] == [13, 14, 15]
        assert (drawn == sorted(drawn)) == (order == "fifo")
        by_drawn = sorted(rows, key=lambda row: row["drawn"])
        assert [row["admitted_at"] for row in by_drawn] == sorted(row["admitted_at"] for row in rows)
        assert all(row["joined_at"] < row["admitted_at"] for row in rows)


@pytest.mark.real
@pytest.mark.parametrize("die_after_s", [0.2, 1.1])
async def test_kill_9_changes_no_lot(die_after_s: float, tmp_path: Path) -> None:
    """Killed before the draw or after it: the ids stay, and whoever was told a number keeps it."""
    async with running(PaymentOptions()) as open_, aiohttp.ClientSession() as http:
        life = life_of(open_.url, tmp_path / "books")
        life.options |= {"order": "lottery", "prequeue": "800ms", "admission_per_s": 0.001}
        shop = Shop(await life.begin(), http)
        try:
            early = list(await asyncio.gather(*(join(shop, n) for n in range(10))))
            await asyncio.sleep(die_after_s)
            ids = [place["id"] for place in early]
            told = None if die_after_s < 0.8 else [place["position"] for place in await drawn_places(shop, ids)]
            await life.kill()
            await life.begin()
            assert [(await join(shop, n))["id"] for n in range(10)] == ids
            positions = [place["position"] for place in await drawn_places(shop, ids)]
            assert sorted(positions) == list(range(1, 11))
            assert told in (None, positions)
            await life.kill()
            await life.begin()
            assert [place["position"] for place in await drawn_places(shop, ids)] == positions
        finally:
            await life.kill()


def test_a_lottery_without_a_prequeue_is_refused() -> None:
    """Drawing among nobody would be first come, first served under another name."""
    with pytest.raises(UsageError, match="pre-queue"):
        Options(payments_url="http://127.0.0.1:1", data="x", order="lottery")


async def test_a_draw_that_overtakes_the_joins_loses_none(money: Money, tmp_path: Path) -> None:
    """The clerk is blocked while the pre-queue ends, and then writes the draw before the joins: all are in the book."""
    slow = {"books_patience_ns": 10_000 * MS, "books_timeout_ns": 20_000 * MS}
    lottery = {"order": "lottery", "prequeue_ns": 400 * MS, "admission_per_s": 100.0}
    async with open_shop(money.url, tmp_path / "books", **slow, **lottery) as shop:
        lock = sqlite3.connect(tmp_path / "books" / "boxoffice.sqlite3", isolation_level=None)
        lock.execute("begin immediate")
        joins = [asyncio.create_task(join(shop, n)) for n in range(20)]
        await asyncio.sleep(0.8)
        assert not any(task.done() for task in joins)
        lock.execute("rollback")
        lock.close()
        ids = [place["id"] for place in await asyncio.gather(*joins)]
        places = await drawn_places(shop, ids)
        async with asyncio.timeout(10):
            while any("pass" not in place for place in places):
                places = await drawn_places(shop, ids)
        rows = await shop.rows("admissions")
        assert sorted(row["drawn"] for row in rows) == list(range(1, 21))
        assert all(row["admitted_at"] for row in rows)
