"""One number against one demand: met, not met, or nobody can say.

Nothing measured is `unknown`, never a pass: a demand on a page that nobody visited is not met by silence.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from surgectl.stats.percentile import Bounds, Durations, wilson
from surgectl.stats.rough import Rough
from surgectl.thresholds.measure import Between, Measure, Number, Tally, Unmeasured
from surgectl.thresholds.threshold import Threshold

Verdict = Literal["pass", "unknown", "fail"]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one threshold. `observed` is in `unit`; None where there is no number."""

    expression: str
    verdict: Verdict
    observed: float | None
    text: str
    unit: str = ""
    samples: int = 0
    shown: str = ""
    """The observed number alone, as a person writes it."""
    doubtful: bool = False
    """There may be samples of which nothing is sure yet."""
    broken: tuple[tuple[float, float], ...] = ()
    """Of a window: the seconds on the run's clock in which the demand was broken."""


def weigh(threshold: Threshold, found: Measure | None) -> Result:
    """Judge the samples that a threshold is about, whatever its window. None: there is no such metric."""
    if found is None:
        return unknown(threshold, f"nothing is called {threshold.metric!r} here")
    if isinstance(found, Unmeasured):
        return unknown(threshold, found.why)
    if isinstance(found, Durations | Rough):
        return _durations(threshold, found)
    if isinstance(found, Tally):
        return _tally(threshold, found)
    if isinstance(found, Between):
        return _between(threshold, found)
    return _number(threshold, found)


def _durations(threshold: Threshold, found: Durations | Rough) -> Result:
    unsure = found.unsure if isinstance(found, Rough) else 0
    if not found.count:
        result = unknown(threshold, "nothing is sure yet" if unsure else "no samples")
        return msgspec.structs.replace(result, doubtful=unsure > 0)
    bounds = _statistic(threshold, found)
    note = f"{found.count} samples"
    if found.open_count:
        note += f", {found.open_count} never resolved"
    if math.isinf(bounds.high) and not math.isinf(bounds.low):
        note += f", at least {threshold.show(bounds.low)}"
    verdict = _judge(threshold, bounds)
    observed = bounds.high  # the worst that it can be; infinite only where the percentile lies among the open ones
    if isinstance(found, Rough) and not math.isinf(bounds.high) and verdict == "fail":
        observed = bounds.low if threshold.comparison in ("<", "<=") else bounds.high
    if verdict == "unknown":
        rough = isinstance(found, Rough) and not found.open_count and not unsure
        note += f": somewhere from {threshold.show(bounds.low)}" if rough else ": what never resolved decides it"
    return _result(threshold, verdict, observed, found.count, note)


def _statistic(threshold: Threshold, found: Durations | Rough) -> Bounds:
    if threshold.statistic == "percentile" and threshold.percentile is not None:
        return found.percentile(threshold.percentile)
    if threshold.statistic == "mean":
        return found.mean()
    return found.smallest() if threshold.statistic == "min" else found.largest()


def _tally(threshold: Threshold, found: Tally) -> Result:
    if found.total <= 0:
        return unknown(threshold, "no samples")
    observed = found.good / found.total
    interval = wilson(found.good, found.total)
    note = (
        f"{found.good} of {found.total}, 95% interval {threshold.show(interval.low)} to {threshold.show(interval.high)}"
    )
    return _result(threshold, _judge(threshold, Bounds(observed, observed)), observed, found.total, note)


def _number(threshold: Threshold, found: Number) -> Result:
    if found.samples <= 0:
        return unknown(threshold, "no samples")
    if math.isnan(found.value):
        return unknown(threshold, "the observed value is not a number")
    bounds = Bounds(found.value, math.inf if found.at_least else found.value)
    note = f"{found.samples} samples" + (", or more" if found.at_least else "")
    return _result(threshold, _judge(threshold, bounds), found.value, found.samples, note)


def _between(threshold: Threshold, found: Between) -> Result:
    if found.samples <= 0:
        return unknown(threshold, "no samples")
    bounds = Bounds(found.low, found.high)
    verdict = _judge(threshold, bounds)
    worst = found.high if threshold.comparison in ("<", "<=") else found.low
    sure = found.low if threshold.comparison in ("<", "<=") else found.high
    note = f"{found.samples} samples, from {threshold.show(found.low)} to {threshold.show(found.high)}"
    return _result(threshold, verdict, sure if verdict == "fail" else worst, found.samples, note)


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
        shown=threshold.show(observed),
        unit=threshold.unit,
        samples=samples,
    )


def unknown(threshold: Threshold, why: str) -> Result:
    """Nobody can say, and why."""
    return Result(
        expression=threshold.text, verdict="unknown", observed=None, text=f"unknown: {why}", unit=threshold.unit
    )


_TIMED = ("latency", "availability", "error_rate", "rate", "goodput", "goodput_share", "recovery", "drain")
"""Kinds of threshold that a machine that could not keep up spoils (rule R12)."""


def believed(threshold: Threshold, result: Result, spoilt: str, spoils_all: bool) -> Result:
    """What is left of a verdict where `spoilt` says why the numbers are not to be believed (empty: they are)."""
    timed = threshold.kind in _TIMED or (threshold.kind == "count" and threshold.span is not None)
    if not spoilt or not (spoils_all or (timed and result.verdict != "unknown")):
        return result
    return msgspec.structs.replace(result, verdict="unknown", text=f"{result.text}, but {spoilt}")
