"""A real EverShop, rehearsed: sixty who press together are sold more than five tickets of five; one by one, five.

Not in CI's usual run (it installs a shop from its registry): `pytest -m shops tests/shops`.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.servers import NO_POSTGRES, find_postgres
from tests.shops.evershop.evershop_shop import VERSION, EverShop, installed, running
from tests.shops.rehearsed import bought_by_somebody, finding, rehearsed, source, taken_down

pytestmark = [pytest.mark.real, pytest.mark.shops, pytest.mark.timeout(1_200)]

FACTS = {"shop": f"EverShop {VERSION}", "workers": "1"}
_ORDERS = 'SELECT status, count(*) FROM "order" WHERE customer_email LIKE %s GROUP BY status'
_GIG = """SELECT p.status, s.qty FROM product p
  JOIN product_inventory s ON s.product_inventory_product_id = p.product_id WHERE p.sku = %s"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EverShop]:
    """One shop for all tests: each sells a product of its own, and somebody else's ticket stands in its books."""
    if find_postgres() is None:
        pytest.skip(NO_POSTGRES)
    try:
        folder = installed(Path(tempfile.gettempdir()) / f"surgectl-evershop-{os.getuid()}")
    except RuntimeError as error:
        pytest.skip(str(error))
    with running(folder) as up:
        bought_by_somebody("evershop", up.sets, up.environment, tmp_path_factory.mktemp("somebody"))
        yield up


def left(shop: EverShop, run: str) -> tuple[dict[str, int], list[tuple[bool, int]]]:
    """What stands in the shop's own database of this run: orders by their state; is its gig on sale, and how many."""
    with psycopg.connect(shop.dsn) as books:
        states = {state: number for state, number in books.execute(_ORDERS, [f"fan-{run}-%"]).fetchall()}
        return states, books.execute(_GIG, [f"gig-{run}"]).fetchall()


def test_sixty_at_once_are_sold_more_than_there_is(shop: EverShop, tmp_path: Path) -> None:
    """More than five of five by the order items; its counter agrees, below nothing; then all is given back."""
    code, report = rehearsed("evershop", shop.sets, shop.environment, tmp_path)
    oversell = finding(report, "OVERSELL")
    assert (code, oversell["verdict"]) == (11, "fail"), report["headline"]
    sold = oversell["considered"]
    assert oversell["violations"] == sold - 5 > 0
    assert "available below zero" in finding(report, "CONSERVE")["examples"][0]["what"]
    assert (source(report, "orders.taken")["rows"], source(report, "orders.taken")["error"]) == (sold, "")
    assert finding(report, "DUPCHARGE")["configured"] is False  # who pays at the door is in no ledger of charges
    assert report["happened"]["lost"] == 0, report["happened"]["unnamed"]
    facts, run = report["run"]["facts"], report["run"]["id"]
    assert FACTS.items() <= facts.items() and re.match(r"PostgreSQL \d", facts["database"])
    assert left(shop, run) == ({"canceled": sold}, [(False, 5)]) and report["run"]["left_behind"] == ""
    assert left(shop, "try-%")[0] == {"new": 1}
    assert taken_down("evershop", [sys.executable, shop.url], run, shop.environment) == {"cancelled": 0, "gigs": 0}


def test_one_buyer_at_a_time_is_sold_what_there_is(shop: EverShop, tmp_path: Path) -> None:
    """The same shop with nobody in parallel: five of five, three are told that all is sold, and the counter agrees."""
    code, report = rehearsed("evershop-one-by-one", shop.sets, shop.environment, tmp_path)
    assert (code, finding(report, "OVERSELL")["considered"]) == (0, 5), report["headline"]
    assert {finding(report, name)["verdict"] for name in ("OVERSELL", "CONSERVE", "LOST_TICKET")} == {"pass"}
    assert report["happened"]["sold"] == report["happened"]["told"] == 5
    assert left(shop, report["run"]["id"]) == ({"canceled": 5}, [(False, 5)])
