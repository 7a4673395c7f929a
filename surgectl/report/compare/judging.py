"""The whole comparison: rows, books, and one word for all of it."""

from __future__ import annotations

import hashlib

from surgectl import gate
from surgectl.audit.finding import Finding
from surgectl.report.compare import words
from surgectl.report.compare.differences import differences
from surgectl.report.compare.measured import measured
from surgectl.report.compare.model import Comparison, Differs, Fact, Once, Row, Said, Which
from surgectl.report.compare.rows import BAND, REPLICATES, judged, lateness_ms
from surgectl.report.compare.side import Side
from surgectl.report.marks import window_of
from surgectl.report.summary import Summary

_LEAST_STRETCH_S = 5


def compare(
    baseline: Side,
    candidate: Side,
    *,
    band: float = BAND,
    strict: bool = False,
    forced: bool = False,
    replicates: int = REPLICATES,
) -> Comparison:
    """Hold two runs beside each other; the same two always give the same comparison.

    Whether they may be compared at all is the caller's to ask first (`differences`). `strict`: nobody can tell → 12.
    """
    differs = differences(baseline, candidate)
    sides = (baseline, candidate)
    seconds = max(side.seconds.length for side in sides)
    rows = judged(
        measured(baseline.seconds, candidate.seconds, load_s=_load_s(baseline.summary, seconds)),
        strata=stretches(baseline.summary, seconds),
        seed=_seed(sides),
        band=band,
        replicates=replicates,
        lateness_ms=lateness_ms(baseline.seconds, candidate.seconds),
        untold=_untold(sides),
    )
    facts = _facts(baseline.summary.invariants, candidate.summary.invariants)
    said = _overall(rows, facts)
    return Comparison(
        said=said,
        exit_code=exit_code(said, facts, strict=strict),
        headline=words.headline(said, rows, facts, _untold(sides)),
        next_steps=words.next_steps(said, rows, facts, _untold(sides)),
        baseline=_which(baseline),
        candidate=_which(candidate),
        forced=forced,
        band=band,
        seconds=seconds,
        replicates=replicates,
        rows=rows,
        facts=facts,
        once=_once(baseline.summary, candidate.summary, {row.id for row in rows}),
        differs=differs,
        notes=_notes(sides, differs, rows),
    )


def exit_code(said: Said, facts: list[Fact], *, strict: bool = False) -> int:
    """11 where the books broke, 10 where anything else is worse, 12 where nobody can tell and `strict` asks; else 0."""
    if any(fact.said == "worse" for fact in facts):
        return gate.LEDGER
    if said == "worse":
        return gate.THRESHOLD
    return gate.INCONCLUSIVE if strict and said == "can't tell" else gate.PASS


def stretches(summary: Summary, seconds: int) -> list[int]:
    """Each second's stretch: phases, fault windows and the time after the load; short ones join their neighbour."""
    edges: set[int] = set()
    for phase in summary.run.phases:
        edges |= {int(phase["from_s"]), int(phase["to_s"])}
    for fault in summary.chaos:
        if fault.applied:
            edges |= {int(at) for at in window_of(fault)}
    cuts = [0]
    for at in sorted(edges):
        if at - cuts[-1] >= _LEAST_STRETCH_S and seconds - at >= _LEAST_STRETCH_S:
            cuts.append(at)
    ends = [*cuts[1:], seconds]
    return [n for n, (begin, end) in enumerate(zip(cuts, ends, strict=True)) for _ in range(begin, end)]


def _load_s(summary: Summary, seconds: int) -> int:
    ends = [float(phase["to_s"]) for phase in summary.run.phases]
    return min(seconds, max(1, round(max(ends)))) if ends else seconds


def _seed(sides: tuple[Side, Side]) -> int:
    """Chance comes from the two runs themselves: whoever compares them again gets the same bytes."""
    names = "\n".join(side.summary.run.id for side in sides)
    return int.from_bytes(hashlib.blake2b(names.encode(), digest_size=8).digest(), "big")


