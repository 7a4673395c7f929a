"""What a statistical checker has measured, and the one place that turns it into a verdict.

A statistical invariant is a number against a limit (profile/statistics.py): beyond it the run fails with exit code 10,
never 11. What cannot be told is unknown with its reason; it weighs only where the profile speaks of the invariant.
"""

from __future__ import annotations

from typing import Any

import msgspec

from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Example, Finding, Severity
from surgectl.profile.words import INVARIANTS

Judged = tuple[str, str]
"""What one limit came to: a breach, a doubt; empty where there is none."""


class Statistic(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one statistical checker measured."""

    id: str
    severity: Severity
    considered: int
    """How many samples it rests on."""
    said: str
    """The sentence for the reader: the number, and what it means. Stands with every verdict but a doubt about all."""
    breaches: tuple[str, ...] = ()
    """Each limit that is passed for certain, in words."""
    doubts: tuple[str, ...] = ()
    """Why a limit that was not passed for certain may have been all the same."""
    inapplicable: str = ""
    """Why it does not apply here at all, and what would make it."""
    unjudged: str = ""
    """Why the number is told and judged by nobody: no limit was set."""
    numbers: dict[str, Any] = {}
    examples: list[Example] = []


def conclude(measured: Statistic, expectations: Expectations) -> Finding:
    """The finding: a breach fails, then what does not apply or is not judged, then doubt, and only then a pass."""
    asked = expectations.asked(measured.id)
    finding = Finding(
        id=measured.id,
        kind="statistical",
        group=INVARIANTS[measured.id],
        verdict="unknown",
        severity=measured.severity,
        summary=measured.said,
        considered=measured.considered,
        numbers=measured.numbers,
    )
    if measured.inapplicable:
        return msgspec.structs.replace(
            finding, summary="does not apply here", reason=measured.inapplicable, configured=asked
        )
    if measured.breaches:
        return msgspec.structs.replace(
            finding,
            verdict="fail",
            violations=len(measured.breaches),
            reason="; ".join(measured.breaches),
            examples=measured.examples[: expectations.examples_at_most],
        )
    if measured.unjudged:
        return msgspec.structs.replace(finding, reason=measured.unjudged, configured=False)
    if measured.doubts:
        return msgspec.structs.replace(finding, reason="; ".join(measured.doubts), indeterminate=len(measured.doubts))
    if not measured.considered:
        reason = "nothing in this run could be measured"
        return msgspec.structs.replace(finding, summary="nothing to look at", reason=reason, configured=asked)
    return msgspec.structs.replace(finding, verdict="pass")


def does_not_apply(id_: str, severity: Severity, why: str, expectations: Expectations) -> Finding:
    """The finding where there is nothing to measure; `why` says what would make it apply."""
    return conclude(Statistic(id=id_, severity=severity, considered=0, said="", inapplicable=why), expectations)


def turned_off(id_: str) -> Finding:
    """The finding of an invariant that the profile does not want."""
    return Finding(
        id=id_,
        kind="statistical",
        group=INVARIANTS[id_],
        verdict="unknown",
        severity="info",
        summary="turned off",
        reason=f"the profile says `statistics: {{{id_}: off}}`",
        configured=False,
    )
