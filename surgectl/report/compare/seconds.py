"""What happened in each second of a run, as numbers that can be added up again: counts, and how long things took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from surgectl.report.series import OverTime
from surgectl.stats.histogram import index_of

Counters = Mapping[int, int]
"""Of a histogram (stats/histogram.py): counter → how often."""

COUNTS = ("due", "arrived", "sent", "polls", "resolved", "confirmed", "in_doubt", "shed")


class Seconds(msgspec.Struct, frozen=True, kw_only=True):
    """One run by the second. Every list is `length` long; entry n covers [n, n+1) seconds from the run's start."""

    length: int
    counts: dict[str, list[int]] = {}
    """`confirmed`, `sent` …; `probe STEP good` and `probe STEP all` where pages were probed."""
    durations: dict[str, list[Counters]] = {}
    """Step, or `confirm` → counters of how long it took, by the second in which it was due."""
    levels: dict[str, list[float | None]] = {}
    """What was measured once a second: `pay p50`, `pay p95`, `lag` in milliseconds. None = nothing was there."""


OPEN = index_of(3_600_000_000_000)
"""The counter of what nobody saw the end of: longer than all that was."""


def of_over_time(over: OverTime | None) -> Seconds:
    """As much as every report.json holds."""
    if over is None:
        return Seconds(length=0)
    return Seconds(
        length=len(over.second),
        counts={name: getattr(over, name) for name in COUNTS},
        levels={"pay p50": over.pay_p50_ms, "pay p95": over.pay_p95_ms, "lag": over.lag_ms},
    )


def with_durations(seconds: Seconds, found: Mapping[str, Mapping[int, Counters]]) -> Seconds:
    """The same with how long things took: name → second → counters. What was due after the end counts in no second."""
    laid = {name: [by_second.get(n, {}) for n in range(seconds.length)] for name, by_second in found.items()}
    return msgspec.structs.replace(seconds, durations={**seconds.durations, **laid})


def with_probes(seconds: Seconds, found: Mapping[str, Mapping[int, tuple[int, int]]]) -> Seconds:
    """The same with what the pages outside the sale answered: step → second → (good, all)."""
    counts = dict(seconds.counts)
    for step, by_second in found.items():
        for place, word in enumerate(("good", "all")):
            counts[f"probe {step} {word}"] = [by_second.get(n, (0, 0))[place] for n in range(seconds.length)]
    return msgspec.structs.replace(seconds, counts=counts)


def counters_of(durations_ns: list[int]) -> Counters:
    """Counters of some durations; what is beyond an hour counts as open."""
    return Counter(min(index_of(max(0, ns)), OPEN) for ns in durations_ns)
