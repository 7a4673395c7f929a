"""Several workers are one rehearsal: one recording, one verdict; one that dies is named, none outlives its parent."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.rehearsal import workers as plays
from tests.rehearsal.acting import Ended, lines, surgectl

pytestmark = pytest.mark.real

CTRL_C = plays.ctrl_c()
KILLED = plays.a_worker_is_killed()


def shards(ended: Ended) -> list[list[dict]]:
    return [lines(ended.path / "ops" / f"{shard}.jsonl.zst") for shard in range(2)]


@pytest.mark.parametrize("played", [plays.whole()], indirect=True)
def test_two_workers_are_one_rehearsal(played: Ended) -> None:
    """Exit 0; every planned fan came once, in the shard of its number; the plan is that of one worker, and the report
    counts what both recordings tell."""
    assert played.code == 0, played.said
    plan = json.loads(surgectl("plan", "smoke", "--json").out)
    assert played.manifest["digest"] == plan["digest"] and played.manifest["workers"] == 2
    fans = [[row["fan"] for row in shard if row["t"] == "intent"] for shard in shards(played)]
    total = sum(phase["fans"] for phase in played.manifest["phases"])
    assert Counter(fans[0] + fans[1]) == Counter(range(total))
    assert all(fan % 2 == shard for shard, those in enumerate(fans) for fan in those)
    probes = [sum(row["t"] == "probe" for row in shard) for shard in shards(played)]
    assert probes[0] > 0 and probes[1] == 0
    tally, generator = played.manifest["tally"], played.report["generator"]
    sent = sum(row["t"] == "invoke" for shard in shards(played) for row in shard)
    assert (tally["arrived"], tally["left"], tally["sent"]) == (total, total, sent)
    assert (generator["arrived"], generator["workers"], generator["lost_workers"]) == (total, 2, 0)
    assert "--workers 2" in played.out


@pytest.mark.parametrize("played", [KILLED], indirect=True)
def test_a_worker_that_dies_is_named_and_nothing_is_proved(played: Ended) -> None:
    """Missed within a second; who its fans are, how many were lost and that none came again is said; exit 12."""
    assert played.code == 12, played.said
    (note,) = [row for row in played.chaos if row.get("kind") == "worker"]
    noticed_ns = played.manifest["started_monotonic_ns"] + note["at_ns"]
    assert noticed_ns - played.extra["killed_ns"] < 1_000_000_000
    (lost,) = played.manifest["lost_workers"]
    assert (lost["of"], lost["why"]) == (2, "killed by SIGKILL")
    came = [row for row in shards(played)[lost["shard"]] if row["t"] == "intent"]
    assert 0 < len(came) == lost["intents"] < lost["planned"]
    assert 0 < len(lost["open"]) <= lost["open_intents"] <= lost["intents"]
    finding = played.finding("GENERATOR")
    assert finding["verdict"] == "unknown" and "a worker of ours was lost" in finding["summary"]
    assert f"number % 2 = {lost['shard']}" in finding["reason"] and "rehearse again" in finding["reason"]
    assert "a worker of ours was lost" in " ".join(played.out.replace("│", " ").split()), played.said
    others = [row["fan"] for row in shards(played)[1 - lost["shard"]] if row["t"] == "intent"]
    total = sum(phase["fans"] for phase in played.manifest["phases"])
    assert others == list(range(1 - lost["shard"], total, 2)), "the other worker's fans all came"


@pytest.mark.parametrize("played", [CTRL_C], indirect=True)
def test_a_terminals_ctrl_c_ends_a_crew_kindly(played: Ended) -> None:
    """Workers leave it to their parent: exit 130 with every artefact, no more arrivals, every attempt with an end."""
    assert played.code == 130, played.said
    assert played.extra["obeyed"], "a worker took the terminal's word"
    assert (played.manifest["status"], played.manifest["lost_workers"]) == ("aborted", [])
    assert (played.path / "report.html").exists() and (played.path / "junit.xml").exists()
    for shard in shards(played):
        kinds = Counter(row["t"] for row in shard)
        assert 0 < kinds["intent"] < 38 and kinds["invoke"] == kinds["done"]


@pytest.mark.parametrize("played", [CTRL_C, KILLED, plays.the_parent_is_killed()], indirect=True)
def test_no_worker_outlives_its_rehearsal(played: Ended) -> None:
    """Whoever is killed, or asked to end: no process of the rehearsal is left; orphans are gone within two seconds."""
    assert len(played.extra.get("workers", played.extra.get("children"))) >= 2
    assert played.extra["left"] == {}
