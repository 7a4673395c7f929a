"""Books that wait for the setup hook: asked as far as they can be."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from surgectl.clock import SystemClock
from surgectl.doctor.before_setup import waiting, with_nothing
from surgectl.doctor.books import look_at_books
from surgectl.doctor.checkup import Checkup
from tests.doctor.patients import patient, said, shop, wrong
from tests.evidence.ledgers import QUICK, Server, serving

CLOCK = SystemClock()
SETUP = {"run": ["true"]}
STATES = {"valid": ["paid"]}


@pytest.fixture
def database(tmp_path: Path) -> str:
    with sqlite3.connect(tmp_path / "shop.sqlite") as there:
        there.execute("CREATE TABLE orders (code TEXT, state TEXT, gig INTEGER)")
        there.execute("INSERT INTO orders VALUES ('o1', 'paid', 7)")
    return f"sqlite:///{tmp_path}/shop.sqlite"


def by_query(dsn: str, query: str) -> dict[str, Any]:
    sql = {"dsn": dsn, "query": query, "params": {"gig": "{setup.gig}"}}
    return {"orders": {"sql": sql, "row": {"order": "code"}, "states": STATES}}


async def test_a_query_that_the_database_understands(database: str) -> None:
    """Asked with nothing for what the setup will say: no rows, and never called readable and empty."""
    orders = by_query(database, "SELECT code, state FROM orders WHERE gig = :gig")
    found = await look_at_books(patient(shop(evidence=orders, setup=SETUP)), CLOCK, QUICK)
    assert wrong(found) == [] and said(found, "orders")[0] == "note"
    assert "knows what the query asks for" in said(found, "orders")[1] and "--buy" in said(found, "orders")[1]
    assert not [one for one in found if one.name == "still empty"]


async def test_a_query_that_it_does_not(database: str) -> None:
    """The setup may make the table yet: unknown, with the database's own words."""
    orders = by_query(database, "SELECT code, state FROM odrers WHERE gig = :gig")
    found = await look_at_books(patient(shop(evidence=orders, setup=SETUP)), CLOCK, QUICK)
    assert said(found, "orders")[0] == "unknown" and "odrers" in said(found, "orders")[1]


async def test_once_the_setup_has_spoken_the_book_is_read(database: str) -> None:
    """As any other, and with its value."""
    orders = by_query(database, "SELECT code, state FROM orders WHERE gig = :gig")
    known = patient(shop(evidence=orders, setup=SETUP))
    known.variables["setup"] = {"gig": 7}  # type: ignore[index]  # as --buy has it
    found = await look_at_books(known, CLOCK, QUICK)
    assert said(found, "orders") == ("pass", "sql: 1 row, all mapped")


LOGIN = [{"post": "/login", "json": {"user": "audit"}, "take": {"token": {"json": "token"}}}]


async def listed(answer: Any, login: list[dict[str, Any]] = LOGIN) -> tuple[list[Checkup], Server, list[str]]:
    learnt: list[str] = []
    http = {"get": "/orders?gig={setup.gig}", "headers": {"Authorization": "Bearer {token}"}, "login": login}
    async with serving() as server:
        server.answer = lambda request, number: answer() if callable(answer) else answer
        target = shop(server.url, evidence={"orders": {"http": http, "states": STATES}}, setup=SETUP)
        return await look_at_books(patient(target, learn=learnt.append), CLOCK, QUICK), server, learnt


async def test_a_list_whose_login_can_be_made() -> None:
    """The login is made, what it gave is a secret, and the list is left alone."""
    found, server, learnt = await listed({"token": "hush-hush-1"})
    assert said(found, "orders")[0] == "note" and "lets us in" in said(found, "orders")[1]
    assert set(server.asked) == {"/login"} and learnt == ["hush-hush-1"] and "hush" not in str(found)


async def test_a_list_whose_login_is_refused() -> None:
    """That the setup will not mend."""
    found, _, _ = await listed(lambda: web.Response(status=403))
    assert wrong(found) == ["orders"] and "403" in said(found, "orders")[1]


async def test_a_login_that_waits_for_the_setup_itself() -> None:
    """Nothing is asked: unknown."""
    found, server, _ = await listed({}, [{"post": "/login/{setup.gig}", "take": {"token": {"json": "token"}}}])
    assert said(found, "orders")[0] == "unknown" and server.asked == []


def test_only_what_names_the_setup_waits() -> None:
    """A book beside it is read as it is; so is one that reads out of another that waits, not."""
    books = {
        **by_query("sqlite://", "SELECT 1"),
        "tickets": {"same": "orders", "states": STATES},
        "charges": {"stripe": {"secret": "x"}},
    }
    target = shop(evidence=books, setup=SETUP)
    assert waiting(target, {}) == {"orders", "tickets"} and waiting(target, {"setup": {}}) == frozenset()
    assert waiting(shop(evidence={"charges": {"stripe": {"secret": "x"}}}), {}) == frozenset()
    changed = with_nothing(target, frozenset({"orders"})).evidence["orders"].sql
    assert changed is not None and changed.params == {"gig": None}
