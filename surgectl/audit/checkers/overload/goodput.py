"""How much got done while the fault was on, of what was wanted.

Definition: intents resolved a second while a fault was on (confirmed, declined, sold out or over the limit, told within
ten seconds of the last try) as a share of what could be expected: of what was wanted a second then, or of what got done
a second in the calm before the first fault, whichever is less. That a "sold out" is true is UNDERSELL's to say.
Inputs: the fans' recording; the faults' windows.
Settling: none.
Severity: major. Told, and judged only where `in_fault` is set; it fails where the upper end of the 95 % interval
(Garwood) is below the demand.
"""

from __future__ import annotations

from surgectl.audit.course import lay_wants
from surgectl.audit.expectations import Expectations
from surgectl.audit.fates import INTENTS
from surgectl.audit.finding import Finding
from surgectl.audit.statistic import Statistic, conclude, does_not_apply, turned_off
from surgectl.audit.windows import FaultWindow, faults_on, inside, windows_of
from surgectl.profile.statistics import Goodput
from surgectl.recording.relations import Relations
from surgectl.stats.counts import poisson_interval
from surgectl.units import NS_PER_S

_LEAST_WANTED = 10


def check(relations: Relations, expectations: Expectations) -> Finding:
    limits = expectations.limits("GOODPUT", Goodput())
    if limits is None:
        return turned_off("GOODPUT")
    lay_wants(relations)
    faults = faults_on(relations, expectations)
    demand = limits.in_fault
    if not faults:
        why = "no fault was applied: add `chaos:` to see what gets done in one"
        return does_not_apply("GOODPUT", "major", why, expectations)
    (first_ns,) = relations.one("SELECT coalesce(min(first_ns), 0) FROM wants")
    begin_ns = min(fault.from_ns for fault in faults)
    calm_s = max(0, begin_ns - first_ns) / NS_PER_S
    (wanted, done), (wanted_before, done_before) = _within(
        relations, inside("at_ns", windows_of(faults)), f"at_ns < {begin_ns}"
    )
    lasted_s = _lasted_s(faults)
    doubts = []
    if wanted_before < _LEAST_WANTED or not calm_s or not done_before:
        doubts.append("too little got done before the first fault to compare with: let the load begin earlier")
    if wanted < _LEAST_WANTED:
        doubts.append(f"only {wanted} wanted anything while a fault was on: let the fault fall into the rush")
    expected = min(wanted, done_before / calm_s * lasted_s) if calm_s and done_before else float(wanted)
    share = done / expected if expected else None
    breaches = []
    said = f"{done:,} of {wanted:,} intents were resolved in {lasted_s:.1f} s of faults"
    if share is not None:
        said += f", {share:.0%} of what could be expected"
    if demand is not None and share is not None and not doubts and share < demand:
        what = f"{share:.0%} got done while a fault was on, {float(demand):.0%} is demanded"
        if poisson_interval(done).high / expected < demand:
            breaches.append(what)
        else:
            doubts.append(f"{what}; chance may explain it")
    measured = Statistic(
        id="GOODPUT",
        severity="major",
        considered=wanted,
        said=said,
        breaches=tuple(breaches),
        doubts=tuple(doubts),
        unjudged="" if demand is not None else "no limit was set: `statistics: {GOODPUT: {in_fault: 50%}}` sets one",
        numbers={
            "resolved": done,
            "wanted": wanted,
            "expected": round(expected, 3),
            "share": None if share is None else round(share, 4),
            "resolved_per_s": round(done / lasted_s, 3) if lasted_s else None,
            "calm_per_s": round(done_before / calm_s, 3) if calm_s else None,
        },
    )
    return conclude(measured, expectations)


def _within(relations: Relations, *windows: str) -> list[tuple[int, int]]:
    """For each window (SQL on `at_ns`): intents that began to want in it, and those that were resolved in it."""
    counts = ", ".join(
        f"count(*) FILTER (begins AND {window}), count(*) FILTER (NOT begins AND {window})" for window in windows
    )
    found = relations.one(
        f"""{INTENTS} SELECT {counts} FROM (
              SELECT true AS begins, first_ns AS at_ns FROM wanted UNION ALL SELECT false, at_ns FROM resolved)"""
    )
    return [(int(wanted), int(done)) for wanted, done in zip(found[::2], found[1::2], strict=True)]


def _lasted_s(faults: list[FaultWindow]) -> float:
    """How long any fault was on; two at once count once."""
    lasted_ns, until_ns = 0, 0
    for fault in sorted(faults, key=lambda fault: fault.from_ns):
        lasted_ns += max(0, fault.to_ns - max(fault.from_ns, until_ns))
        until_ns = max(until_ns, fault.to_ns)
    return lasted_ns / NS_PER_S
