"""The rehearsals that come along end as their first lines promise, whatever the stage stands on.

`python -m benchmarks.stage_matrix` plays all of them whole on every stage (docs/stage.md has what it printed); here
each kind of stage is met, three plays at a time: they wait most of their time (a third of a core each, all processes
counted), and nothing else runs beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from tests.rehearsal.acting import Ended, rehearse
from tests.rehearsal.plays import with_original_on_path
from tests.rehearsal.programme import Play, Programme
from tests.servers import NO_POSTGRES, NO_REDIS, find_postgres, find_redis

pytestmark = [pytest.mark.real, pytest.mark.quiet, pytest.mark.timeout(400)]

Sale = tuple[str, str, str]
# The longest first, so that all lanes end at about the same time.
PLAYED: list[Sale] = [
    ("arena-seats", "sqlite", "embedded"),
    ("black-friday", "servers", "original"),
    ("flash-sale", "servers", "embedded"),
    ("failover", "servers", "embedded"),
    ("smoke", "sqlite", "embedded"),
]
AT_ONCE = 2
SHORTER = {"arena-seats": ("promises.hold_ttl=20s",)}
"""A minute's hold is waited out twice, and shows nothing that twenty seconds do not."""
SERVERS = (("database", "postgres_url", find_postgres, NO_POSTGRES), ("cache", "redis_url", find_redis, NO_REDIS))


@pytest.fixture(scope="module")
def sales(
    request: pytest.FixtureRequest, programme: Programme, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Sale], Ended]]:
    """Begins every sale of the collected tests once all other rehearsals have ended, and awaits the one asked for."""
    asked = [getattr(getattr(item, "callspec", None), "params", {}).get("sale") for item in request.session.items]
    wanted = [sale for sale in PLAYED if sale in asked]
    stands = any(books == "servers" for _, books, _ in wanted)
    urls = {name: request.getfixturevalue(url) for name, url, find, _ in SERVERS if stands and find() is not None}
    programme.wait()
    lanes = Programme(tmp_path_factory.mktemp("sales"), at_once=AT_ONCE)
    plays = {sale: Play("-".join(sale), partial(perform, sale, urls)) for sale in wanted}
    lanes.start(plays.values())
    yield lambda sale: lanes.awaited(plays[sale])
    lanes.close()


def perform(sale: Sale, urls: Mapping[str, str], place: Path) -> Ended:
    """Skips where this machine lacks a server that it stands on."""
    profile, books, proxy = sale
    flags: list[object] = ["--json"]
    for name, _, _, why in SERVERS if books == "servers" else ():
        if name not in urls:
            pytest.skip(why)
        flags += ["--set", f"stage.{name}={urls[name]}"]
    for change in SHORTER.get(profile, ()):
        flags += ["--set", change]
    env = with_original_on_path(place) if proxy == "original" else None
    flags += ["--embedded-proxy"] if proxy == "embedded" else []
    return rehearse(place / "reports", *flags, profile=profile, env=env)


@pytest.mark.parametrize("sale", PLAYED, ids="-".join)
def test_a_profile_keeps_its_promise(sale: Sale, sales: Callable[[Sale], Ended]) -> None:
    """Books true, faults seen to bite and healed, demands met: exit 0. Where this machine could not keep up with the
    crowd it must say so (GENERATOR, exit 12) and still find the books true."""
    profile, ended = sale[0], sales(sale)
    told = ended.verdicts()
    starved = told.pop("GENERATOR") != "pass"
    assert set(verdicts_that_weigh(ended).values()) == {"pass"}, ended.said
    played = [fault for fault in ended.report["chaos"] if not fault["left_out"]]
    assert all(fault["applied"] and fault["verified"] and fault["healed"] for fault in played), ended.said
    assert len(played) == {"smoke": 1, "flash-sale": 0, "black-friday": 4, "arena-seats": 1, "failover": 4}[profile]
    assert ended.code == (12 if starved else 0), ended.said


def verdicts_that_weigh(ended: Ended) -> dict[str, str]:
    """Ledger invariants for which there was something to look at."""
    found = ended.report["invariants"]
    return {f["id"]: f["verdict"] for f in found if f["kind"] == "ledger" and f["configured"]}
