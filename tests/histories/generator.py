"""Our own machine: late, starved, or with holes in its recording; and how it only looks so."""

from __future__ import annotations

import msgspec

from surgectl.audit.expectations import Budget
from surgectl.recording.rows import DroppedRow, IntentRow, VitalsRow
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import Night, S


def late_by(ns: int) -> Night:
    night = Night().buys(1).buys(2)
    night.ops = [msgspec.structs.replace(r, at_ns=r.due_ns + ns) if isinstance(r, IntentRow) else r for r in night.ops]
    return night


def dropping(arrived: int = 1) -> Night:
    night = Night(capacity=arrived)
    for fan in range(arrived):
        night.buys(fan)
    night.ops.append(DroppedRow(fan=arrived, due_ns=S, at_ns=3 * S))
    return night


def with_vitals(*rows: dict[str, object], times: int = 5) -> Night:
    """A machine's pulse while fans came: the last one leaves at half a second."""
    night = Night().buys(1)
    given = rows or ({},)
    night.vitals = [
        VitalsRow(**({"at_ns": n + 1, "lag_ns": 0, "cpu": 0.1} | row))  # type: ignore[arg-type]
        for n in range(times)
        for row in given
    ]
    return night


def unended() -> Night:
    return Night().buys(1).send(1, "pay", None, "")


CHECKER = "GENERATOR"
NEVER_GUILTY = "a machine that could not keep up is no fault of the shop: it is unknown, never a failure"
GUILTY: list[Guilty] = []
INNOCENT = [
    Innocent(Night().buys(1), considered=1),
    Innocent(late_by(S), {"budget": Budget(lag_p99_at_most_ns=S)}, considered=2),
    Innocent(late_by(S // 4)),
    Innocent(dropping(), {"budget": Budget(dropped_at_most=0.5)}, considered=2),
    Innocent(unended(), {"status": "aborted"}),
    Innocent(with_vitals({"lag_ns": S // 4})),
    Innocent(with_vitals({"cpu": 0.97})),
    Innocent(with_vitals({"cpu": 0.99}, {"cpu": 0.5})),
    Innocent(with_vitals({"at_ns": 2 * S, "lag_ns": S, "cpu": 1.0}, {})),  # reading the books, after the last fan
    Innocent(Night().buys(1), {"lost_rows": 0}),
]
DOUBTFUL = [
    Doubtful(Night(), "nobody arrived", weighs=True),
    Doubtful(dropping(), "50.00% of the arrivals were dropped, 0.10% are allowed"),
    Doubtful(dropping(), "were dropped", {"budget": Budget(dropped_at_most=0.49)}),
    Doubtful(late_by(S), "arrivals were up to 1000 ms late"),
    Doubtful(late_by(S // 4 + 10**6), "arrivals were up to 251 ms late"),
    Doubtful(with_vitals({"lag_ns": S}), "timers were up to 1000 ms late"),
    Doubtful(with_vitals({"cpu": 0.99}), "processor was never free"),
    Doubtful(with_vitals({"cpu": 0.99}, {"cpu": 0.98}, {"cpu": 0.5}), "in 67% of the run"),
    Doubtful(unended(), "1 attempts have no end in the recording"),
    Doubtful(Night().buys(1), "worker 1 of 2 was lost: see why", {"lost_workers": ("worker 1 of 2 was lost",)}),
    Doubtful(Night().buys(1), "3 rows of the recording are lost", {"lost_rows": 3}),
    Doubtful(Night().buys(1), "1 rows of the recording are lost", {"lost_rows": 1}),
]
