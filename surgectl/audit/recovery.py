"""How long the shop needed to be itself again once the fault was gone.

Recovered is the first step after the heal from which nine in ten of what could be expected get done, smoothed, for
fifteen steps of mostly a second (docs/invariants.md, RECOVERY; stats/resilience.py has the arithmetic, course.py what
counts as an answer). Holds and payments must both be good again: whoever serves only the ones has not recovered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from surgectl.audit.course import ROLES
from surgectl.audit.windows import FaultWindow
from surgectl.stats.resilience import GOOD, HOLD, TOO_FEW, Course, calm_before, recovered, smoothed, watched
from surgectl.thresholds.measure import Number, Unmeasured
from surgectl.units import show_duration


class Aftermath(msgspec.Struct, frozen=True, kw_only=True):
    """Between the heal of one fault (or of several at once) and the next: [from_ns, to_ns)."""

    faults: tuple[str, ...]
    """Their names for a reader."""
    began_ns: int
    from_ns: int
    to_ns: int | None
    """None = to the end of the load."""


def aftermaths(faults: Sequence[FaultWindow]) -> list[Aftermath]:
    """The stretches after faults in order; faults that overlap, or follow at once, have one in common."""
    found: list[Aftermath] = []
    for fault in sorted(faults, key=lambda fault: (fault.from_ns, fault.to_ns)):
        name = f"{fault.brownout} on {fault.link}" if fault.link else fault.brownout or "a command"
        if found and fault.from_ns <= found[-1].from_ns:
            last = found[-1]
            names = tuple(dict.fromkeys((*last.faults, name)))
            found[-1] = msgspec.structs.replace(last, faults=names, from_ns=max(last.from_ns, fault.to_ns))
            continue
        if found:
            found[-1] = msgspec.structs.replace(found[-1], to_ns=fault.from_ns)
        found.append(Aftermath(faults=(name,), began_ns=fault.from_ns, from_ns=fault.to_ns, to_ns=None))
    return found


def recovery_ns(found: Mapping[str, Course], faults: Sequence[FaultWindow], healed_ns: int) -> Number | Unmeasured:
    """Nanoseconds from the heal to recovery, by the run's courses; `at_least` where it never came while we watched."""
    until_ns = min((fault.from_ns for fault in faults if fault.from_ns > healed_ns), default=None)
    first_fault_ns = min((fault.from_ns for fault in faults), default=healed_ns)
    roles = [
        role for role, course in found.items() if watched(course, healed_ns, until_ns) > course.within(healed_ns).start
    ]
    measured = [_one(role, found[role], first_fault_ns, healed_ns, until_ns) for role in roles]
    numbers = [number for number in measured if isinstance(number, Number)]
    never = [number for number in numbers if number.at_least]
    if never:
        return max(never, key=lambda number: number.value)
    for role, course in found.items():
        after = course.within(healed_ns, until_ns)
        wanted, answered = sum(course.offered[n] for n in after), sum(course.resolved[n] for n in after)
        if role not in roles and answered < GOOD * wanted:
            few = f"only {wanted} {ROLES[role]} were tried after the fault, {answered} of them answered in time"
            return Unmeasured(why=f"{few}: let the load outlive it")
    if not measured:
        return Unmeasured(why=TOO_FEW)
    for other in measured:
        if isinstance(other, Unmeasured):
            return other
    samples = sum(number.samples for number in numbers)
    return Number(value=max(number.value for number in numbers), samples=samples)


def _one(role: str, course: Course, first_fault_ns: int, healed_ns: int, until_ns: int | None) -> Number | Unmeasured:
    calm = calm_before(course, first_fault_ns)
    until = watched(course, healed_ns, until_ns)
    found = recovered(course, smoothed(course, calm), healed_ns, until)
    samples = sum(course.offered[n] for n in course.within(healed_ns, until_ns))
    if not found.held:
        # Good to the end but not for long: it may be recovering, and nobody watched long enough to say.
        if found.since is not None:
            good, needed = show_duration(found.good_for * course.bucket_ns), show_duration(HOLD * course.bucket_ns)
            ended = "the load ended" if until_ns is None else "the next fault began"
            return Unmeasured(why=f"the {ROLES[role]} were good for {good} when {ended}, {needed} are needed")
        return Number(value=float(until * course.bucket_ns - healed_ns), samples=samples, at_least=True)
    assert found.since is not None
    held = slice(found.since, found.since + HOLD)
    served, wanted = sum(course.resolved[held]), sum(course.offered[held])
    before = calm.resolved / calm.offered if calm.offered else 1.0
    if max(served, sum(course.done[held])) < GOOD * before * wanted:
        return Unmeasured(
            why=f"as many {ROLES[role]} get done as before the fault, but more are wanted, and not all are answered:"
            " what it can bear is not known; let the calm before the fault be as heavy as the tail"
        )
    return Number(value=float(max(0, found.since * course.bucket_ns - healed_ns)), samples=samples)
