"""Our own health: late is said aloud, and never blamed on the shop."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from surgectl.audit.checkers.generator import check
from surgectl.audit.expectations import Budget, expectations_of
from surgectl.audit.finding import Finding
from surgectl.profile.rehearsal import Expect, Generator, InvariantsExpected
from surgectl.profile.values import Duration, Share
from surgectl.recording.folder import Folder
from surgectl.recording.journal import LineFile
from surgectl.recording.manifest import FaultNote, Manifest, SaleNote, SettlingNote
from surgectl.recording.relations import Relations
from surgectl.recording.rows import DoneRow, DroppedRow, IntentRow, VitalsRow
from surgectl.report.words import next_steps
from tests.histories.night import Night, S


def judge(night: Night, **changes: object) -> Finding:
    with night.relations() as relations:
        return check(relations, night.expectations(**changes))


def late_by(ns: int) -> Night:
    night = Night().buys(1).buys(2)
    night.ops = [msgspec.structs.replace(r, at_ns=r.due_ns + ns) if isinstance(r, IntentRow) else r for r in night.ops]
    return night


def dropping() -> Night:
    night = Night().buys(1)
    night.ops.append(DroppedRow(fan=2, due_ns=S, at_ns=3 * S))
    return night


def with_vitals(**vitals: object) -> Night:
    night = Night().buys(1)
    night.vitals = [VitalsRow(**({"at_ns": n * S, "lag_ns": 0, "cpu": 0.1} | vitals)) for n in range(5)]  # type: ignore[arg-type]
    return night


SICK = [
    (dropping(), {}, "were dropped"),
    (late_by(S), {}, "arrivals were up to 1000 ms late"),
    (with_vitals(lag_ns=S), {}, "timers were up to 1000 ms late"),
    (with_vitals(cpu=0.99), {}, "processor was never free"),
    (Night().buys(1).send(1, "pay", None, ""), {}, "no end in the recording"),
    (Night().buys(1), {"lost_rows": 3}, "3 rows of the recording are lost"),
    (Night(), {}, "nobody arrived"),
]


@pytest.mark.parametrize("night, changes, says", SICK)
def test_sick(night: Night, changes: dict[str, object], says: str) -> None:
    """A machine that could not keep up is unknown with the reason; it never fails, for it is not the shop."""
    found = judge(night, **changes)
    assert (found.kind, found.verdict, found.violations) == ("harness", "unknown", 0)
    assert says in found.reason


@pytest.mark.parametrize(
    "night, changes",
    [
        (Night().buys(1), {}),
        (late_by(S), {"budget": Budget(lag_p99_at_most_ns=2 * S)}),
        (dropping(), {"budget": Budget(dropped_at_most=0.5)}),
        (Night().buys(1).send(1, "pay", None, ""), {"status": "aborted"}),
    ],
)
def test_healthy(night: Night, changes: dict[str, object]) -> None:
    """Within its budget, the machine can be believed; a run that was stopped may leave sends without an end."""
    assert judge(night, **changes).verdict == "pass"


@pytest.mark.parametrize(
    ("detail", "reason", "advice"),
    [
        ("OSError: Cannot assign requested address", "2 requests never left .* no port left", "bind:"),
        ("ClientConnectorError: Too many open files", "2 requests never left .* no file left", "ulimit -n"),
    ],
)
def test_a_request_that_we_had_nothing_to_send_with(detail: str, reason: str, advice: str) -> None:
    """Out of ports or files: our want, whatever the driver calls it; a connection that the shop refused is not."""
    night = Night().buys(1).send(1, "pay", "fail", "not-sent").send(1, "pay", "fail", "not-sent")
    assert judge(night).verdict == "pass"
    night.ops = [
        msgspec.structs.replace(row, detail=detail) if isinstance(row, DoneRow) and row.why == "not-sent" else row
        for row in night.ops
    ]
    found = judge(night)
    assert found.verdict == "unknown" and re.search(reason, found.reason) and advice in found.reason


def test_dropped_and_late_are_told_apart() -> None:
    """What is behind is dropped or comes late, as the policy is named; the summary tells how far behind all were."""
    night = late_by(2 * S)
    night.ops.append(DroppedRow(fan=3, due_ns=S, at_ns=4 * S))
    found = judge(night, budget=Budget(behind="late", lag_p99_at_most_ns=9 * S))
    assert "100.00% of the arrivals were dropped or late" in found.reason
    told = "2 arrivals, 1 dropped, 2 late; behind their due time by 2s (p50), 3s (p99), 3s (max)"
    assert found.summary == f"this machine could not keep up: {told}"
    numbers = found.numbers
    assert [numbers[f"lag_{name}_ms"] for name in ("p50", "p99", "max")] == [2000.0, 3000.0, 3000.0]
    assert numbers["sent_lag_p99_ms"] == 2000.0


def test_the_advice_is_a_next_step_of_its_own() -> None:
    """Whoever is told that the machine was too slow is told what to change."""
    found = judge(dropping())
    advice = "more workers (--workers 2), fewer fans, or a generator.late_at_most above 1s"
    assert found.numbers["advice"] == advice
    assert next_steps([found], [], [], [], 12) == [f"This machine could not keep up: try {advice}."]
    assert "advice" not in judge(Night().buys(1), lost_rows=3).numbers


def test_the_budget_is_the_profiles() -> None:
    """Policy and limits come from the profile's `generator`."""
    generator = Generator(behind="late", late_at_most=Duration(3 * S), dropped_at_most=Share(0.1))
    manifest = Manifest(
        run="r",
        profile="p",
        seed=1,
        digest="d",
        version="v",
        started_at="2030-01-01T00:00:00Z",
        started_epoch_s=1.0,
    )
    found = expectations_of(manifest, Expect(), generator).budget
    assert found == Budget(behind="late", late_at_most_ns=3 * S, dropped_at_most=0.1)


