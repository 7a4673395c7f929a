"""A real django-oscar, rehearsed: parallelism alone changes the verdict.

Not in CI's usual run (it installs a shop and migrates a database, a minute and a half): `pytest -m shops tests/shops`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import NO_POSTGRES, find_postgres
from tests.shops.oscar.oscar_shop import database, installed, running
from tests.shops.rehearsed import finding, rehearsed

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
def shop_database(python: Path) -> Iterator[str]:
    """A migrated database for both tests: each puts its own stock on sale."""
    with database(python) as url:
        yield url


def bought(python: Path, url: str, workers: int, reports: Path) -> tuple[int, dict[str, Any]]:
    """Twenty fans at once for five tickets → exit code, report.json."""
    with running(python, url, workers) as shop:
        return rehearsed("oscar", shop.sets, shop.environment, reports)


def test_four_workers_sell_more_than_there_is(python: Path, shop_database: str, tmp_path: Path) -> None:
    """Four workers read the same stock: more tickets are sold than the five that exist, counted from order lines."""
    code, report = bought(python, shop_database, 4, tmp_path)
    oversell = finding(report, "OVERSELL")
    assert code == 11 and oversell["verdict"] == "fail"
    assert oversell["violations"] == oversell["considered"] - 5 > 0
    assert report["run"]["facts"]["workers"] == "4"


def test_one_worker_sells_what_there_is(python: Path, shop_database: str, tmp_path: Path) -> None:
    """The same shop, database and crowd with one worker: five of five, exit 0."""
    code, report = bought(python, shop_database, 1, tmp_path)
    assert (code, finding(report, "OVERSELL")["verdict"]) == (0, "pass"), report["headline"]
    assert finding(report, "OVERSELL")["considered"] == 5
    facts = report["run"]["facts"]
    assert facts["shop"] == "django-oscar 4.2.1" and facts["database"].startswith("postgresql 1")
    assert facts["workers"] == "1"
