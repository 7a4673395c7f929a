"""A real Vendure, rehearsed: twenty at once are sold twenty tickets of five; one after the other they are sold five.

Not in CI's usual run (it installs a shop from its registry): `pytest -m shops tests/shops`.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from surgectl.clock import SystemClock
from surgectl.evidence.books import Books
from surgectl.profile.load import open_target
from surgectl.recording.evidence_rows import OrderRow
from tests.servers import NO_POSTGRES, find_postgres
from tests.shops.rehearsed import bought_by_somebody, finding, rehearsed, source, taken_down, told_at_the_terminal
from tests.shops.vendure.vendure_shop import Vendure, installed, running

pytestmark = [pytest.mark.real, pytest.mark.shops, pytest.mark.timeout(900)]

DOCS = Path(__file__).parents[2] / "docs/target-language.md"
FACTS = {"shop": "Vendure 3.7.3", "workers": "1"}
_ORDERS = """SELECT o.state, count(*) FROM "order" o JOIN customer c ON c.id = o."customerId"
  WHERE c."emailAddress" LIKE %s GROUP BY o.state"""
_GIG = """SELECT p."deletedAt" IS NULL AND p.enabled FROM product p JOIN product_variant v ON v."productId" = p.id
  WHERE v.sku LIKE %s"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendure]:
    """One shop for all tests: each sells a product of its own, and somebody else's ticket stands in its books."""
    if find_postgres() is None:
        pytest.skip(NO_POSTGRES)
    try:
        folder = installed(Path(tempfile.gettempdir()) / f"surgectl-vendure-{os.getuid()}")
    except RuntimeError as error:
        pytest.skip(str(error))
    with running(folder) as up:
        bought_by_somebody("vendure", up.sets, up.environment, tmp_path_factory.mktemp("somebody"))
        yield up


@pytest.fixture(scope="module")
def at_once(shop: Vendure, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any], Path]:
    """Twenty fans at once for five tickets → exit code, report.json, the recording."""
    reports = tmp_path_factory.mktemp("reports")
    code, report = rehearsed("vendure", shop.sets, shop.environment, reports)
    return code, report, (reports / "vendure/latest").resolve()


def left(shop: Vendure, run: str) -> tuple[dict[str, int], bool]:
    """What stands in the shop's own database of this run: orders by their state; whether its gig is on sale."""
    with psycopg.connect(shop.dsn) as books:
        states = {state: number for state, number in books.execute(_ORDERS, [f"fan-{run}-%"]).fetchall()}
        return states, any(on_sale for (on_sale,) in books.execute(_GIG, [f"gig-{run}"]).fetchall())


def test_twenty_at_once_are_sold_more_than_there_is(at_once: tuple[int, dict[str, Any], Path]) -> None:
    """More than five tickets of five, by the order lines."""
    code, report, _ = at_once
    oversell = finding(report, "OVERSELL")
    assert code == 11 and oversell["verdict"] == "fail"
    assert oversell["violations"] == oversell["considered"] - 5 > 0
    assert finding(report, "DUPCHARGE")["configured"] is False  # the dummy payment handler keeps no ledger
    facts = report["run"]["facts"]
    assert FACTS.items() <= facts.items() and re.match(r"PostgreSQL \d", facts["database"])


def test_its_own_counter_is_shown_beside_the_rows(at_once: tuple[int, dict[str, Any], Path]) -> None:
    """The shop's counter knows less than was sold: both numbers stand in every form of the report."""
    _, report, folder = at_once
    counter, rows = source(report, "orders.allocated"), finding(report, "OVERSELL")["considered"]
    says = int(re.findall(r"counter says (\d+)", counter["error"])[0])
    assert counter["error"] == f"the shop's counter says {says}, its rows are {rows}" and says < rows
    assert (counter["rows"], counter["complete"], source(report, "orders")["complete"]) == (rows, False, True)
    assert finding(report, "CONSERVE")["verdict"] == "unknown"  # it is about that counter
    said = f"counter says {says}, its rows are {rows}"
    assert said in (folder / "report.html").read_text()
    assert said in (folder / "summary.md").read_text()
    assert said in told_at_the_terminal(folder)


def test_what_was_bought_is_given_back(shop: Vendure, at_once: tuple[int, dict[str, Any], Path]) -> None:
    """After the audit no order of this run stands and its gig is gone; somebody else's ticket is as it was."""
    _, report, _ = at_once
    run = report["run"]["id"]
    states, on_sale = left(shop, run)
    assert (set(states), on_sale, report["run"]["left_behind"]) == ({"Cancelled"}, False, "")
    assert left(shop, "try-%") == ({"PaymentSettled": 1}, True)
    assert taken_down("vendure", [sys.executable, shop.url], run, shop.environment) == {"cancelled": 0, "gigs": 0}


async def test_the_admin_api_lists_the_same_orders(shop: Vendure, at_once: tuple[int, dict[str, Any], Path]) -> None:
    """The documentation's GraphQL example, as it stands there, finds every order that SQL found, and what it says."""
    text = DOCS.read_text().partition("### GraphQL\n")[2]
    example = text.partition("```yaml\n")[2].partition("```")[0]
    head = f"surgectl-target: 1\nname: vendure\nbase_url: {shop.url}\njourney: [{{step: look, get: /health}}]\n"
    file = at_once[2] / "by-admin-api.yaml"
    file.write_text(head + example)
    target = open_target(str(file), {"ADMIN_PASSWORD": "superadmin"}).target
    async with Books(target, {}, 0.0, SystemClock()) as books:
        found = await books.read("orders")
    assert found.problem == ""
    listed = {row.order: row for row in found.rows if isinstance(row, OrderRow)}
    by_sql = [json.loads(line) for line in (at_once[2] / "evidence/orders.jsonl").read_text().splitlines()]
    assert {row["order"] for row in by_sql} < set(listed)
    assert all(listed[row["order"]].keys == row["keys"] for row in by_sql)
    (theirs,) = [row for row in listed.values() if row.keys[0].startswith("fan-try-")]
    assert (theirs.state, theirs.qty, theirs.currency) == ("valid", 1, "USD") and (theirs.amount_minor or 0) > 0


def test_one_buyer_at_a_time_is_sold_what_there_is(shop: Vendure, tmp_path: Path) -> None:
    """The same shop with nobody in parallel: five of five, three are told that all is sold, and the counter agrees."""
    code, report = rehearsed("vendure-one-by-one", shop.sets, shop.environment, tmp_path)
    assert (code, finding(report, "OVERSELL")["considered"]) == (0, 5), report["headline"]
    assert finding(report, "UNDERSELL")["considered"] == 3
    assert {finding(report, name)["verdict"] for name in ("OVERSELL", "CONSERVE", "UNDERSELL")} == {"pass"}
    counter = source(report, "orders.allocated")
    assert (counter["rows"], counter["complete"], counter["error"]) == (5, True, "")
    facts = report["run"]["facts"]
    assert FACTS.items() <= facts.items() and re.match(r"PostgreSQL \d", facts["database"])
    assert left(shop, report["run"]["id"]) == ({"Cancelled": 5}, False)
