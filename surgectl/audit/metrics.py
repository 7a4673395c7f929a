"""What the run looked like in numbers: how many came how far, how long it took, and how the shop got over it.

Plain data for reports and comparisons: counts, milliseconds, shares. A number that nobody could measure is None.
"""

from __future__ import annotations

import math
from typing import Any

from surgectl.audit.draining import drain_ns
from surgectl.audit.events import instants_of
from surgectl.audit.measures import RunMeasures
from surgectl.audit.recovery import recovery_ns
from surgectl.audit.windows import FaultWindow, Window, calm_windows, whole_run
from surgectl.stats.histogram import Histogram
from surgectl.stats.percentile import Durations, wilson
from surgectl.stats.series import Series
from surgectl.thresholds.measure import Measure, Number, Tally
from surgectl.units import NS_PER_S

_PERCENTILES = (50.0, 90.0, 95.0, 99.0)


def metrics(measures: RunMeasures) -> dict[str, Any]:
    """The `metrics` of report.json."""
    whole = [whole_run(measures.end_ns)]
    confirm = measures.confirm(whole)
    return {
        "funnel": _funnel(measures),
        "confirm": _durations(confirm),
        "steps": _steps(measures),
        "goodput_per_s": list(_series(measures, "resolved").counts),
        "confirmed_per_s": list(_series(measures, "confirmed").counts),
        "availability": {step: _availability(measures.availability(step, whole)) for step in _probes(measures)},
        "amplification": {
            "payments": _value(measures.amplification("payments", whole)),
            "fans": _value(measures.amplification("fans", whole)),
        },
        "bearing": _bearing(measures, whole),
    }


def _bearing(measures: RunMeasures, whole: list[Window]) -> dict[str, Any]:
    """How the shop bore up: whether it refused fast, hammered its provider, and how soon it was itself again."""
    refusals = measures.refusals(whole)
    calm = calm_windows(measures.faults, measures.end_ns)
    return {
        "refusals": refusals.count,
        "refusals_p99_ms": _ms(refusals.percentile(99).high) if refusals.count else None,
        "amplification_calm": _value(measures.amplification("payments", calm)),
        "faults": [
            {
                "fault": fault.fault,
                "link": fault.link,
                "brownout": fault.brownout,
                "from_s": round(fault.from_ns / NS_PER_S, 3),
                "to_s": round(fault.to_ns / NS_PER_S, 3),
                "amplification": _value(measures.amplification("payments", [_window(fault)])),
                "recovery_s": _seconds(recovery_ns(measures.courses, measures.faults, fault.to_ns)),
                "drain_s": _seconds(drain_ns(measures.relations, fault.to_ns, measures.end_ns)),
            }
            for fault in measures.faults
        ],
    }


def _window(fault: FaultWindow) -> Window:
    return Window(from_ns=fault.from_ns, to_ns=fault.to_ns)


def _funnel(measures: RunMeasures) -> dict[str, int]:
    whole = [whole_run(measures.end_ns)]
    found = {}
    for name in ("arrived", "dropped", "joined", "held", "paid", "confirmed", "sold-out", "declined", "shed", "info"):
        counted = measures.count(name, whole)
        found[name.replace("-", "_")] = int(counted.value) if isinstance(counted, Number) else 0
    return found


def _steps(measures: RunMeasures) -> dict[str, Any]:
    """Each step's latency from when its sends were due, and from when they left."""
    steps = measures.relations.rows(
        """SELECT step, count(*), count(*) FILTER (outcome = 'ok'), count(*) FILTER (outcome = 'fail'),
             count(*) FILTER (outcome = 'info') FROM attempts WHERE NOT poll GROUP BY step
           ORDER BY min(op), min(due_ns), step"""
    )
    found: dict[str, Any] = {}
    for step, sends, ok, fail, info in steps:
        due_ns, sent_ns = measures.relations.arrays(
            """SELECT done_ns - due_ns AS from_due, done_ns - sent_ns AS from_sent FROM attempts
               WHERE step = ? AND NOT poll AND done_ns IS NOT NULL AND sent_ns IS NOT NULL AND outcome <> 'info'""",
            [step],
        )
        from_due, from_sent = Histogram.of_array(due_ns), Histogram.of_array(sent_ns)
        found[step] = {
            "sends": sends,
            "ok": ok,
            "fail": fail,
            "info": info,
            "from_due_ms": _histogram(from_due),
            "from_sent_ms": _histogram(from_sent),
            "hdr_from_due": from_due.encode(),
        }
    return found


def _histogram(histogram: Histogram) -> dict[str, float | None]:
    found = {f"p{p:g}": _ms(histogram.percentile_ns(p)) for p in _PERCENTILES}
    return found | {"mean": _ms(histogram.mean_ns())}


def _durations(durations: Durations) -> dict[str, Any]:
    found: dict[str, Any] = {"count": durations.count, "unresolved": len(durations.open_ns)}
    for p in _PERCENTILES:
        bounds = durations.percentile(p)
        found[f"p{p:g}_ms"] = _ms(bounds.high)
        found[f"p{p:g}_at_least_ms"] = _ms(bounds.low)
    return found


def _series(measures: RunMeasures, name: str) -> Series:
    query = instants_of(measures.relations, name)
    counts = measures.relations.rows(
        f"SELECT at_ns // {NS_PER_S}, count(*) FROM ({query}) WHERE at_ns IS NOT NULL GROUP BY 1"
    )
    return Series.of_counts(dict(counts), until_ns=measures.end_ns)


def _probes(measures: RunMeasures) -> list[str]:
    return [row[0] for row in measures.relations.rows("SELECT DISTINCT step FROM probes ORDER BY step")]


def _availability(measure: Measure | None) -> dict[str, Any] | None:
    if not isinstance(measure, Tally) or not measure.total:
        return None
    interval = wilson(measure.good, measure.total)
    return {
        "good": measure.good,
        "total": measure.total,
        "share": round(measure.good / measure.total, 6),
        "low_95": round(interval.low, 6),
        "high_95": round(interval.high, 6),
    }


def _value(measure: Measure | None) -> float | None:
    return round(measure.value, 4) if isinstance(measure, Number) and measure.samples else None


def _seconds(found: Measure) -> float | None:
    return round(found.value / NS_PER_S, 3) if isinstance(found, Number) and not found.at_least else None


def _ms(value_ns: float) -> float | None:
    return round(value_ns / 1e6, 3) if math.isfinite(value_ns) else None
