"""A comparison in words: its sentence, what to do next, and every number as people read it."""

from __future__ import annotations

from typing import Any

from surgectl.report.compare.model import Fact, Row, Said
from surgectl.report.summary import Summary

_MOST_NAMED = 3
_FAR = 4
"""Bands."""


def headline(said: Said, rows: list[Row], facts: list[Fact], untold: str) -> str:
    """The comparison in one sentence."""
    broke = [fact for fact in facts if fact.said == "worse"]
    worse = [row for row in rows if row.weighs and row.said == "worse"]
    better = [row for row in rows if row.weighs and row.said == "better"]
    if broke:
        named = ", ".join(f"{fact.id} ({fact.violations[1]:,})" for fact in broke[:_MOST_NAMED])
        sentence = f"Worse: the books no longer hold: {named}"
        return f"{sentence}. The timings cannot be compared: {untold}." if untold else f"{sentence}{_and(worse)}."
    if worse:
        return f"Worse: {_named(worse)}."
    mended = [fact.id for fact in facts if fact.said == "better"]
    if said == "better":
        parts = [f"the books hold again: {', '.join(mended)}"] if mended else []
        return f"Better: {'; '.join(parts + ([_named(better)] if better else []))}.{_but(rows)}"
    if untold:
        return f"Can't tell: {untold}."
    if said == "same":
        return f"The same: every main number lies within what nobody minds, and the books agree.{_but(rows)}"
    unsure = [row.name for row in rows if row.main and row.said == "can't tell"]
    unsure += [fact.id for fact in facts if fact.said == "can't tell"]
    looks = [row for row in rows if row.main and row.said == "can't tell" and _far(row)]
    if looks:
        named = ", ".join(f"{row.name} {change(row, row.difference)}" for row in looks[:_MOST_NAMED])
        return f"Can't tell, though it looks worse: {named}{_more(len(looks))}. It is not shown not to be chance."
    return f"Can't tell: nothing is shown to be worse, but neither to be the same: {_listed(unsure)}."


def next_steps(said: Said, rows: list[Row], facts: list[Fact], untold: str) -> list[str]:
    """What a reader does now."""
    if any(fact.said == "worse" for fact in facts):
        return ["Open the new run's report.html: each finding begins with one fan's story."]
    if said == "worse":
        return [
            "Play the new run once more and compare again: chance would have to strike twice.",
            "Look at the charts below: where in the run do the two lines part, and was a fault on?",
        ]
    if untold:
        return ["Play that run again on a machine that keeps up: fewer fans, more workers, or more cores."]
    if said == "can't tell":
        return ["Let the load last longer, or more fans come: intervals shrink with the square root of both."]
    return []


def amount(row: Row, value: float | None) -> str:
    """A number of a row, with its unit."""
    if value is None:
        return "unknown"
    if row.unit == "ms":
        return duration(value)
    if row.unit == "share":
        return f"{100 * value:.3g} %"
    return f"{value:.3g}/s" if row.unit == "per s" else f"{value:.3g}"


def duration(ms: float) -> str:
    return f"{ms / 1000:.3g} s" if ms >= 1000 else f"{ms:.3g} ms"


def change(row: Row, value: float | None) -> str:
    """A difference, as a share of the baseline or in points."""
    if value is None:
        return "?"
    unit = " %" if row.scale == "relative" else " pp"
    shown = f"{100 * value:+.0f}" if abs(value) >= 0.0995 else f"{100 * value:+.1f}"
    shown = f"{100 * value:+,.0f}" if abs(value) >= 10 else shown
    return ("0.0" if shown in ("+0.0", "-0.0") else shown) + unit


def interval(row: Row) -> str:
    """Where the difference lies, with 95 % certainty."""
    return "unknown" if row.low is None or row.high is None else f"{change(row, row.low)} … {change(row, row.high)}"


def once(summary: Summary) -> dict[str, str]:
    """What a run tells once: name → value."""
    found: dict[str, str] = {}
    metrics = summary.metrics
    for step, seen in _mapping(metrics.get("availability")).items():
        if isinstance(seen, dict) and seen.get("share") is not None:
            found[f"{step} availability"] = f"{100 * seen['share']:.4g} %"
    told = _mapping(metrics.get("amplification")).get("payments")
    if isinstance(told, int | float):
        found["amplification (payments)"] = f"{told:.3g}"
    faults = _mapping(metrics.get("bearing")).get("faults")
    for fault in faults if isinstance(faults, list) else []:
        if isinstance(fault, dict):
            name = f"{fault.get('brownout')} on {fault.get('link') or 'a command'}"
            for what in ("recovery", "drain"):
                took = fault.get(f"{what}_s")
                found[f"{what} after {name}"] = f"{took:.3g} s" if isinstance(took, int | float) else "unknown"
    return found


def _far(row: Row) -> bool:
    """So much worse that nobody would want it left unsaid, although it proves nothing."""
    if row.difference is None or (row.difference > 0) != row.less_is_better:
        return False
    return abs(row.difference) > _FAR * row.band


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _named(rows: list[Row]) -> str:
    ordered = sorted(rows, key=lambda row: (not row.main, row.p))
    parts = [f"{row.name} {change(row, row.difference)} ({interval(row)})" for row in ordered[:_MOST_NAMED]]
    return ", ".join(parts) + _more(len(ordered))


def _and(rows: list[Row]) -> str:
    return f"; and {_named(rows)}" if rows else ""


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + _more(len(names))


def _more(count: int) -> str:
    return f" and {count - _MOST_NAMED} more" if count > _MOST_NAMED else ""


def _but(rows: list[Row]) -> str:
    unsure = [row for row in rows if row.weighs and row.said == "can't tell"]
    return f" Of {len(rows)} numbers {len(unsure)} cannot be told." if unsure else ""
