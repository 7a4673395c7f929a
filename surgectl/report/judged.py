"""Everything that was judged in a run as one list of lines, told alike to build servers and to people in a hurry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from surgectl.audit.finding import Example, Finding, Verdict
from surgectl.report.summary import ChaosLine, CoverageLine, Summary, ThresholdLine, fate_of, in_order, verdict_of
from surgectl.report.words import meaning, silence
from surgectl.text import one_line

Kind = Literal["invariants", "thresholds", "chaos", "coverage"]

_MOST_WINDOWS = 5

KINDS: tuple[Kind, ...] = ("invariants", "thresholds", "chaos", "coverage")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was judged. Its texts may hold what a shop said: whoever writes them down makes them harmless."""

    kind: Kind
    name: str
    verdict: Verdict | None
    """None: not configured, or left out. It weighs nothing."""
    said: str
    """What was seen, in a sentence."""
    why: str = ""
    means: str = ""
    """For people who do not know the invariant's name."""
    counts: str = ""
    examples: list[Example] = []
    more: int = 0
    """Violations beyond the examples."""
    advice: str = ""
    lasted_s: float = 0.0
    """How long a fault was on; nothing else takes time of its own."""


def judged(summary: Summary) -> list[Line]:
    """Invariants, the worst first, then thresholds, faults, and the coverage that was required."""
    return [
        *(_invariant(finding, summary) for finding in in_order(summary.invariants)),
        *(_threshold(threshold, summary) for threshold in summary.thresholds),
        *(_fault(fault, summary) for fault in summary.chaos),
        *(_coverage(item, summary) for item in summary.coverage if item.required is not None),
    ]


def proofs(example: Example, most: int = 6) -> list[str]:
    """The recording's lines that prove an example: what the books say first, then its end, where it went wrong."""
    found = dict.fromkeys(moment.where for moment in reversed(example.timeline) if moment.where)
    return sorted(found, key=lambda where: not where.startswith("evidence/"))[:most]


def _invariant(finding: Finding, summary: Summary) -> Line:
    return Line(
        kind="invariants",
        name=finding.id,
        verdict=finding.verdict if finding.configured else None,
        said=finding.summary,
        why=finding.reason,
        means=meaning(finding),
        counts=f"{finding.considered:,} considered, {finding.violations:,} violations, {finding.pending:,} pending",
        examples=finding.examples,
        more=max(0, finding.violations - len(finding.examples)) if finding.examples else 0,
        advice=_advice(summary, f"{finding.id}: ", f"{finding.id} is unknown", meaning(finding).capitalize())
        or _shared(summary, finding),
    )


def _threshold(threshold: ThresholdLine, summary: Summary) -> Line:
    return Line(
        kind="thresholds",
        name=threshold.expression,
        verdict=threshold.verdict,
        said=f"observed {threshold.observed}",
        why="; ".join(part for part in (threshold.reason, _broken(threshold)) if part),
        advice=_advice(summary, f"{threshold.expression} was ", f"{threshold.expression} is unknown"),
    )


def _broken(threshold: ThresholdLine) -> str:
    """When a demand was broken, where the summary tells."""
    windows: list[tuple[float, float]] = getattr(threshold, "broken", [])
    first = [f"{begin_s:,.1f} s to {end_s:,.1f} s" for begin_s, end_s in windows[:_MOST_WINDOWS]]
    more = [f"and {len(windows) - _MOST_WINDOWS} more times"] if len(windows) > _MOST_WINDOWS else []
    return f"broken from {', '.join([*first, *more])}" if first else ""


def _fault(fault: ChaosLine, summary: Summary) -> Line:
    on = f"{fault.brownout} on {fault.link or 'a command'}"
    begun, ended = fault.applied_at_s, fault.healed_at_s
    return Line(
        kind="chaos",
        name=f"{fault.brownout} on {fault.link or 'command'} at {fault.planned_from_s:g}s",
        verdict=verdict_of(fault),
        said=fate_of(fault),
        why=fault.detail if fault.detail != fate_of(fault) else "",
        advice=_advice(summary, f"{on} was "),
        lasted_s=0.0 if begun is None or ended is None else max(0.0, ended - begun),
    )


def _coverage(item: CoverageLine, summary: Summary) -> Line:
    return Line(
        kind="coverage",
        name=item.id,
        verdict="pass" if item.met else "unknown",
        said=f"required {item.required}, seen {item.seen}",
        advice=_advice(summary, f"Coverage {item.id} was "),
    )


def _advice(summary: Summary, *beginnings: str) -> str:
    """The next step that speaks of it, if there is one."""
    return next((step for step in summary.next_steps if step.startswith(beginnings)), "")


def _shared(summary: Summary, finding: Finding) -> str:
    """The next step of a reason that leaves several invariants unknown, this one among them."""
    why = f" are unknown: {silence(finding)}."
    return next((step for step in summary.next_steps if finding.verdict == "unknown" and step.endswith(why)), "")


def told(line: Line, *, most_examples: int = 3) -> Iterator[str]:
    """A line in full, as plain text that needs nothing beside it: what, why, examples, proofs, what to do."""
    yield one_line(line.said)
    if line.why:
        yield one_line(line.why)
    if line.verdict in ("fail", "unknown"):
        if line.means and line.verdict == "fail" and line.means != line.said:
            yield f"It means: {one_line(line.means)}."
        if line.counts:
            yield line.counts
        for number, example in enumerate(line.examples[:most_examples], 1):
            yield ""
            yield f"{number}. {one_line(example.what)}"
            for key, value in example.keys.items():
                yield f"   {one_line(key, 80)}: {one_line(value, 300)}"
            if found := proofs(example):
                yield f"   proved by {one_line(', '.join(found), 600)}"
        left = line.more + max(0, len(line.examples) - most_examples)
        if left:
            yield f"… and {left:,} more, in report.json and report.html"
        if line.advice:
            yield ""
            yield f"What to do: {one_line(line.advice)}"
