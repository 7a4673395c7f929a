"""How many processes send, and what is typed again to have as many."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from surgectl.cli import shards
from surgectl.cli.driving import DriverName
from surgectl.cli.prepare import Wishes, flags_of, prepare
from surgectl.cli.shards import Part, Playbill, how_many_workers
from surgectl.engine.guard import Permit
from tests.rehearsal.acting import DRILL


@pytest.mark.parametrize(
    "cores, fans, own_stage, workers",
    [
        (1, 10**6, True, 1),
        (2, 10**6, True, 1),
        (2, 10**6, False, 2),
        (8, 10**6, True, 7),
        (8, 3_500, True, 3),
        (8, 60, False, 1),
    ],
)
def test_a_core_each_and_one_for_the_stage(
    monkeypatch: pytest.MonkeyPatch, cores: int, fans: int, own_stage: bool, workers: int
) -> None:
    """As many as there are cores, without the stage's, and never one for a handful of fans; what is asked for, wins."""
    monkeypatch.setattr(shards, "cores_here", lambda: cores)
    assert how_many_workers(None, fans, own_stage=own_stage) == workers
    assert how_many_workers(5, fans, own_stage=own_stage) == 5


def test_what_was_asked_for_is_typed_again() -> None:
    """The line that repeats a rehearsal names workers and driver only where somebody did."""
    assert flags_of(Wishes(profile="smoke")) == []
    wishes = Wishes(profile="smoke", workers=3, driver=DriverName.AIOHTTP)
    assert flags_of(wishes) == ["--driver", "aiohttp", "--workers", "3"]


def test_a_worker_plays_from_the_same_plan(tmp_path: Path) -> None:
    """What travels to a worker gives the same plan, the same target and the same secrets to hide."""
    prepared = prepare(Wishes(profile=str(DRILL)))
    prepared.rehearsal.secrets.add("hunter22")
    bill = Playbill(
        run="r1",
        folder=tmp_path,
        plan=prepared.plan,
        target=prepared.target,
        setup={"sale": 7},
        driver=DriverName.WIRE,
        permit=Permit(frozenset({"shop"})),
        secrets=prepared.rehearsal.secrets,
    )
    there: Part = pickle.loads(pickle.dumps(Part(bill=bill, shard=1, of=2)))
    assert there.bill.plan.digest() == prepared.plan.digest()
    assert there.bill.target.target == prepared.target.target
    assert there.bill.secrets.redact("it is hunter22") == "it is ***"
    here = [arrival.fan for arrival in prepared.plan.arrivals(1, 2)]
    assert [arrival.fan for arrival in there.bill.plan.arrivals(1, 2)] == here
