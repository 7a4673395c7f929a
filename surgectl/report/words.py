"""The verdict in one sentence, and what to do next: for people who were not there."""

from __future__ import annotations

from surgectl.audit.finding import Finding
from surgectl.report.summary import ChaosLine, CoverageLine, ThresholdLine

_MEANING = {
    "OVERSELL": "more tickets were sold than exist",
    "SEAT2": "a seat was sold twice",
    "DUPCHARGE": "somebody was charged twice",
    "CHARGED_NO_TICKET": "money was taken and no ticket given",
    "TICKET_NO_CHARGE": "tickets were given away unpaid",
    "LOST_TICKET": "a confirmed ticket vanished",
    "GHOST": "a fan who was refused was charged or ticketed all the same",
    "AMOUNT": "a wrong amount was charged",
    "CONSERVE": "the shop's stock does not add up",
    "LEAK": "expired holds never came back to stock",
    "DUPORDER": "one want became several paid orders",
    "LIMIT": "somebody bought more than the limit",
    "REFUND": "a refund does not fit its charge or ticket",
    "LIMBO": "orders never came to an end",
    "PHANTOM": "orders or charges that no fan explains",
    "REGRESS": "a confirmed order's status went backwards",
    "IDEM_REPLAY": "one idempotency key gave two results",
    "GENERATOR": "this machine could not keep up",
}


def meaning(finding: Finding) -> str:
    """What a violation of this invariant means, in plain words."""
    return _MEANING.get(finding.id, finding.summary)


def headline(
    status: str, findings: list[Finding], thresholds: list[ThresholdLine], coverage: list[CoverageLine], exit_code: int
) -> str:
    """One sentence that a manager understands and an engineer does not object to."""
    guilty = [f for f in findings if f.kind == "ledger" and f.verdict == "fail"]
    broken = [t for t in thresholds if t.verdict == "fail"]
    if guilty:
        said = "; ".join(f"{meaning(f)} ({f.id}: {f.violations:,})" for f in guilty[:3])
        more = f"; and {len(guilty) - 3} more" if len(guilty) > 3 else ""
        return f"The shop did not keep its books true: {said}{more}."
    if exit_code == 70:
        return "surgectl itself failed, so this run says nothing about the shop."
    if status == "aborted":
        return "The rehearsal was stopped before its end; what was seen until then is below."
    if broken:
        missed = "; ".join(f"{t.expression} (was {t.observed})" for t in broken[:3])
        return f"The books are true, but the shop missed what was demanded of it: {missed}."
    if exit_code == 12:
        return f"No verdict: {inconclusive_because(findings, coverage)}."
    passed = sum(f.verdict == "pass" and f.kind == "ledger" for f in findings)
    return f"The shop told the truth: {passed} ledger invariants hold, and every demand was met."


def inconclusive_because(findings: list[Finding], coverage: list[CoverageLine]) -> str:
    """Why nothing definite can be said."""
    late = [f for f in findings if f.kind == "harness" and f.verdict != "pass"]
    if late:
        return f"{late[0].summary.rstrip('.')} ({late[0].reason})" if late[0].reason else late[0].summary.rstrip(".")
    unmet = [c for c in coverage if not c.met]
    if unmet:
        return "; ".join(f"{c.id} was to be {c.required} and was {c.seen}" for c in unmet[:3])
    unknown = [f for f in findings if f.verdict == "unknown" and f.configured]
    if unknown:
        return "; ".join(f"{f.id} is unknown: {f.reason or f.summary}".rstrip(".") for f in unknown[:3])
    return "a required fault was not verified, or required evidence is missing"


def next_steps(
    findings: list[Finding],
    thresholds: list[ThresholdLine],
    coverage: list[CoverageLine],
    chaos: list[ChaosLine],
    code: int,
) -> list[str]:
    """What to do with this report."""
    steps: list[str] = []
    for finding in findings:
        if finding.kind == "ledger" and finding.verdict == "fail":
            story = f"start with {finding.examples[0].what}" if finding.examples else "see its count"
            steps.append(f"{finding.id}: {meaning(finding)}; {story}.")
    for threshold in thresholds:
        if threshold.verdict == "fail":
            steps.append(f"Look at when {threshold.expression} broke, in the charts below.")
    for line in chaos:
        if not line.healed:
            steps.append(f"{line.brownout} on {line.link} was NOT healed: run surgectl chaos heal.")
        elif not line.verified:
            steps.append(
                f"{line.brownout} on {line.link} was never seen to bite: does the traffic go through the link?"
            )
    for item in coverage:
        if not item.met:
            steps.append(f"Coverage {item.id} was {item.seen}, wanted {item.required}: a longer fault or more fans.")
    for finding in findings:
        if finding.verdict == "unknown" and finding.configured and finding.reason:
            steps.append(f"{finding.id} is unknown: {finding.reason}.".replace("..", "."))
    if code == 0:
        steps.append("Nothing to mend. Try a harsher profile, or keep this one as a gate in CI.")
    return steps[:12]
