"""The audit: every checker over one recording, and what they say together.

Pure: it is handed relations and expectations, opens no file and no socket, reads no clock; the same recording gives the
same bytes. A checker that crashes is `unknown` with the reason, never a pass and never the end of the audit.
"""

from __future__ import annotations

from typing import Any

import msgspec

from surgectl.audit.books import lay, readings
from surgectl.audit.chaos import ChaosResult, chaos
from surgectl.audit.checkers.registry import CHECKERS, Checker
from surgectl.audit.coverage import Coverage, coverage
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding, Verdict, worst
from surgectl.audit.measures import RunMeasures
from surgectl.audit.metrics import metrics
from surgectl.profile.statistics import STATISTICAL
from surgectl.profile.words import INVARIANTS, invariants_of
from surgectl.recording.relations import Relations
from surgectl.thresholds.evaluate import evaluate
from surgectl.thresholds.grammar import parse
from surgectl.thresholds.weighing import Result, believed

NOT_KEPT_UP = "this machine could not keep up: see GENERATOR"


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be said of a run. `gate.exit_code` and the reports read nothing else."""

    verdict: Verdict
    ledger: Verdict
    """The worst of the ledger invariants that weigh anything."""
    demands: Verdict
    """The worst of the thresholds; a run that demands nothing passes."""
    conclusive: bool
    inconclusive_because: list[str]
    findings: list[Finding]
    coverage: list[Coverage]
    links: dict[str, float | None]
    """Share of the orders and charges that found their intent; None where there are none."""
    thresholds: list[Result]
    chaos: list[ChaosResult]
    metrics: dict[str, Any]
    generator: dict[str, Any]
    sources: list[dict[str, Any]]
    pending: int = 0
    """Conditions that are still open: settling must go on until this is 0, or the window has passed."""
    spoilt: str = ""
    """Why what was measured is not to be believed; empty where it is."""
    spoils_all: bool = False
    """Every number, not only those that depend on time."""


def audit(relations: Relations, expectations: Expectations, further: dict[str, Checker] | None = None) -> Audit:
    """Judge a run. `further` are checkers of other packages (entry points `surgectl.checkers`), by id."""
    return audited(relations, expectations, further)[0]


def audited(
    relations: Relations, expectations: Expectations, further: dict[str, Checker] | None = None
) -> tuple[Audit, RunMeasures]:
    """The same, and where its thresholds found their numbers: good as long as the relations are open."""
    checkers = CHECKERS | (further or {})
    faults = chaos(relations, expectations)
    if hurt := [fault for fault in faults if fault.lingers]:
        # The shop's promises hold once its provider can be reached: until then its window has not begun.
        said = f"{hurt[0].brownout} on {hurt[0].link or 'a command'} was still on when the books were read"
        expectations = msgspec.structs.replace(expectations, settled=False, unsettled_because=said)
    findings = [_checked(name, check, relations, expectations) for name, check in checkers.items()]
    findings += [_unchecked(name, expectations) for name in _required(expectations) if name not in checkers]
    healthy = all(finding.verdict == "pass" for finding in findings if finding.kind == "harness")
    findings = [_believed(finding, healthy, expectations) for finding in findings]
    apart = {t.of: None for t in map(parse, expectations.thresholds) if t.of and t.span is not None}
    measures = RunMeasures(relations, expectations, apart=tuple(apart))
    spoilt = expectations.stage_broke or ("a worker was lost: see GENERATOR" if expectations.lost_workers else "")
    results = [_judged(text, measures, healthy, spoilt) for text in expectations.thresholds]
    covered = coverage(relations, expectations)
    weighing = [finding for finding in findings if finding.kind == "ledger" and finding.configured]
    because = _inconclusive(findings, results, covered, faults, expectations)
    ledger: Verdict = worst([finding.verdict for finding in weighing])
    demands: Verdict = worst([result.verdict for result in results]) if results else "pass"
    broken = not expectations.stage_broke and any(_broken(finding) for finding in findings)
    failed = ledger == "fail" or demands == "fail" or broken
    judged = Audit(
        verdict="fail" if failed else "unknown" if because else "pass",
        ledger=ledger,
        demands="fail" if broken else demands,
        conclusive=not because,
        inconclusive_because=because,
        findings=findings,
        coverage=covered,
        links=links(relations),
        thresholds=results,
        chaos=faults,
        metrics=metrics(measures),
        generator=next((dict(f.numbers) for f in findings if f.id == "GENERATOR"), {}),
        sources=[msgspec.to_builtins(reading) for reading in readings(relations).values()],
        pending=sum(finding.pending for finding in findings),
        spoilt=spoilt or ("" if healthy else NOT_KEPT_UP),
        spoils_all=bool(spoilt),
    )
    return judged, measures


def links(relations: Relations) -> dict[str, float | None]:
    """Share of the orders and charges that found their intent."""
    found = relations.rows("SELECT kind, linked, rows FROM link_coverage")
    return {kind: round(linked / rows, 6) if rows else None for kind, linked, rows in sorted(found)}


def _checked(name: str, check: Checker, relations: Relations, expectations: Expectations) -> Finding:
    try:
        lay(relations)
        found = check(relations, expectations)
    except Exception as error:  # noqa: BLE001 - said aloud as `unknown`, with its reason: one bug must not hide the rest
        return Finding(
            id=name,
            kind="harness" if name == "GENERATOR" else "statistical" if name in STATISTICAL else "ledger",
            group=INVARIANTS.get(name, "generator"),
            verdict="unknown",
            severity="major",
            summary="the checker itself failed",
            reason=f"{type(error).__name__}: {' '.join(str(error).split())}"[:500],
        )
    if found.verdict == "pass" and expectations.status == "running" and found.kind == "ledger":
        # A run that was cut off knows nothing of what came after its last flush.
        reason = "the run was killed: what came after its last written line is not known"
        return msgspec.structs.replace(found, verdict="unknown", reason=reason)
    return found


def _believed(finding: Finding, healthy: bool, expectations: Expectations) -> Finding:
    """What a machine that could not keep up, or a stage that broke, measured says nothing of the shop (rule R12).

    A number that nobody can tell weighs only where the profile speaks of it: a default limit is no demand of the user.
    """
    if finding.kind != "statistical":
        return finding
    asked = expectations.asked(finding.id) or (finding.configured and expectations.required(finding.id))
    if finding.verdict != "unknown" and (expectations.stage_broke or not healthy):
        why = expectations.stage_broke or "this machine could not keep up: see GENERATOR"
        said = f"{why}; {finding.reason}" if finding.reason else why
        finding = msgspec.structs.replace(finding, verdict="unknown", violations=0, reason=said)
    return finding if finding.verdict != "unknown" else msgspec.structs.replace(finding, configured=asked)


def _required(expectations: Expectations) -> list[str]:
    """Invariants asked for by their own id; a group asks only for what can be checked."""
    named = [word for word in expectations.require if invariants_of(word) in ((word,), ())]
    return list(dict.fromkeys(named))


def _unchecked(name: str, expectations: Expectations) -> Finding:
    return Finding(
        id=name,
        kind="ledger",
        group=INVARIANTS.get(name, ""),
        verdict="unknown",
        severity="major",
        summary="nobody checks this",
        reason="no checker of this name is installed: leave it out of `expect: invariants: require`",
    )


def _judged(text: str, measures: RunMeasures, healthy: bool, spoilt: str = "") -> Result:
    threshold = parse(text)
    return believed(threshold, evaluate(threshold, measures), spoilt or ("" if healthy else NOT_KEPT_UP), bool(spoilt))


def _broken(finding: Finding) -> bool:
    return finding.kind == "statistical" and finding.configured and finding.verdict == "fail"


def _inconclusive(
    findings: list[Finding],
    results: list[Result],
    covered: list[Coverage],
    faults: list[ChaosResult],
    expectations: Expectations,
) -> list[str]:
    """Everything for which nobody can say that the run was as it should have been."""
    because = []
    if expectations.stage_broke:
        because.append(expectations.stage_broke)
    if expectations.status == "running":
        because.append("the run was cut off before its end")
    for finding in findings:
        if finding.verdict != "unknown" or not finding.configured:
            continue
        if finding.kind == "statistical":  # still configured: the profile speaks of it
            because.append(f"{finding.id} is unknown: {finding.reason or finding.summary}")
            continue
        # A profile that names nothing means everything that the target's books can show: never a quiet pass.
        if finding.kind == "harness" or expectations.required(finding.id) or not expectations.require:
            because.append(f"{finding.id} is unknown: {finding.reason or finding.summary}")
    because += [f"{result.expression} is {result.text}" for result in results if result.verdict == "unknown"]
    because += [f"coverage {item.id} was {item.text}, {item.required} is required" for item in covered if not item.met]
    for fault in faults:
        name = f"{fault.brownout} on {fault.link or 'a command'}"
        if fault.by == "hand":
            # Nobody asked for it beforehand, so nothing rests on its having bitten; but what we broke we mend.
            if not fault.healed:
                because.append(f"{name}, switched on by hand, was not healed: run surgectl chaos heal")
        elif not fault.applied:
            because.append(f"{name} was never applied" + (f": {fault.detail}" if fault.detail else ""))
        elif not fault.verified:
            because.append(f"{name} was applied, but no traffic was seen to suffer from it")
        elif not fault.healed:
            because.append(f"{name} was not healed: run surgectl chaos heal")
    return because
