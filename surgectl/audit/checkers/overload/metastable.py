"""A fault that is over is over: the crowd's own retries must not keep the shop down.

Definition: metastable (Bronson et al., HotOS'21; Huang et al., OSDI'22) is a shop that is not itself again once the
grace is over (30 s after the heal, or three times as long as the fans wait for a reply, whichever is more), gets less
than half of what could be expected done (EWMA, weight 0.3, of resolved / min(offered, goodput of the calm)), is sent
more than 1.2 times as many requests for each want as before the fault, or sends as many more to its provider, although
no more is wanted (10 %, and what chance explains). A shop that was itself again and then collapses for five seconds
without a fault is retriggered: it fails where the collapse meets the same conditions in its turn, else it is reported
as a doubt. One that works its backlog off, or stays poor without a storm of retries, is not metastable: RECOVERY and
DRAIN say what it is. Holds and payments are looked at apart. "Sold out" and "all in baskets, come back" are answers: a
sale that ends is no collapse.
Inputs: the fans' recording; the faults' windows; the provider's request log where there is one.
Settling: where the load did not outlive the fault by the grace and five seconds, a shop that is not itself again is
unknown.
Severity: critical.
"""

from __future__ import annotations

from typing import Any

from surgectl.audit.course import ROLES, courses
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.audit.recovery import aftermaths
from surgectl.audit.statistic import Statistic, conclude, does_not_apply, turned_off
from surgectl.audit.windows import faults_on
from surgectl.profile.statistics import Metastable
from surgectl.recording.relations import Relations
from surgectl.stats.resilience import TOO_FEW, Diagnosis, diagnose
from surgectl.units import NS_PER_S

_TIMEOUTS = 3

_SAID = {
    "STABLE": "never left it",
    "RECOVERED": "got over it",
    "RETRIGGERED": "got over it and fell again",
    "METASTABLE": "are stuck",
    "DRAINING": "work their backlog off",
    "DEGRADED": "stay poor, but not for retries",
    "UNTOLD": "cannot be told",
}


def check(relations: Relations, expectations: Expectations) -> Finding:
    limits = expectations.limits("METASTABLE", Metastable())
    if limits is None:
        return turned_off("METASTABLE")
    faults = faults_on(relations, expectations)
    if not faults:
        why = "no fault was applied: add `chaos:` to see how the shop gets over one"
        return does_not_apply("METASTABLE", "critical", why, expectations)
    patience_ns = _patience_ns(relations)
    grace_ns = max(int(limits.grace), _TIMEOUTS * patience_ns)
    first_ns = min(fault.from_ns for fault in faults)
    considered, said, breaches = 0, [], []
    numbers: dict[str, Any] = {"grace_s": grace_ns / NS_PER_S, "states": {}}
    doubts: dict[str, str] = {}
    by_role = courses(relations, expectations)
    for after in aftermaths(faults):
        name = ", ".join(after.faults)
        for role, course in by_role.items():
            offered = sum(course.offered[n] for n in course.within(after.from_ns))
            if not offered:
                continue
            considered += offered
            found = diagnose(
                course, first_fault_ns=first_ns, healed_ns=after.from_ns, until_ns=after.to_ns, grace_ns=grace_ns
            )
            numbers["states"][f"{ROLES[role]} after {name}"] = _numbers(found)
            said.append(f"{ROLES[role]} {_SAID[found.state]}")
            # Whoever is itself again after a later fault was not stuck after an earlier one.
            doubts.pop(role, None)
            if found.state == "METASTABLE" or found.sustained:
                breaches.append(_stuck(ROLES[role], name, found))
            elif found.state in ("UNTOLD", "RETRIGGERED"):
                doubts[role] = f"{ROLES[role]} after {name}: {found.why}"
    if not considered:
        doubts["all"] = TOO_FEW
    measured = Statistic(
        id="METASTABLE",
        severity="critical",
        considered=considered,
        said="; ".join(dict.fromkeys(said)) or "nobody can say",
        breaches=tuple(breaches),
        doubts=tuple(doubts.values()),
        numbers=numbers,
    )
    return conclude(measured, expectations)


def _patience_ns(relations: Relations) -> int:
    """How long fans waited for one reply before they gave it up: the longest on record; 0 = nobody gave up."""
    (patience_ns,) = relations.one(
        """SELECT coalesce(max(done_ns - sent_ns), 0) FROM attempts
           WHERE role IN ('hold', 'pay') AND NOT poll AND why = 'timeout'"""
    )
    return int(patience_ns)


def _stuck(what: str, fault: str, found: Diagnosis) -> str:
    again = f"{found.why}: " if found.state == "RETRIGGERED" else ""
    assert found.rel_tail is not None and found.amp_tail is not None and found.amp_before is not None
    behind = ""
    if found.behind_tail is not None and found.behind_before is not None:
        behind = f", {found.behind_tail:.2g} at the provider ({found.behind_before:.2g} before it)"
    return (
        f"{what} after {fault}: {again}{found.rel_tail:.0%} of what could be expected got done although the fault was"
        f" gone, with {found.amp_tail:.2g} requests for each want ({found.amp_before:.2g} before it){behind}"
        f" and {found.offered_tail_per_s:.3g}/s wanted ({found.offered_before_per_s:.3g}/s before it)"
    )


def _numbers(found: Diagnosis) -> dict[str, Any]:
    slope = found.backlog_slope
    return {
        "state": found.state,
        "recovery_s": None if found.recovered_ns is None else round(found.recovered_ns / NS_PER_S, 3),
        "resolved_tail": _round(found.rel_tail),
        "amplification_before": _round(found.amp_before),
        "amplification_tail": _round(found.amp_tail),
        "provider_amplification_before": _round(found.behind_before),
        "provider_amplification_tail": _round(found.behind_tail),
        "offered_before_per_s": _round(found.offered_before_per_s),
        "offered_tail_per_s": _round(found.offered_tail_per_s),
        "backlog_slope_per_s": None if slope is None else round(slope.value, 4),
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
