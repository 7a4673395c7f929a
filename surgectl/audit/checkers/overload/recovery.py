"""Once the fault is gone, the shop is soon itself again.

Definition: recovered is the first second after the heal from which nine in ten of the holds, and of the payments, that
could be expected get done (resolved against what is offered, at most the goodput of the calm; EWMA, weight 0.3), for
fifteen seconds. Where the shop's payment time-out is below two seconds, the step is not a second but half of it, and
the fifteen are fifteen steps. "Sold out" and "all in baskets, come back" are answers; "too busy" is none, nor is a
refused payment that is not for the card, the limit or the stock, unless such refusals came before the fault too. Later
than `within` (30 s) after the heal fails.
Inputs: the fans' recording; the faults' windows.
Settling: a load that ends, or another fault that begins, before anybody can say leaves it unknown.
Severity: major.
"""

from __future__ import annotations

from surgectl.audit.course import courses
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.audit.recovery import aftermaths, recovery_ns
from surgectl.audit.statistic import Statistic, conclude, does_not_apply, turned_off
from surgectl.audit.windows import faults_on
from surgectl.profile.statistics import Recovery
from surgectl.recording.relations import Relations
from surgectl.thresholds.measure import Unmeasured
from surgectl.units import NS_PER_S, show_duration


def check(relations: Relations, expectations: Expectations) -> Finding:
    limits = expectations.limits("RECOVERY", Recovery())
    if limits is None:
        return turned_off("RECOVERY")
    faults = faults_on(relations, expectations)
    if not faults:
        why = "no fault was applied: add `chaos:` to see how the shop gets over one"
        return does_not_apply("RECOVERY", "major", why, expectations)
    within_ns = int(limits.within)
    considered, said, breaches, doubts = 0, [], [], []
    numbers: dict[str, float | None] = {}
    course = courses(relations, expectations)
    for after in aftermaths(faults):
        name = ", ".join(after.faults)
        found = recovery_ns(course, faults, after.from_ns)
        if isinstance(found, Unmeasured):
            doubts.append(f"after {name}: {found.why}")
            numbers[name] = None
            continue
        considered += found.samples
        took_s = found.value / NS_PER_S
        numbers[name] = None if found.at_least else round(took_s, 3)
        if not found.at_least:
            said.append(f"itself again {took_s:.1f} s after {name}")
            if found.value > within_ns:
                breaches.append(f"{took_s:.1f} s after {name}, {show_duration(within_ns)} are allowed")
        elif found.value > within_ns:
            said.append(f"not itself again after {name}")
            breaches.append(f"not itself again in the {took_s:.1f} s after {name} that were watched")
        else:
            doubts.append(
                f"not itself again in the {took_s:.1f} s after {name} that were watched: let the load last"
                f" {show_duration(within_ns)} longer than the fault"
            )
    measured = Statistic(
        id="RECOVERY",
        severity="major",
        considered=considered,
        said="; ".join(said) or "nobody can say",
        breaches=tuple(breaches),
        doubts=tuple(doubts),
        numbers={"recovery_s": numbers, "within_s": within_ns / NS_PER_S},
    )
    return conclude(measured, expectations)
