"""A real Vendure, rehearsed: twenty at once are sold twenty tickets of five; one after the other they are sold five.

Not in CI's usual run (it installs a shop from its registry): `pytest -m shops tests/shops`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import NO_POSTGRES, find_postgres
from tests.shops.rehearsed import finding, rehearsed
from tests.shops.vendure.vendure_shop import Vendure, installed, running

pytestmark = [pytest.mark.real, pytest.mark.shops, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def shop() -> Iterator[Vendure]:
    """One shop for both tests: each sells a product of its own."""
    if find_postgres() is None:
        pytest.skip(NO_POSTGRES)
    try:
        folder = installed(Path(tempfile.gettempdir()) / f"surgectl-vendure-{os.getuid()}")
    except RuntimeError as error:
        pytest.skip(str(error))
    with running(folder) as up:
        yield up


def test_twenty_at_once_are_sold_more_than_there_is(shop: Vendure, tmp_path: Path) -> None:
    """More than five tickets of five, by the order lines; the shop's own counter knows less than was sold."""
    code, report = rehearsed("vendure", shop.sets, shop.environment, tmp_path)
    oversell = finding(report, "OVERSELL")
    assert code == 11 and oversell["verdict"] == "fail"
    assert oversell["violations"] == oversell["considered"] - 5 > 0


def test_one_buyer_at_a_time_is_sold_what_there_is(shop: Vendure, tmp_path: Path) -> None:
    """The same shop with nobody in parallel: five of five, and three are told that all is sold."""
    code, report = rehearsed("vendure-one-by-one", shop.sets, shop.environment, tmp_path)
    assert (code, finding(report, "OVERSELL")["considered"]) == (0, 5), report["headline"]
    assert finding(report, "UNDERSELL")["considered"] == 3
    assert report["run"]["facts"]["shop"] == "Vendure 3.7.3"