@pytest.mark.parametrize(
    "last_fan_ns, settled_ns, settled", [(S, 11 * S, True), (S, 11 * S - 1, False), (S, None, False), (None, S, False)]
)
def test_settled_means_the_whole_window(last_fan_ns: int | None, settled_ns: int | None, settled: bool) -> None:
    """A run counts as settled only when the whole window lies between the last fan and the reading of the books."""
    manifest = Manifest(
        run="r",
        profile="p",
        seed=1,
        digest="d",
        version="v",
        started_at="2030-01-01T00:00:00Z",
        started_epoch_s=1.0,
        sale=SaleNote(tickets=7, price_minor=100, currency="EUR"),
        settling=SettlingNote(window_ns=10 * S, at_most_ns=60 * S),
        last_fan_ns=last_fan_ns,
        settled_ns=settled_ns,
        faults=[FaultNote(fault=str(n), from_ns=0, to_ns=S, toxicity=share) for n, share in enumerate((0.5, 1.0))],
    )
    expect = Expect(invariants=InvariantsExpected(require=["stock", "GHOST"]))
    found = expectations_of(manifest, expect, Generator())
    assert (found.settled, found.capacity, found.partial_faults) == (settled, 7, ("0",))
    assert found.required("OVERSELL") and found.required("GHOST") and not found.required("DUPCHARGE")
    assert found.named("GHOST") and not found.named("OVERSELL")


def test_one_starved_worker_is_not_helped_by_an_idle_one(tmp_path: Path) -> None:
    """The processor is judged worker by worker; sockets, fans and memory are what all of them held at once."""
    Folder(tmp_path).ops.mkdir()
    for shard, cpu in enumerate((0.99, 0.1, 0.1)):
        with LineFile(Folder(tmp_path).vitals_file(shard)) as file:
            for second in range(4):
                file.append(
                    VitalsRow(at_ns=second * S + shard, lag_ns=0, cpu=cpu, sockets=10, fans=second, rss_bytes=7)
                )
    with Relations.from_folder(tmp_path) as relations:
        found = check(relations, Night().expectations())
    assert "processor was never free in 100%" in found.reason
    numbers = {name: found.numbers[name] for name in ("workers", "sockets_max", "fans_max", "rss_max_bytes")}
    assert numbers == {"workers": 3, "sockets_max": 30, "fans_max": 9, "rss_max_bytes": 21}
