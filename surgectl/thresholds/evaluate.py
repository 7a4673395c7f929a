"""Whether the numbers were as demanded, or nobody can say.

Nothing measured is `unknown`, never a pass: a demand on a page that nobody visited is not met by silence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

from surgectl.stats.percentile import Bounds, Durations, wilson
from surgectl.thresholds.grammar import Kind, Scope, Threshold

Verdict = Literal["pass", "unknown", "fail"]


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """So many good ones of so many."""

    good: int
    total: int


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """A number that was computed from `samples` things; `at_least` says that the true one may be greater still."""

    value: float
    samples: int
    at_least: bool = False


class Unmeasured(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no number, and what to do about it."""

    why: str


Measure = Durations | Tally | Number | Unmeasured


class Measures(Protocol):
    """Where a threshold finds its samples: the audit's relations, or the guard's live counts."""

    def find(self, kind: Kind, metric: str, scope: Scope | None) -> Measure | None:
        """The samples of a metric within a scope; None = no such metric."""
        ...


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one threshold. `observed` is in `unit`; None where there is no number."""

    expression: str
    verdict: Verdict
    observed: float | None
    text: str
    unit: str = ""
    samples: int = 0


def evaluate(threshold: Threshold, measures: Measures | Mapping[str, Measure]) -> Result:
    """Judge one threshold. A Mapping's keys are `key_of`'s: `latency(confirm)`, `latency(pay) during payments`."""
    if isinstance(measures, Mapping):
        found = measures.get(key_of(threshold))
    else:
        found = measures.find(threshold.kind, threshold.metric, threshold.scope)
    if found is None:
        return _unknown(threshold, f"nothing is called {threshold.metric!r} here")
    if isinstance(found, Unmeasured):
        return _unknown(threshold, found.why)
    if isinstance(found, Durations):
        return _durations(threshold, found)
    if isinstance(found, Tally):
        return _tally(threshold, found)
    return _number(threshold, found)


def key_of(threshold: Threshold) -> str:
    """`latency(confirm) during payments`: the series a threshold reads."""
    scope = f" {threshold.scope}" if threshold.scope else ""
    return f"{threshold.kind}({threshold.metric}){scope}"


def _durations(threshold: Threshold, found: Durations) -> Result:
    if not found.count:
        return _unknown(threshold, "no samples")
    bounds = _statistic(threshold, found)
    note = f"{found.count} samples"
    if found.open_ns:
        note += f", {len(found.open_ns)} never resolved"
    if not bounds.exact:
        note += f", at least {threshold.show(bounds.low)}"
    verdict = _judge(threshold, bounds)
    observed = bounds.high  # the worst that it can be; infinite only where the percentile lies among the open ones
    if verdict == "unknown":
        note += ": what never resolved decides it"
    return _result(threshold, verdict, observed, found.count, note)


def _statistic(threshold: Threshold, found: Durations) -> Bounds:
    if threshold.statistic == "percentile" and threshold.percentile is not None:
        return found.percentile(threshold.percentile)
    if threshold.statistic == "mean":
        return found.mean()
    return found.smallest() if threshold.statistic == "min" else found.largest()


def _tally(threshold: Threshold, found: Tally) -> Result:
    if found.total <= 0:
        return _unknown(threshold, "no samples")
    observed = found.good / found.total
    interval = wilson(found.good, found.total)
    note = (
        f"{found.good} of {found.total}, 95% interval {threshold.show(interval.low)} to {threshold.show(interval.high)}"
    )
    return _result(threshold, _judge(threshold, Bounds(observed, observed)), observed, found.total, note)


def _number(threshold: Threshold, found: Number) -> Result:
    if found.samples <= 0:
        return _unknown(threshold, "no samples")
    if math.isnan(found.value):
        return _unknown(threshold, "the observed value is not a number")
    bounds = Bounds(found.value, math.inf if found.at_least else found.value)
    note = f"{found.samples} samples" + (", or more" if found.at_least else "")
    return _result(threshold, _judge(threshold, bounds), found.value, found.samples, note)


def _judge(threshold: Threshold, bounds: Bounds) -> Verdict:
    """Pass or fail only where every value that is still possible agrees."""
    if math.isnan(bounds.low) or math.isnan(bounds.high):
        return "unknown"
    low, high = threshold.holds(bounds.low), threshold.holds(bounds.high)
    if low and high:
        return "pass"
    return "unknown" if low or high else "fail"


def _result(threshold: Threshold, verdict: Verdict, observed: float, samples: int, note: str) -> Result:
    return Result(
        expression=threshold.text,
        verdict=verdict,
        observed=observed if math.isfinite(observed) else None,
        text=f"{threshold.show(observed)} ({note})",
        unit=threshold.unit,
        samples=samples,
    )


def _unknown(threshold: Threshold, why: str) -> Result:
    return Result(
        expression=threshold.text, verdict="unknown", observed=None, text=f"unknown: {why}", unit=threshold.unit
    )
