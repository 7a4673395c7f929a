"""Our own machine: late, starved, or with holes in its recording; and how it only looks so.

What is late is so by a policy: dropped, or let loose all the same. What is starved is one worker, not their mean.
"""

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


def one_late_of(fans: int, ns: int = 2 * S) -> Night:
    """The first fan came so much after it was due, the others on time."""
    night = Night(capacity=fans)
    for fan in range(fans):
        night.buys(fan)
    first = next(row for row in night.ops if isinstance(row, IntentRow))
    night.ops[night.ops.index(first)] = msgspec.structs.replace(first, at_ns=first.due_ns + ns)
    return night


def several(*of: dict[str, object], times: int = 5) -> Night:
    """Workers with a pulse of their own, each the same all the time."""
    night = Night().buys(1)
    pulses = [
        [VitalsRow(**({"at_ns": n * S // 10, "lag_ns": 0, "cpu": 0.1} | row)) for n in range(times)]  # type: ignore[arg-type]
        for row in of
    ]
    night.vitals, *night.more_vitals = pulses
    return night


def crowded(night: Night, machine_cpu: float) -> Night:
    night.vitals = [VitalsRow(at_ns=1, lag_ns=0, cpu=0.5, machine_cpu=machine_cpu)]
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
    Innocent(Night().buys(1), considered=1, indeterminate=0),
    Innocent(late_by(S), {"budget": Budget(lag_p99_at_most_ns=S)}, considered=2),
    Innocent(late_by(S // 4)),
    Innocent(dropping(), {"budget": Budget(dropped_at_most=0.5)}, considered=2),
    Innocent(unended(), {"status": "aborted"}),
    Innocent(with_vitals({"lag_ns": S // 4})),
    Innocent(with_vitals({"cpu": 0.97})),
    Innocent(with_vitals({"cpu": 0.99}, {"cpu": 0.5})),
    Innocent(with_vitals({"at_ns": 2 * S, "lag_ns": S, "cpu": 1.0}, {})),  # reading the books, after the last fan
    Innocent(Night().buys(1), {"lost_rows": 0}),
    Innocent(Night().buys(1).fan_stuck(2), {"budget": Budget(dropped_at_most=0.5)}),
    Innocent(Night().buys(1).buys(2).fan_misread(3), considered=3),
    Innocent(
        Night().buys(1).fan_misread(2, 500), considered=2
    ),  # a shop in trouble has no words that a target could name
    Innocent(Night().buys(1), {"slow_calls": "1 of 2 calls of steps in Python took longer than 10 ms"}),
    Innocent(
        one_late_of(1_001),
        {"budget": Budget(behind="late")},
        numbers={"late": 1, "dropped": 0, "behind": "late", "lag_max_ms": 2000.0, "advice": None},
    ),
    Innocent(late_by(2 * S), {"budget": Budget(lag_p99_at_most_ns=2 * S, late_at_most_ns=2 * S)}, numbers={"late": 0}),
    Innocent(
        dropping(2),  # the dropped one is late, those let loose were on time
        {"budget": Budget(dropped_at_most=0.4)},
        considered=3,
        numbers={"lag_p50_ms": 0.0, "lag_p99_ms": 2000.0, "sent_lag_p99_ms": 0.0, "behind": "drop"},
    ),
    Innocent(
        several({"cpu": 0.9, "fans": 5, "rss_bytes": 3}, {"cpu": 0.4, "fans": 7, "rss_bytes": 4}, {"cpu": 0.1}),
        numbers={
            "cpu": 0.4667,
            "cpu_max": 0.9,
            "starved_share": 0.0,
            "fans_max": 12,
            "rss_max_bytes": 7,
            "workers": 3,
            "by_worker": [
                {"worker": n, "cpu": cpu, "cpu_max": cpu, "starved_share": 0.0, "loop_lag_max_ms": 0.0}
                | {"rss_max_bytes": rss}
                for n, (cpu, rss) in enumerate(((0.9, 3), (0.4, 4), (0.1, 0)))
            ],
        },
    ),
]
DOUBTFUL = [
    Doubtful(Night(), "nobody arrived", weighs=True),
    Doubtful(dropping(), "50.00% of the arrivals were dropped (more than 1s behind), 0.10% are allowed"),
    Doubtful(
        dropping(), "try more workers (--workers 2), fewer fans, or a generator.late_at_most above 1s", indeterminate=1
    ),
    Doubtful(
        late_by(2 * S),
        "100.00% of the arrivals were late (more than 1s behind), 0.10% are allowed",
        {"budget": Budget(behind="late", lag_p99_at_most_ns=9 * S)},
    ),
    Doubtful(one_late_of(999), "0.10% of the arrivals were late", {"budget": Budget(behind="late")}),
    Doubtful(
        late_by(S + 1),
        "100.00% of the arrivals were late (more than 1s behind)",
        {"budget": Budget(behind="late", lag_p99_at_most_ns=9 * S)},
    ),
    Doubtful(
        dropping(), "this machine could not keep up: 1 arrivals, 1 dropped; behind their due time by 0s (p50), 2s"
    ),
    Doubtful(dropping(), "1 arrivals, 1 dropped, 0 late; behind", {"budget": Budget(behind="late")}),
    Doubtful(late_by(2 * S), "2 arrivals, 0 dropped, 2 late; behind"),
    Doubtful(crowded(dropping(), 0.9), "try more workers (--workers 2), fewer fans, or"),
    Doubtful(crowded(dropping(), 0.91), "try a machine with more cores (all of this one's were busy), fewer fans, or"),
    Doubtful(crowded(late_by(S), 0.2), "1000 ms late, 250 ms are allowed; try more workers (--workers 2), or fewer"),
    Doubtful(
        several({"cpu": 0.1}, {"cpu": 1.0}, {"cpu": 0.1}),
        "the processor was never free in 100% of the run (worker 1); try more workers (--workers 4), or fewer fans",
    ),
    Doubtful(several({"cpu": 1.0}, {"cpu": 0.0}), "the processor was never free in 100% of the run (worker 0)"),
    Doubtful(several({"cpu": 0.2}, {"cpu": 0.2, "lag_ns": S}), "timers were up to 1000 ms late"),
    Doubtful(dropping(), "were dropped", {"budget": Budget(dropped_at_most=0.49)}),
    Doubtful(late_by(S), "arrivals were up to 1000 ms late"),
    Doubtful(late_by(S // 4 + 10**6), "arrivals were up to 251 ms late"),
    Doubtful(with_vitals({"lag_ns": S}), "timers were up to 1000 ms late"),
    Doubtful(with_vitals({"cpu": 0.99}), "the processor was never free in 100% of the run; try more workers"),
    Doubtful(with_vitals({"cpu": 0.99}, {"cpu": 0.98}, {"cpu": 0.5}), "in 67% of the run"),
    Doubtful(unended(), "1 attempts have no end in the recording"),
    Doubtful(Night().buys(1), "worker 1 of 2 was lost: see why", {"lost_workers": ("worker 1 of 2 was lost",)}),
    Doubtful(
        Night().buys(1), "a worker of ours was lost: 1 arrivals, 0 dropped; ", {"lost_workers": ("worker 1 was lost",)}
    ),
    Doubtful(
        Night().buys(1).fan_stuck(2),
        "1 of 2 fans could not go on for an error of the target: journey[1]: step sign",
        {"stuck": "journey[1]: step sign"},
    ),
    Doubtful(
        Night().buys(1).fan_misread(2),
        "1 of 2 fans ended at a refusal that no rule of the target names, most of them at hold (HTTP 400): say in",
    ),
    Doubtful(Night().buys(1).fan_misread(2).fan_misread(3, 429).fan_misread(4, 429), "3 of 4 fans ended at a refusal"),
    Doubtful(Night().buys(1).fan_stuck(2), "not everybody could do as the target says: 2 arrivals"),
    Doubtful(
        late_by(2 * S),
        "3 calls of steps in Python took long; try more workers (--workers 2), a faster step in Python, fewer fans",
        {"slow_calls": "3 calls of steps in Python took long"},
    ),
    Doubtful(Night().buys(1), "3 rows of the recording are lost", {"lost_rows": 3}),
    Doubtful(Night().buys(1), "1 rows of the recording are lost", {"lost_rows": 1}),
]
