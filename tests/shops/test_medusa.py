"""A real Medusa, rehearsed: one process sells what there is; of two, each keeps its locks to itself.

Not in CI's usual run (it installs a shop from its registry and migrates a database): `pytest -m shops tests/shops`.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.servers import NO_POSTGRES, find_postgres
from tests.shops.medusa.medusa_shop import VERSION, database, installed, running
from tests.shops.rehearsed import bought_by_somebody, finding, rehearsed, source, taken_down

pytestmark = [pytest.mark.real, pytest.mark.shops, pytest.mark.timeout(1200)]

_ORDERS = """SELECT status, count(*) FROM "order" WHERE email LIKE %s AND deleted_at IS NULL GROUP BY status"""
_RESERVED = """SELECT coalesce(sum(r.quantity), 0) FROM reservation_item r
  JOIN inventory_item i ON i.id = r.inventory_item_id WHERE i.sku LIKE %s AND r.deleted_at IS NULL"""
_PAYMENTS = """SELECT count(*) FILTER (WHERE p.canceled_at IS NULL), count(*) FROM payment p
  JOIN order_payment_collection l ON l.payment_collection_id = p.payment_collection_id
  JOIN "order" o ON o.id = l.order_id WHERE o.email LIKE %s"""


@pytest.fixture(scope="module")
def folder() -> Path:
    """The shop, installed once a machine."""
    if find_postgres() is None:
        pytest.skip(NO_POSTGRES)
    try:
        return installed(Path(tempfile.gettempdir()) / f"surgectl-medusa-{os.getuid()}")
    except RuntimeError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def shop_database(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database for all tests: each run sells its own gig, and somebody else's ticket stands in the books."""
    with database(folder) as url:
        with running(folder, url, 1) as shop:
            bought_by_somebody("medusa", shop.sets, shop.environment, tmp_path_factory.mktemp("somebody"))
        yield url


def left(url: str, run: str) -> tuple[dict[str, int], int, int]:
    """What stands in the shop's own database of this run: orders by state; tickets reserved, payments set aside."""
    with psycopg.connect(url) as books:
        states = {state: number for state, number in books.execute(_ORDERS, [f"fan-{run}-%"]).fetchall()}
        ((reserved,),) = books.execute(_RESERVED, [f"gig-{run}"]).fetchall()
        ((set_aside, _),) = books.execute(_PAYMENTS, [f"fan-{run}-%"]).fetchall()
        return states, int(reserved), int(set_aside)


def paid(url: str, run: str) -> int:
    """Payments of this run's orders, those that were let go included."""
    with psycopg.connect(url) as books:
        ((_, payments),) = books.execute(_PAYMENTS, [f"fan-{run}-%"]).fetchall()
        return int(payments)


def facts_are_told(report: dict[str, Any], workers: int) -> None:
    facts = report["run"]["facts"]
    assert {"shop": f"Medusa {VERSION}", "workers": str(workers)}.items() <= facts.items()
    assert re.match(r"PostgreSQL \d", facts["database"])


def test_two_processes_sell_more_than_there_is(folder: Path, shop_database: str, tmp_path: Path) -> None:
    """Each reserves under a lock in its own memory: more tickets than the five that exist, as many as its rows say."""
    with running(folder, shop_database, 2) as shop:
        code, report = rehearsed("medusa", shop.sets, shop.environment, tmp_path)
    oversell = finding(report, "OVERSELL")
    assert (code, oversell["verdict"]) == (11, "fail"), report["headline"]
    assert oversell["violations"] == oversell["considered"] - 5 > 0
    run = report["run"]["id"]
    assert paid(shop_database, run) == oversell["considered"]
    facts_are_told(report, 2)
    states, reserved, set_aside = left(shop_database, run)
    assert (set(states), reserved, set_aside) == ({"canceled"}, 0, 0)
    assert left(shop_database, "try-%") == ({"pending": 1}, 1, 1)


def test_one_process_sells_what_there_is(folder: Path, shop_database: str, tmp_path: Path) -> None:
    """The same shop, database and crowd with one process: five of five, paid by what was set aside; given back once."""
    with running(folder, shop_database, 1) as shop:
        code, report = rehearsed("medusa", shop.sets, shop.environment, tmp_path)
        run = report["run"]["id"]
        assert taken_down("medusa", [sys.executable, shop.url], run, shop.environment) == {"cancelled": 0, "gigs": 0}
    assert (code, finding(report, "OVERSELL")["considered"]) == (0, 5), report["headline"]
    names = ("OVERSELL", "CONSERVE", "TICKET_NO_CHARGE", "AMOUNT", "AUTH_LEFT")
    assert {finding(report, name)["verdict"] for name in names} == {"pass"}
    counter = source(report, "orders.reserved")
    assert (counter["rows"], counter["complete"], counter["error"]) == (5, True, "")
    assert paid(shop_database, run) == 5
    assert left(shop_database, run) == ({"canceled": 5}, 0, 0)
    facts_are_told(report, 1)
