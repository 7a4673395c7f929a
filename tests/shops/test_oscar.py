"""A real django-oscar, rehearsed: parallelism alone changes the verdict.

Not in CI's usual run (it installs a shop and migrates a database, a minute and a half): `pytest -m shops tests/shops`.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.servers import NO_POSTGRES, find_postgres
from tests.shops.oscar.oscar_shop import Oscar, database, installed, running
from tests.shops.rehearsed import bought_by_somebody, finding, rehearsed, source, taken_down

pytestmark = [pytest.mark.real, pytest.mark.shops, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def python() -> Path:
    """The shop's Python; installed once a machine."""
    if find_postgres() is None:
        pytest.skip(NO_POSTGRES)
    try:
        return installed(Path(tempfile.gettempdir()) / f"surgectl-oscar-{os.getuid()}")
    except RuntimeError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def shop_database(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database for all tests: each run sells its own gig, and somebody else's ticket stands in the books."""
    with database(python) as url:
        with running(python, url, 1) as shop:
            bought_by_somebody("oscar", shop.sets, shop.environment, tmp_path_factory.mktemp("somebody"))
        yield url


def bought(python: Path, url: str, workers: int, reports: Path) -> tuple[int, dict[str, Any]]:
    """Twenty fans at once for five tickets → exit code, report.json."""
    with running(python, url, workers) as shop:
        return rehearsed("oscar", shop.sets, shop.environment, reports)


def left(url: str, run: str) -> tuple[dict[str, int], bool, int]:
    """What stands in the shop's own database of this run: tickets by state, whether it is on sale, its counter."""
    orders = """SELECT o.status, sum(l.quantity) FROM order_order o JOIN order_line l ON l.order_id = o.id
      WHERE o.guest_email LIKE %s GROUP BY o.status"""
    gig = """SELECT p.is_public, s.num_allocated FROM catalogue_product p
      JOIN partner_stockrecord s ON s.product_id = p.id WHERE p.upc LIKE %s"""
    with psycopg.connect(url) as books:
        states = {state: int(qty) for state, qty in books.execute(orders, [f"fan-{run}-%"]).fetchall()}
        ((on_sale, allocated),) = books.execute(gig, [f"gig-{run}"]).fetchall()
        return states, on_sale, allocated


def facts_are_told(report: dict[str, Any], workers: int) -> None:
    facts = report["run"]["facts"]
    assert {"shop": "django-oscar 4.2.1", "workers": str(workers)}.items() <= facts.items()
    assert re.match(r"postgresql \d", facts["database"]) and re.match(r"\d", facts["django"])


def test_four_workers_sell_more_than_there_is(python: Path, shop_database: str, tmp_path: Path) -> None:
    """Four workers read the same stock: more tickets are sold than the five that exist; the counter knows it, too.

    Afterwards nothing of it stands; somebody else's ticket does.
    """
    code, report = bought(python, shop_database, 4, tmp_path)
    oversell = finding(report, "OVERSELL")
    assert code == 11 and oversell["verdict"] == "fail"
    assert oversell["violations"] == oversell["considered"] - 5 > 0
    assert source(report, "orders.allocated")["error"] == ""  # it allocates by one atomic update, only the check races
    facts_are_told(report, 4)
    assert left(shop_database, report["run"]["id"]) == ({"Cancelled": oversell["considered"]}, False, 0)
    assert left(shop_database, "try-%") == ({"Placed": 1}, True, 1)


def test_one_worker_sells_what_there_is(python: Path, shop_database: str, tmp_path: Path) -> None:
    """The same shop, database and crowd with one worker: five of five, exit 0; given back, and once only."""
    code, report = bought(python, shop_database, 1, tmp_path)
    assert (code, finding(report, "OVERSELL")["verdict"]) == (0, "pass"), report["headline"]
    assert finding(report, "OVERSELL")["considered"] == 5
    facts_are_told(report, 1)
    run = report["run"]["id"]
    assert left(shop_database, run) == ({"Cancelled": 5}, False, 0)
    environment = Oscar(url="", dsn=shop_database, python=str(python), workers=1).environment
    assert taken_down("oscar", [str(python)], run, environment) == {"cancelled": 0, "gigs": 0}
