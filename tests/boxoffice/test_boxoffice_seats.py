"""Choosing seats on the map: exactly these, or the names of those that are gone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.boxoffice.street import MS, Money, Shop, damage, open_shop

ON_MAP = {"seating": "map", "rows": 2, "capacity": 90}


async def choose(shop: Shop, pass_: str, *seats: str) -> tuple[int, Any]:
    status, body, _ = await shop.ask("POST", "/api/holds", {"seats": list(seats)}, X_Pass=pass_)
    return status, body


@pytest.mark.usefixtures("on_both")
async def test_a_fan_buys_the_seats_chosen_on_the_map(money: Money, tmp_path: Path) -> None:
    """Blocks, rows and seats are shown; what is chosen is held, printed on the order and in the books, then taken."""
    async with open_shop(money.url, tmp_path / "books", **ON_MAP) as shop:
        _, hall, _ = await shop.ask("GET", "/api/seats")
        assert (hall["state"], hall["open"], hall["available"]) == ("open", ["A", "B", "C"], 90)
        assert hall["blocks"][2] == {"block": "C", "price": 8900, "rows": 1, "seats": 10, "free": 10}
        _, block, _ = await shop.ask("GET", "/api/seats?block=B")
        assert [row["row"] for row in block["rows"]] == [1, 2]
        assert block["rows"][1]["seats"][4] == {"seat": "B-2-05", "state": "free"}
        assert len(block["free"]) == 40
        status, hold = await choose(shop, await shop.enter("ada@example.org"), "B-2-06", "B-2-05")
        assert (status, hold["seats"], hold["total"]) == (201, ["B-2-05", "B-2-06"], 17800)
        _, told = await shop.order(hold["id"], "k")
        assert (await shop.ended(told["order"]))["seats"] == ["B-2-05", "B-2-06"]
        assert [row["seat"] for row in await shop.rows("tickets")] == ["B-2-05", "B-2-06"]
        await asyncio.sleep(0.6)  # a look may be half a second old
        _, block, _ = await shop.ask("GET", "/api/seats?block=B")
        assert [seat["state"] for seat in block["rows"][1]["seats"][3:7]] == ["free", "taken", "taken", "free"]
        assert "B-2-05" not in block["free"]
        assert await damage(shop, money) == {}


async def test_a_seat_that_is_gone_is_named(money: Money, tmp_path: Path) -> None:
    """TAKEN names the seats that are gone, holds none of the others, and an old basket stays."""
    async with open_shop(money.url, tmp_path / "books", **ON_MAP) as shop:
        ada, bob = await shop.enter("ada@example.org"), await shop.enter("bob@example.org")
        await choose(shop, ada, "A-1-01", "A-1-02")
        status, first = await choose(shop, bob, "A-1-05")
        assert status == 201
        status, body = await choose(shop, bob, "A-1-02", "A-1-03")
        assert (status, body["code"], body["seats"]) == (409, "TAKEN", ["A-1-02"])
        assert (await choose(shop, bob, "A-1-05"))[1]["id"] == first["id"]
        assert (await shop.stock())["held"] == 3


async def test_the_same_seats_are_the_same_basket_and_others_replace_it(money: Money, tmp_path: Path) -> None:
    """A double click does not hold twice; another choice gives the first seats back, even one that overlaps."""
    async with open_shop(money.url, tmp_path / "books", **ON_MAP) as shop:
        pass_ = await shop.enter("ada@example.org")
        first, again = await asyncio.gather(
            choose(shop, pass_, "A-1-01", "A-1-02"), choose(shop, pass_, "A-1-02", "A-1-01")
        )
        assert first[1]["id"] == again[1]["id"]
        status, other = await choose(shop, pass_, "A-1-02", "A-1-03")
        assert (status, other["seats"]) == (201, ["A-1-02", "A-1-03"])
        assert other["id"] != first[1]["id"]
        assert (await choose(shop, await shop.enter("bob@example.org"), "A-1-01"))[0] == 201
        assert (await shop.stock())["held"] == 3


@pytest.mark.parametrize("defect", [None, "leaked-holds"])
async def test_forty_who_want_one_seat(defect: str | None, money: Money, tmp_path: Path) -> None:
    """One gets it, thirty-nine are told that it is taken, with or without a defect elsewhere."""
    async with open_shop(money.url, tmp_path / "books", defect=defect, **ON_MAP) as shop:
        passes = await asyncio.gather(*(shop.enter(f"f{n}@example.org") for n in range(40)))
        replies = await asyncio.gather(*(choose(shop, pass_, "C-1-10") for pass_ in passes))
        assert sorted(status for status, _ in replies) == [201] + [409] * 39
        assert {body["code"] for status, body in replies if status == 409} == {"TAKEN"}


async def test_oversell_sells_a_chosen_seat_twice(money: Money, tmp_path: Path) -> None:
    """The defect works on the map too: two fans choose one seat at once, and both get a ticket for it."""
    async with open_shop(money.url, tmp_path / "books", defect="oversell", **ON_MAP) as shop:
        passes = [await shop.enter(f"f{n}@example.org") for n in range(2)]
        holds = await asyncio.gather(*(choose(shop, pass_, "A-1-01") for pass_ in passes))
        orders = [(await shop.order(hold["id"], f"k{n}"))[1]["order"] for n, (_, hold) in enumerate(holds)]
        assert {(await shop.ended(order))["state"] for order in orders} == {"confirmed"}
        assert (await damage(shop, money))["seat-twice"] == 1


async def test_a_party_finds_the_blocks_that_have_room_for_it(money: Money, tmp_path: Path) -> None:
    """Only blocks with enough seats are open to it; then single seats all over; then nothing, for now or for ever."""
    async with open_shop(
        money.url, tmp_path / "books", seating="map", rows=1, capacity=22, limit=20, hold_ttl_ns=60_000 * MS
    ) as shop:

        async def state(qty: int) -> tuple[str, list[str]]:
            await asyncio.sleep(0.55)
            _, hall, _ = await shop.ask("GET", f"/api/seats?qty={qty}")
            return hall["state"], hall["open"]

        assert await state(3) == ("open", ["A"])
        _, hold = await choose(shop, await shop.enter("ada@example.org"), *(f"A-1-{n:02d}" for n in range(1, 19)))
        assert await state(2) == ("open", ["A", "B"])
        assert await state(3) == ("open", ["any"])
        _, rest, _ = await shop.ask("GET", "/api/seats?block=any")
        assert rest["free"] == ["A-1-19", "A-1-20", "B-1-01", "B-1-02"]
        assert await state(5) == ("held", [])
        _, told = await shop.order(hold["id"], "k")
        assert (await shop.ended(told["order"]))["state"] == "confirmed"
        assert await state(5) == ("not-enough", [])
        status, body = await choose(shop, await shop.enter("bob@example.org"), *(f"A-1-{n:02d}" for n in range(1, 6)))
        assert (status, body["code"]) == (409, "NOT_ENOUGH")


async def test_what_cannot_be_chosen_is_refused_in_one_line(shop: Shop, money: Money, tmp_path: Path) -> None:
    """No such seat, a seat twice, a number that does not fit, and a map where there is none."""
    async with open_shop(money.url, tmp_path / "map", **ON_MAP) as hall:
        pass_ = await hall.enter("ada@example.org")
        assert (await choose(hall, pass_, "Z-1-01"))[1]["code"] == "NO_SEAT"
        assert (await choose(hall, pass_, "A-1-01", "A-1-01"))[1]["code"] == "BAD_REQUEST"
        assert (await choose(hall, pass_, *(f"A-1-0{n}" for n in range(1, 6))))[1]["code"] == "LIMIT"
        body = {"seats": ["A-1-01"], "qty": 2}
        assert (await hall.ask("POST", "/api/holds", body, X_Pass=pass_))[1]["code"] == "BAD_REQUEST"
        assert (await hall.ask("GET", "/api/seats?block=Q"))[1]["code"] == "NO_BLOCK"
        assert (await hall.ask("POST", "/api/holds", {"qty": 2}, X_Pass=pass_))[1]["seats"] == ["A-1-01", "A-1-02"]
    assert (await shop.ask("GET", "/api/seats"))[1]["code"] == "NO_MAP"
    assert (await choose(shop, await shop.enter("ada@example.org"), "A-1-01"))[1]["code"] == "NO_SEAT"
