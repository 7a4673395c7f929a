"""Whether the numbers were as demanded: a threshold finds its samples, and they are weighed, whole or by windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from surgectl.thresholds.measure import Measure
from surgectl.thresholds.samples import Samples
from surgectl.thresholds.threshold import Kind, Scope, Threshold
from surgectl.thresholds.weighing import Result, unknown, weigh
from surgectl.thresholds.windows import judge


class Measures(Protocol):
    """Where a threshold finds its samples: the audit's relations, or the guard's live counts."""

    def find(self, kind: Kind, metric: str, scope: Scope | None, of: str = "") -> Measure | None:
        """The samples of a metric within a scope, of one retry profile or all; None = no such metric."""
        ...

    def over_time(self) -> Samples:
        """The same by steps of time: what a window is judged by."""
        ...


def evaluate(threshold: Threshold, measures: Measures | Mapping[str, Measure]) -> Result:
    """Judge one threshold. A Mapping's keys are `key_of`'s: `latency(confirm)`, `latency(pay) during payments`."""
    if threshold.span is not None:
        if isinstance(measures, Mapping):
            return unknown(threshold, "a window needs samples over time")
        return judge(threshold, threshold.span, measures.over_time())
    if isinstance(measures, Mapping):
        return weigh(threshold, measures.get(key_of(threshold)))
    return weigh(threshold, measures.find(threshold.kind, threshold.metric, threshold.scope, threshold.of))


def key_of(threshold: Threshold) -> str:
    """`latency(confirm) during payments`: the series a threshold reads."""
    scope = f" {threshold.scope}" if threshold.scope else ""
    of = f" of {threshold.of}" if threshold.of else ""
    return f"{threshold.kind}({threshold.metric}){of}{scope}"