def _untold(sides: tuple[Side, Side]) -> str:
    said = [(name, side.untimed) for name, side in zip(("the baseline", "the new run"), sides, strict=True)]
    return "; ".join(f"{name}: {why}" for name, why in said if why)


def _facts(baseline: list[Finding], candidate: list[Finding]) -> list[Fact]:
    before = {finding.id: finding for finding in baseline if finding.kind == "ledger"}
    found = []
    for now in candidate:
        then = before.pop(now.id, None)
        if now.kind != "ledger" or (not now.configured and (then is None or not then.configured)):
            continue
        found.append(_fact(now.id, then, now))
    return found + [_fact(then.id, then, None) for then in before.values() if then.configured]


def _fact(name: str, then: Finding | None, now: Finding | None) -> Fact:
    verdicts = [finding.verdict if finding and finding.configured else "not checked" for finding in (then, now)]
    counts = (then.violations if then else 0, now.violations if now else 0)
    said: Said
    why = ""
    if verdicts[1] == "fail":
        said = "same" if verdicts[0] == "fail" else "worse"
        why = f"violated in both ({counts[0]:,} and {counts[1]:,})" if said == "same" else ""
    elif verdicts[1] == "pass":
        said = "better" if verdicts[0] == "fail" else "same" if verdicts[0] == "pass" else "can't tell"
    else:
        said = "same" if verdicts[0] == verdicts[1] == "not checked" else "can't tell"
    if said == "can't tell":
        why = "unknown is not a pass"
    return Fact(id=name, baseline=verdicts[0], candidate=verdicts[1], violations=counts, said=said, why=why)


def _overall(rows: list[Row], facts: list[Fact]) -> Said:
    told = [*(row.said for row in rows if row.weighs), *(fact.said for fact in facts)]
    if "worse" in told:
        return "worse"
    main = [row.said for row in rows if row.main] + [fact.said for fact in facts]
    # What is lost counts more than what is won: any row can accuse, only what matters to a buyer can praise.
    if "better" in main:
        return "better"
    return "same" if main and "can't tell" not in main else "can't tell"


def _which(side: Side) -> Which:
    run = side.summary.run
    return Which(
        run=run.id,
        profile=run.profile,
        target=run.target,
        seed=run.seed,
        version=run.version,
        started_at=run.started_at,
        verdict=side.summary.verdict,
        exit_code=side.summary.exit_code,
        place=side.place,
        headline=side.summary.headline,
        timed=side.untimed,
        rich=bool(side.seconds.durations),
    )


def _once(baseline: Summary, candidate: Summary, ids: set[str]) -> list[Once]:
    first, second = words.once(baseline), words.once(candidate)
    names = [name for name in dict.fromkeys([*first, *second]) if f"unavailable {name.split(' ')[0]}" not in ids]
    return [Once(name=name, baseline=first.get(name, "–"), candidate=second.get(name, "–")) for name in names]


def _notes(sides: tuple[Side, Side], differs: list[Differs], rows: list[Row]) -> list[str]:
    found = []
    if any(one.path == "seed" for one in differs):
        found.append("The seeds differ: other fans came, so the same second of both runs is no pair of the same fans.")
    for name, side in zip(("baseline", "new run"), sides, strict=True):
        if not side.seconds.durations and side.seconds.length:
            found.append(
                f"The {name} is a report without its recording: of its steps only the payment is known by the second."
            )
        if not side.rehearsal:
            found.append(f"The {name}'s report holds no profile: only its phases and faults could be compared.")
    before = {line.expression: line.verdict for line in sides[0].summary.thresholds}
    for line in sides[1].summary.thresholds:
        then = before.get(line.expression)
        if then is not None and then != line.verdict:
            found.append(f"The demand {line.expression} was {then} and is {line.verdict}: {line.observed}.")
    if any(row.said in ("worse", "better") for row in rows):
        found.append(
            "It is one run against one: the interval knows how far a run's seconds waver, not what another hour or "
            "another machine would have done. Play it once more before you believe a small difference."
        )
    return found
