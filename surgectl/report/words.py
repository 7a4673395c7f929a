"""The verdict in one sentence, and what to do next: for people who were not there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from surgectl.audit.finding import Finding, worst
from surgectl.report.happened import Happened
from surgectl.report.summary import ChaosLine, CoverageLine, Summary, ThresholdLine
from surgectl.text import cut

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
    "IDEM_MISMATCH": "one idempotency key bought two different things",
    "UNDERSELL": "fans were told sold out while tickets were left",
    "WEBHOOK_DUP": "the provider's messages were taken twice, out of order or from a stranger",
    "AUTH_LEFT": "money was left blocked on a fan's card",
    "FAIR_ORDER": "fans were overtaken in the line",
    "QUEUE_POS": "a place in the line got worse, or was given twice",
    "TAB_ADV": "more tabs bought more luck",
    "CONFIRM_LAT": "fans waited too long for their confirmation",
    "AMP_FAN": "fans sent too many requests for what they wanted",
    "AMP_PAY": "the provider was asked far too often",
    "SHED": "fans were turned away badly",
    "GOODPUT": "too little got done while a fault was on",
    "RECOVERY": "the shop took too long to be itself again",
    "DRAIN": "the backlog of a fault did not go away",
    "METASTABLE": "the shop stayed stuck after the fault was over",
    "BULKHEAD": "the sale took other pages down with it",
    "COST": "a ticket costs too much in calls",
    "GENERATOR": "this machine could not keep up",
}


def meaning(finding: Finding) -> str:
    """What a violation of this invariant means, in plain words."""
    return _MEANING.get(finding.id, finding.summary)


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One number at a glance; the verdict colours it, empty = it judges nothing."""

    value: str
    label: str
    verdict: str = ""


def glance(summary: Summary) -> list[Card]:
    """The handful of numbers that stand right under the verdict."""
    cards: list[Card] = []
    funnel = summary.metrics.get("funnel")
    if isinstance(funnel, dict):
        for stage, label in (("arrived", "fans came"), ("confirmed", "were told they have a ticket")):
            if isinstance(funnel.get(stage), int):
                cards.append(Card(value=f"{funnel[stage]:,}", label=label))
    ledger = [f for f in summary.invariants if f.kind == "ledger" and f.configured]
    if ledger:
        held = sum(f.verdict == "pass" for f in ledger)
        bad = worst([f.verdict for f in ledger])
        cards.append(Card(value=f"{held} of {len(ledger)}", label="ledger invariants hold", verdict=bad))
    if summary.thresholds:
        met = sum(t.verdict == "pass" for t in summary.thresholds)
        bad = worst([t.verdict for t in summary.thresholds])
        cards.append(Card(value=f"{met} of {len(summary.thresholds)}", label="demands met", verdict=bad))
    played = [c for c in summary.chaos if not c.left_out]
    if played:
        bit = sum(c.applied and c.verified for c in played)
        gone = all(c.healed or not c.applied for c in played)
        label = "faults bit, all healed" if gone else "faults bit; NOT all healed"
        # Nobody asked beforehand for one by hand, so it may miss.
        missed = any(c.by == "plan" and not (c.applied and c.verified) for c in played)
        bad = "fail" if not gone else "unknown" if missed else "pass"
        cards.append(Card(value=f"{bit} of {len(played)}", label=label, verdict=bad))
    demanded = [c for c in summary.coverage if c.required is not None]
    if demanded:
        met = sum(c.met for c in demanded)
        bad = "pass" if met == len(demanded) else "unknown"
        cards.append(Card(value=f"{met} of {len(demanded)}", label="coverage met", verdict=bad))
    return cards


