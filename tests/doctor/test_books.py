"""Books that cannot be read whole, found out while nobody storms."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from surgectl.clock import SystemClock
from surgectl.doctor.books import look_at_books, of_time
from surgectl.doctor.checkup import Checkup
from surgectl.doctor.database_clock import database_clocks
from tests.doctor.patients import patient, said, shop, wrong
from tests.evidence.ledgers import QUICK, Server, order_rows, serving

CLOCK = SystemClock()
ORDERS = {"http": {"get": "/orders"}, "states": {"valid": ["valid"]}}


async def read(answer: Any, orders: dict[str, Any] = ORDERS, **more: Any) -> tuple[list[Checkup], Server]:
    async with serving() as server:
        server.answer = lambda request, number: answer
        target = shop(server.url, evidence={"orders": orders}, **more)
        return await look_at_books(patient(target), CLOCK, QUICK), server


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (web.Response(status=401), "401"),
        (web.Response(text="<html>please log in"), "JSON"),
        ([{"order": "o1", "state": "paid"}], '"paid"'),
        ([{"order": "o1"}], "state"),
        ({"items": []}, "rows"),
    ],
)
async def test_a_book_that_cannot_be_read_is_named(answer: Any, words: str) -> None:
    """An expired token, a page instead of JSON, a state that nobody mapped, a missing column, another shape."""
    found, _ = await read(answer)
    verdict, told = said(found, "orders")
    assert verdict == "fail" and words in told and "would end with this book unknown" in told


async def test_every_source_is_read_once_and_its_rows_are_counted() -> None:
    """One request, three rows, all mapped."""
    found, server = await read(order_rows(0, 3))
    assert server.asked == ["/orders"]
    assert said(found, "orders") == ("pass", "http /orders: 3 rows, all mapped")
    assert wrong(found) == []


async def test_a_price_that_nobody_said_condemns_no_book() -> None:
    """Without a profile the sale is a stand-in: sums that could be a hundredth of its price are sums."""
    charges = {"charges": {"http": {"get": "/charges"}, "row": {"charge": "id", "captured": "captured"}}}
    async with serving() as server:
        server.answer = lambda request, number: [{"id": f"c{number}", "currency": "EUR", "captured": 100}]
        found = await look_at_books(patient(shop(server.url, evidence=charges)), CLOCK, QUICK)
    assert said(found, "charges")[0] == "pass"


async def test_an_empty_book_proves_no_mapping() -> None:
    """It can be read; whether rows fit nobody has seen."""
    found, _ = await read([])
    assert said(found, "still empty")[0] == "note" and "orders" in said(found, "still empty")[1]


async def test_a_counter_that_disagrees_beforehand() -> None:
    """It would make the run's verdict unknown: to be put right now."""
    counters = {"listed": {"http": {"get": "/count"}, "value": "n"}}
    async with serving() as server:
        server.answer = lambda request, number: {"n": 5} if "count" in request.path else order_rows(0, 3)
        target = shop(server.url, evidence={"orders": {**ORDERS, "counters": counters}})
        found = await look_at_books(patient(target), CLOCK, QUICK)
    assert wrong(found) == ["orders.listed"] and "5" in said(found, "orders.listed")[1]


async def test_what_the_setup_hook_would_say_is_unknown() -> None:
    """A doctor does not run it: nobody is accused of its silence."""
    found, _ = await read([], {**ORDERS, "http": {"get": "/orders?gig={setup.gig}"}}, setup={"run": ["true"]})
    assert said(found, "orders")[0] == "unknown"


async def test_books_that_take_longer_than_the_window() -> None:
    """They must be read twice while all settles."""
    assert of_time(40 * 10**9, 60 * 10**9).verdict == "fail"
    assert of_time(20 * 10**9, 60 * 10**9).verdict == "pass"


async def test_a_database(tmp_path: Path) -> None:
    """A table that is not there is named; SQLite has no clock of its own to be asked."""
    file = tmp_path / "shop.db"
    sqlite3.connect(file).close()
    source = {"sql": {"dsn": f"sqlite:///{file}", "query": "select * from orders"}, "states": {"valid": ["valid"]}}
    target = shop(evidence={"orders": source})
    found = await look_at_books(patient(target), CLOCK, QUICK)
    assert wrong(found) == ["orders"] and "no such table" in said(found, "orders")[1]
    assert await database_clocks(target, QUICK, CLOCK) == {}


@pytest.mark.real
async def test_postgres_is_asked_what_time_it_is(postgres_url: str) -> None:
    """To well below a second, by one read-only query."""
    target = shop(evidence={"orders": {"sql": {"dsn": postgres_url, "query": "select 1"}}})
    skew = (await database_clocks(target, QUICK, CLOCK))["orders"]
    assert skew is not None and abs(skew.ahead_s) <= skew.give_or_take_s + 0.05 and skew.give_or_take_s < 1
