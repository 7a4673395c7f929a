"""A real pretix, rehearsed: it locks its quota while it counts, so twenty at once are sold five tickets of five.

Not in CI's usual run (it installs a shop and migrates a database, minutes): `pytest -m shops tests/shops`.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import zstandard

from tests.servers import NO_POSTGRES, NO_REDIS, find_postgres, find_redis
from tests.shops.pretix.pretix_shop import VERSION, Pretix, installed, running
from tests.shops.rehearsed import bought_by_somebody, finding, rehearsed, source, taken_down

pytestmark = [pytest.mark.real, pytest.mark.shops, pytest.mark.timeout(2400)]

WORKERS = 4


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretix]:
    """One shop; somebody else's ticket stands in its books."""
    if find_postgres() is None or find_redis() is None:
        pytest.skip(NO_REDIS if find_postgres() else NO_POSTGRES)
    try:
        python = installed(Path(tempfile.gettempdir()) / f"surgectl-pretix-{os.getuid()}")
    except RuntimeError as error:
        pytest.skip(str(error))
    with running(python, WORKERS) as up:
        bought_by_somebody("pretix", up.sets, up.environment, tmp_path_factory.mktemp("somebody"))
        yield up


def left(shop: Pretix, run: str) -> tuple[dict[str, int], bool]:
    """What stands in the shop's own database of this run: orders by status; whether its event is on sale."""
    orders = "SELECT status, count(*) FROM pretixbase_order WHERE email LIKE %s GROUP BY status"
    with psycopg.connect(shop.dsn) as books:
        states = {status: number for status, number in books.execute(orders, [f"fan-{run}-%"]).fetchall()}
        ((live,),) = books.execute("SELECT live FROM pretixbase_event WHERE slug LIKE %s", [f"gig-{run}"]).fetchall()
        return states, live


def rows(folder: Path) -> list[dict[str, Any]]:
    """The recording's rows, in order."""
    packed = (folder / "ops/0.jsonl.zst").read_bytes()
    text = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True).read().decode()
    return [json.loads(line) for line in text.splitlines()]


def test_twenty_at_once_are_sold_what_there_is(shop: Pretix, tmp_path: Path) -> None:
    """Four workers, five tickets, twenty fans: five are sold, fifteen are told so, exit 0; then it is given back."""
    code, report = rehearsed("pretix", shop.sets, shop.environment, tmp_path)
    assert (code, report["verdict"]) == (0, "pass"), report["headline"]
    assert (finding(report, "OVERSELL")["considered"], finding(report, "UNDERSELL")["considered"]) == (5, 15)
    verdicts = {finding(report, name)["verdict"] for name in ("OVERSELL", "CONSERVE", "UNDERSELL", "LOST_TICKET")}
    assert verdicts == {"pass"}
    assert source(report, "orders.quota")["error"] == ""
    facts = report["run"]["facts"]
    assert {"shop": f"pretix {VERSION}", "workers": str(WORKERS)}.items() <= facts.items()
    assert re.match(r"postgresql \d", facts["database"])
    run = report["run"]["id"]
    assert (left(shop, run), report["run"]["left_behind"]) == (({"c": 5}, False), "")
    assert left(shop, "try-%") == ({"n": 1}, True)
    assert taken_down("pretix", [shop.python], run, shop.environment) == {"cancelled": 0, "gigs": 0}
    polls = [row for row in rows((tmp_path / "pretix/latest").resolve()) if row.get("poll")]
    assert polls  # "not ready yet": asked again where the first answer said