def headline(
    status: str,
    findings: list[Finding],
    thresholds: list[ThresholdLine],
    coverage: list[CoverageLine],
    exit_code: int,
    chaos: Sequence[ChaosLine] = (),
    because: Sequence[str] = (),
    why: str = "",
    happened: Happened | None = None,
) -> str:
    """One sentence that a manager understands and an engineer does not object to.

    `status` and `why` are the manifest's, `because` the audit's own reasons for saying nothing definite, if any.
    """
    guilty = [f for f in findings if f.kind == "ledger" and f.verdict == "fail" and f.configured]
    broken = [t for t in thresholds if t.verdict == "fail"]
    late = [f for f in findings if f.kind == "statistical" and f.verdict == "fail" and f.configured]
    if guilty:
        said = _listed([f"{_sentence(meaning(f))} ({f.id}: {f.violations:,})" for f in guilty])
        return f"The shop did not keep its books true: {said}."
    if exit_code == 70:
        return "surgectl itself failed, so this run says nothing about the shop."
    if exit_code == 14:
        said = _sentence(why.removeprefix("stopped ")) or "by one of its own abort conditions"
        return f"The rehearsal was stopped {said}; what was seen until then is below."
    if status == "aborted" or exit_code in (130, 143):
        return "The rehearsal was stopped before its end; what was seen until then is below."
    # A threshold that failed says nothing of books that nobody could read: only a pass is called true.
    ledger = [f for f in findings if f.kind == "ledger" and f.configured]
    true = bool(ledger) and all(f.verdict == "pass" for f in ledger)
    if broken or late:
        missed = [f"{t.expression} (was {t.observed})" for t in broken] + [
            f"{_sentence(meaning(f))} ({f.id}: {_sentence(f.reason or f.summary)})" for f in late
        ]
        books = "The books are true, but the" if true else "Not every book could be judged, and the"
        return f"{books} shop missed what was demanded of it: {_listed(missed)}."
    if exit_code != 0:
        reasons = [_sentence(reason) for reason in because] or inconclusive_because(
            findings, coverage, thresholds, chaos
        )
        if happened is not None and 2 * happened.lost >= sum(phase.came for phase in happened.phases) > 0:
            first = f"{happened.lost:,} fans ended at a reply that no rule of the target names"
            reasons = [f"{first} ({unnamed(happened, 1)})", *reasons]
        return f"No verdict: {_listed(reasons)}."
    if not ledger:
        return "Every demand was met; no ledger invariant was checked."
    passed = sum(f.verdict == "pass" for f in ledger)
    held = "ledger invariant holds" if passed == 1 else "ledger invariants hold"
    # One that was not required may end unknown without weighing: it is said all the same.
    open_ones = f", {len(ledger) - passed} could not be judged" if passed < len(ledger) else ""
    return f"The shop told the truth: {passed} {held}{open_ones}, and every demand was met."


def inconclusive_because(
    findings: list[Finding],
    coverage: list[CoverageLine],
    thresholds: Sequence[ThresholdLine] = (),
    chaos: Sequence[ChaosLine] = (),
) -> list[str]:
    """Why nothing definite can be said: ourselves first, then the faults, the coverage, the evidence, the silence."""
    reasons = [_because(f.summary, f.reason) for f in findings if f.kind == "harness" and f.verdict != "pass"]
    reasons += [f"{_fault(c)} was never seen to bite" for c in chaos if not c.verified and _asked_for(c)]
    reasons += [f"{c.id} was to be {c.required} and was {c.seen}" for c in coverage if not c.met and c.required]
    unknown = [f for f in findings if f.verdict == "unknown" and f.configured and f.kind != "harness"]
    reasons += _silent(unknown)
    silent = [t for t in thresholds if t.verdict == "unknown"]
    reasons += [f"{t.expression} is unknown: {_sentence(t.reason or t.observed)}" for t in silent]
    return reasons or ["the recording does not tell enough"]


def next_steps(
    findings: list[Finding],
    thresholds: list[ThresholdLine],
    coverage: list[CoverageLine],
    chaos: list[ChaosLine],
    code: int,
    happened: Happened | None = None,
) -> list[str]:
    """What to do with this report: the danger first, then the guilt, then the doubts."""
    steps: list[str] = []
    for line in chaos:
        if line.applied and not line.healed:
            steps.append(f"{_fault(line)} was NOT healed: run surgectl chaos heal now.")
    for finding in findings:
        if finding.kind == "ledger" and finding.verdict == "fail" and finding.configured:
            story = (
                f"begin with this one: {_sentence(finding.examples[0].what)}" if finding.examples else "see its count"
            )
            steps.append(f"{finding.id}: {meaning(finding)}; {story}.")
    for threshold in thresholds:
        if threshold.verdict == "fail":
            first = f" (first after {threshold.broken[0][0]:,.1f} s)" if threshold.broken else ""
            said = f"{threshold.expression} was {threshold.observed}"
            steps.append(f"{said}: see when it broke, in the charts below{first}.")
    for finding in findings:
        if finding.kind == "statistical" and finding.verdict == "fail" and finding.configured:
            limit = f"another limit: `expect: statistics: {{{finding.id}: …}}`"
            steps.append(f"{finding.id}: {_sentence(finding.reason or finding.summary)}; mend it, or set {limit}.")
    for line in chaos:
        if not _asked_for(line):
            continue
        if not line.applied:
            steps.append(f"{_fault(line)} was never applied: {_sentence(line.detail) or 'is the proxy reachable?'}.")
        elif not line.verified:
            through = "does the shop's traffic go through the link?" if line.link else "what does its check say?"
            steps.append(f"{_fault(line)} was never seen to bite: {through}")
    for item in coverage:
        if not item.met and item.required is not None:
            steps.append(f"Coverage {item.id} was {item.seen}, wanted {item.required}: a longer fault or more fans.")
    if happened is not None and happened.unnamed:
        steps.append(f"The target has no rule for {unnamed(happened)}: say in `outcomes` what it means.")
        if any(one.status == 429 for one in happened.unnamed):
            steps.append("429: to the shop all fans of one machine may be one client (docs/links.md, by address).")
    unknown = [finding for finding in findings if finding.verdict == "unknown" and finding.configured]
    for finding in unknown:
        if advice := finding.numbers.get("advice"):  # the headline says what was wrong
            steps.append(f"{_sentence(meaning(finding)).capitalize()}: try {_sentence(str(advice))}.")
    steps += [f"{said}." for said in _silent([finding for finding in unknown if not finding.numbers.get("advice")])]
    for threshold in thresholds:
        if threshold.verdict == "unknown":
            steps.append(f"{threshold.expression} is unknown: {_sentence(threshold.reason or threshold.observed)}.")
    if paused := sum(f.numbers.get("paused") or 0 for f in findings if f.kind == "harness"):
        steps.append(
            f"{paused:,} fans never came, because somebody paused the arrivals: the crowd was smaller than planned."
        )
    if code == 0:
        steps.append("Nothing to mend. Try a harsher profile, or keep this one as a gate in CI.")
    return steps if len(steps) <= 8 else [*steps[:7], f"And {len(steps) - 7} more, below."]


