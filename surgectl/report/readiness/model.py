"""readiness.json: what several rehearsals come to (schema `surgectl.readiness/1`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from surgectl import gate
from surgectl.audit.finding import Verdict
from surgectl.report.summary import Summary, ThresholdLine

SCHEMA = "surgectl.readiness/1"

Decision = Literal["go", "no-go", "not shown"]
_NO_GO = (gate.LEDGER, gate.THRESHOLD, gate.ABORTED)


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """Something a rehearsal had to show: a threshold, or a coverage without which it shows nothing."""

    text: str
    verdict: Verdict
    observed: str


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """One rehearsal of the list, and how it ended."""

    number: int
    profile: str
    why: str = ""
    sets: dict[str, str] = {}
    played: bool = False
    """It has a recording and a report; else `headline` says why not."""
    exit_code: int = gate.INCONCLUSIVE
    verdict: Verdict = "unknown"
    headline: str = "not played yet"
    next_steps: list[str] = []
    report: str = ""
    """Its report.html, relative to this file."""
    run: str = ""
    seed: int | None = None
    duration_s: float | None = None
    command: str = ""
    fans: int | None = None
    confirmed: int | None = None
    held: int = 0
    """Ledger invariants that hold."""
    broken: list[str] = []
    """Those that are violated."""
    unshown: list[str] = []
    """Those that were configured and are unknown."""
    demands: list[Demand] = []


class ReadinessReport(msgspec.Struct, frozen=True, kw_only=True):
    """readiness.json, whole."""

    schema: str = SCHEMA
    name: str
    about: str = ""
    version: str
    started_at: str
    ended: bool = False
    """False while rehearsals are still to be played, and where something cut the list short."""
    decision: Decision = "not shown"
    exit_code: int = gate.INCONCLUSIVE
    headline: str = ""
    next_steps: list[str] = []
    rehearsals: list[Rehearsed] = []


def decision(rehearsed: Sequence[Rehearsed]) -> Decision:
    """go: every rehearsal ended with 0. no-go: one showed that something is wrong. Anything else was not shown."""
    codes = [one.exit_code for one in rehearsed]
    if any(code in _NO_GO for code in codes):
        return "no-go"
    return "go" if codes and all(one.played and one.exit_code == gate.PASS for one in rehearsed) else "not shown"


def told(
    name: str,
    about: str,
    rehearsed: Sequence[Rehearsed],
    *,
    version: str,
    started_at: str,
    ended: bool,
    signalled: int | None = None,
) -> ReadinessReport:
    """The whole list in one. `signalled`: the exit code of the signal that ended it, 130 or 143."""
    codes = [one.exit_code for one in rehearsed]
    made = decision(rehearsed)
    return ReadinessReport(
        name=name,
        about=about,
        version=version,
        started_at=started_at,
        ended=ended,
        decision=made,
        exit_code=gate.worst([*codes, *([signalled] if signalled is not None else [])]),
        headline=_headline(made, rehearsed),
        next_steps=_next_steps(made, rehearsed),
        rehearsals=list(rehearsed),
    )


def rehearsed_of(part: Rehearsed, summary: Summary, *, report: str) -> Rehearsed:
    """A rehearsal that was played, in the few numbers that a go/no-go meeting looks at."""
    ledger = [finding for finding in summary.invariants if finding.kind == "ledger" and finding.configured]
    funnel = summary.metrics.get("funnel")
    funnel = funnel if isinstance(funnel, dict) else {}
    required = [line for line in summary.coverage if line.required is not None]
    return msgspec.structs.replace(
        part,
        played=True,
        profile=summary.run.profile,
        exit_code=summary.exit_code,
        verdict=summary.verdict,
        headline=summary.headline,
        next_steps=summary.next_steps,
        report=report,
        run=summary.run.id,
        seed=summary.run.seed,
        duration_s=summary.run.duration_s,
        command=summary.run.command,
        fans=funnel.get("arrived"),
        confirmed=funnel.get("confirmed"),
        held=sum(finding.verdict == "pass" for finding in ledger),
        broken=[finding.id for finding in ledger if finding.verdict == "fail"],
        unshown=[finding.id for finding in ledger if finding.verdict == "unknown"],
        demands=[
            *(_demanded(line) for line in summary.thresholds),
            *(
                Demand(
                    text=f"{line.id.replace('_', ' ')} {line.required}",
                    verdict="pass" if line.met else "unknown",
                    observed=line.seen,
                )
                for line in required
            ),
        ],
    )


def _demanded(line: ThresholdLine) -> Demand:
    return Demand(text=line.expression, verdict=line.verdict, observed=line.observed)


def _headline(made: Decision, rehearsed: Sequence[Rehearsed]) -> str:
    count = len(rehearsed)
    if made == "go":
        return f"Go: all {count} rehearsals were played and shown to be well." if count > 1 else "Go: it was shown."
    wrong = [one for one in rehearsed if one.exit_code in _NO_GO]
    unshown = [one for one in rehearsed if one.exit_code not in (*_NO_GO, gate.PASS)]
    blind = f"{_named(unshown)} could not be shown" if unshown else ""
    if made == "no-go":
        named = "; ".join(f"{one.profile} (exit {one.exit_code}: {gate.MEANING[one.exit_code]})" for one in wrong)
        return f"No-go: {named}{f'; and {blind}' if blind else ''}."
    return f"Not shown: {blind or 'nothing was played'}. Unknown is not a go."


def _named(rehearsed: Sequence[Rehearsed]) -> str:
    return ", ".join(one.profile for one in rehearsed)


def _next_steps(made: Decision, rehearsed: Sequence[Rehearsed]) -> list[str]:
    """Whatever the worst ones' own reports say first, one line for each that is not well."""
    steps = []
    for one in sorted(rehearsed, key=lambda r: (gate.worst([r.exit_code]) != gate.LEDGER, r.number)):
        if one.exit_code == gate.PASS and one.played:
            continue
        first = one.next_steps[0] if one.next_steps else one.headline if not one.played else "open its report"
        steps.append(f"{one.profile}: {first}")
    if made == "go":
        return ["Keep this page with the change that it speaks for: it is true of this shop on this day."]
    return [*steps, "Then play the whole list again: a go is of all of them, on one day."]
