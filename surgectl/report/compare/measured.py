"""Which numbers of two runs are held beside each other, each told second by second.

Whether they differ is for rows.py to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
import numpy as np

from surgectl.report.compare.seconds import Counters, Seconds
from surgectl.stats.bootstrap import Floats

_LATENCY_FLOOR_MS = 5.0
_SHARE_FLOOR = 0.005
_AVAILABILITY_FLOOR = 0.001
_PERCENTILES = (50, 95, 99)
Unit = Literal["ms", "per s", "share", "times"]


class Quotient(msgspec.Struct, frozen=True, kw_only=True):
    """A number that is one sum over the seconds divided by another."""

    id: str
    name: str
    unit: Unit
    above: tuple[Floats, Floats]
    """By second, of the baseline and of the candidate."""
    below: tuple[Floats, Floats]
    less_is_better: bool = True
    main: bool = False
    weighs: bool = True
    floor: float = 0.0
    """In the number's own unit: a difference below it is nobody's business."""


class Percentile(msgspec.Struct, frozen=True, kw_only=True):
    """A percentile of how long something took, in ms, over all seconds."""

    id: str
    name: str
    percentile: int
    took: tuple[Sequence[Counters], Sequence[Counters]]
    main: bool = False
    floor: float = _LATENCY_FLOOR_MS


Measured = Quotient | Percentile


def measured(baseline: Seconds, candidate: Seconds, *, load_s: int) -> list[Measured]:
    """What can be compared. `load_s`: the second in which the last arrivals are due."""
    both = (baseline, candidate)
    n = max(baseline.length, candidate.length)

    def counts(name: str, until: int = n) -> tuple[Floats, Floats]:
        return tuple(_filled(run.counts.get(name, []), n, until) for run in both)  # type: ignore[return-value]

    def level(name: str) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        lists = [run.levels.get(name, []) for run in both]
        known = [_filled([float(v is not None) for v in values], n) for values in lists]
        found = [_filled([v or 0.0 for v in values], n) for values in lists]
        return (found[0], found[1]), (known[0], known[1])

    ones = _filled([1.0] * n, n, load_s)
    arrived, sent = counts("arrived"), counts("sent")
    found: list[Measured] = [
        Quotient(
            id="goodput",
            name="goodput",
            unit="per s",
            above=counts("resolved", load_s),
            below=(ones, ones),
            less_is_better=False,
            main=True,
        ),
        Quotient(
            id="confirmed",
            name="confirmed share",
            unit="share",
            above=counts("confirmed"),
            below=arrived,
            less_is_better=False,
            main=True,
            floor=_SHARE_FLOOR,
        ),
        Quotient(
            id="in_doubt",
            name="no definite reply",
            unit="share",
            above=counts("in_doubt"),
            below=sent,
            main=True,
            floor=_SHARE_FLOOR,
        ),
        Quotient(id="shed", name="shed", unit="share", above=counts("shed"), below=sent, floor=_SHARE_FLOOR),
        Quotient(id="sends", name="sends for each fan", unit="times", above=sent, below=arrived),
    ]
    for step in _probed(both):
        good, total = counts(f"probe {step} good"), counts(f"probe {step} all")
        bad = (total[0] - good[0], total[1] - good[1])
        name = f"{step} unavailable"
        found.append(
            Quotient(
                id=f"unavailable {step}",
                name=name,
                unit="share",
                above=bad,
                below=total,
                main=True,
                floor=_AVAILABILITY_FLOOR,
            )
        )
    steps = [name for name in baseline.durations if name in candidate.durations]
    for step in steps:
        took = (baseline.durations[step], candidate.durations[step])
        if any(map(any, took)):
            for p in _PERCENTILES:
                main = step == "confirm" and p != 99
                found.append(Percentile(id=f"{step} p{p}", name=f"{step} p{p}", percentile=p, took=took, main=main))
    if "pay" not in steps:
        for name in ("pay p50", "pay p95"):
            above, below = level(name)
            found.append(
                Quotient(
                    id=name, name=f"{name}, by second", unit="ms", above=above, below=below, floor=_LATENCY_FLOOR_MS
                )
            )
    above, below = level("lag")
    lag = Quotient(
        id="lag", name="our lateness", unit="ms", above=above, below=below, weighs=False, floor=_LATENCY_FLOOR_MS
    )
    return [*found, lag]


def _filled(values: Iterable[float], n: int, until: int | None = None) -> Floats:
    """By second, with nothing where the run was over, or beyond `until`."""
    listed = list(values)[: n if until is None else until]
    found = np.zeros(n)
    found[: len(listed)] = listed
    return found


def _probed(both: Sequence[Seconds]) -> list[str]:
    names = [name.split(" ", 1)[1].removesuffix(" all") for name in both[0].counts if name.startswith("probe ")]
    return [
        step for step in dict.fromkeys(n.removesuffix(" good") for n in names) if f"probe {step} all" in both[1].counts
    ]