def silence(finding: Finding) -> str:
    """Why nobody can say it."""
    return _sentence(finding.reason or finding.summary)


def _silent(unknown: Sequence[Finding]) -> list[str]:
    """Why nobody can say it, each reason once: one book that cannot be believed takes a dozen invariants with it."""
    named: dict[str, list[str]] = {}
    for finding in unknown:
        named.setdefault(silence(finding), []).append(finding.id)
    said = []
    for reason, ids in named.items():
        more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
        said.append(f"{', '.join(ids[:3])}{more} {'is' if len(ids) == 1 else 'are'} unknown: {reason}")
    return said


def unnamed(happened: Happened, most: int = 3) -> str:
    """The most frequent replies that no rule names, with the beginning of what they say."""
    found = happened.unnamed
    said = [
        f"{one.status} at {one.step} ({one.replies:,}×" + (f": {one.said})" if one.said else ")")
        for one in found[:most]
    ]
    return ", ".join([*said, *([f"and {len(found) - most} more"] if len(found) > most else [])])


def _asked_for(fault: ChaosLine) -> bool:
    """Whether the rehearsal was to show it: not one that was left out, nor one that somebody switched on by hand."""
    return not fault.left_out and fault.by == "plan"


def _listed(reasons: Sequence[str]) -> str:
    """The first three, and how many more."""
    more = [f"and {len(reasons) - 3} more"] if len(reasons) > 3 else []
    return "; ".join([*reasons[:3], *more])


def _because(summary: str, reason: str) -> str:
    return f"{_sentence(summary)} ({_sentence(reason)})" if reason else _sentence(summary)


def _fault(line: ChaosLine) -> str:
    return f"{line.brownout} on {line.link or 'a command'}"


def _sentence(text: str) -> str:
    """Words to put into a sentence of our own: one line of bearable length, without its full stop."""
    return cut(" ".join(text.split()).rstrip("."), 200)


def fair(findings: list[Finding]) -> list[Finding]:
    """The judges of the line: who came first, what positions were shown, whether tabs helped."""
    return [finding for finding in findings if finding.group == "fairness"]


def bearing(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """How the shop bore up, as (what, seen); nothing where an older report does not tell."""
    found = metrics.get("bearing")
    if not isinstance(found, dict):
        return []
    rows = []
    refusals, p99_ms = found.get("refusals"), found.get("refusals_p99_ms")
    if refusals and isinstance(p99_ms, int | float):
        rows.append(("refusals of a busy shop", f"{refusals:,}, p99 after {p99_ms:,.0f} ms"))
    calm = found.get("amplification_calm")
    if isinstance(calm, int | float):
        rows.append(("requests at the provider for each payment, no fault on", f"{calm:.2f}"))
    for fault in found.get("faults") or []:
        name = f"{fault.get('brownout')} on {fault.get('link') or 'a command'}"
        if isinstance(fault.get("amplification"), int | float):
            rows.append((f"the same during {name}", f"{fault['amplification']:.2f}"))
        for key, what in (("recovery_s", "itself again after"), ("drain_s", "its backlog gone after")):
            taken = fault.get(key)
            rows.append((f"{what} {name}", "not seen" if taken is None else f"{taken:,.1f} s"))
    return rows
