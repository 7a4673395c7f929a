"""What a fault left behind goes away, and does not come back as a second wave.

Definition: the backlog of a fault are the payments for whose fate fans were waiting when it was healed. It is drained
when each of them has a definite end, or when no more payments are open than in the calm. Until then it must shrink: the
upper end of the 95 % interval of the slope of the open payments (Theil–Sen) is below zero, else it fails once the shop
has had the time that it says it needs for a payment (30 s where it does not say). A payment of that backlog which the
shop's books still call pending when they are settled has not drained. `within` demands more: everything gone by then.
A second wave fails as well: five steps in a row in which more than half of the provider's POSTs ask for a payment
again, or more than half of the payments' sends stay without an answer, after five quiet steps and without a fault. A
step is a second, or half of the shop's payment time-out.
Inputs: the fans' recording, the faults' windows; the orders, and the provider's request log where there is one.
Settling: a load that ends before the shop has had its time leaves it unknown.
Severity: major.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from surgectl.audit.answers import UNANSWERED
from surgectl.audit.books import lay, readings
from surgectl.audit.confirming import CONFIRMING
from surgectl.audit.course import asked_of_provider, bucket_ns, courses
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.audit.recovery import Aftermath, aftermaths
from surgectl.audit.statistic import Statistic, conclude, does_not_apply, turned_off
from surgectl.audit.windows import faults_on
from surgectl.profile.statistics import Drain
from surgectl.recording.relations import Relations
from surgectl.stats.resilience import Course, calm_before, more_offered, second_spike
from surgectl.stats.slope import Slope, theil_sen
from surgectl.units import NS_PER_S, show_duration

_ITS_TIME_NS = 30 * NS_PER_S
_TAIL = 30
_QUIET = 0.1
"""One send in ten is a retry: 1.1 requests for each payment (AMP_PAY in the calm)."""
_WAVE = 0.5
"""Every other one is: 2 requests for each payment (AMP_PAY in a fault)."""
_LEAST_SENDS = 4
"""Fewer in a step say nothing of a share."""

# Who was waiting at the heal. A fan who left by himself waits no longer; one who waited in vain never learnt.
_WAITING = f"""
WITH gone AS (SELECT intent, max(at_ns) AS at_ns,
    bool_and("end" IN ('unknown', 'accepted', 'cut-off', 'script-error')) AS in_vain FROM lefts GROUP BY intent),
looked AS (SELECT DISTINCT intent FROM tolds WHERE status_read AND "end" <> 'accepted' AND NOT {UNANSWERED})
SELECT c.known_ns, coalesce(g.in_vain, true) AS in_vain, b.pending_orders > 0 AS pending,
  k.intent IS NOT NULL AS decided
FROM ({CONFIRMING}) c LEFT JOIN gone g USING (intent) LEFT JOIN book_intents b USING (intent)
  LEFT JOIN looked k USING (intent)
WHERE c.start_ns < ? AND coalesce(c.known_ns, g.at_ns, c.last_ns, 9e18::BIGINT) > ?"""


class _Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """The payments that were open at one heal."""

    waiting: int
    known_after_ns: int | None
    """From the heal to the last definite end that a fan learnt; None = nobody learnt any."""
    in_vain: int
    """Waited to the end and never learnt, and no settled books say it either."""
    untold: int
    """Waited to the end and never learnt, whatever the books say: when it was decided, nobody knows."""
    pending: int
    """Still pending in the shop's own books."""


def check(relations: Relations, expectations: Expectations) -> Finding:
    limits = expectations.limits("DRAIN", Drain())
    if limits is None:
        return turned_off("DRAIN")
    lay(relations)
    faults = faults_on(relations, expectations)
    if not faults:
        why = "no fault was applied: add `chaos:` to see what one leaves behind"
        return does_not_apply("DRAIN", "major", why, expectations)
    (before,) = relations.one(
        "SELECT count(DISTINCT intent) FROM attempts WHERE role = 'pay' AND due_ns < ?",
        [max(fault.to_ns for fault in faults)],
    )
    said, breaches, doubts = [], [], []
    numbers: dict[str, Any] = {}
    course = courses(relations, expectations).get("pay")
    for after in aftermaths(faults):
        name = ", ".join(after.faults)
        backlog = _backlog(relations, expectations, after)
        what, breach, doubt, slope = _drained(backlog, after, course, expectations, limits.within)
        said.append(f"{what} after {name}")
        breaches += [f"{breach} after {name}"] if breach else []
        doubts += [f"after {name}: {doubt}"] if doubt else []
        waves = _waves(relations, expectations, after, course)
        breaches += [f"{wave} after {name}, without a fault" for wave in waves]
        numbers[name] = {
            "waiting": backlog.waiting,
            "known_after_s": None if backlog.known_after_ns is None else round(backlog.known_after_ns / NS_PER_S, 3),
            "pending": backlog.pending,
            "slope_per_s": None if slope is None else round(slope.value, 4),
            "slope_at_most_per_s": None if slope is None else round(slope.high, 4),
            "second_waves": len(waves),
        }
    if not before:
        doubts.append("nobody had paid before a fault ended: let it fall into the rush")
    measured = Statistic(
        id="DRAIN",
        severity="major",
        considered=int(before),
        said="; ".join(said),
        breaches=tuple(breaches),
        doubts=tuple(doubts),
        numbers={"faults": numbers},
    )
    return conclude(measured, expectations)


def _backlog(relations: Relations, expectations: Expectations, after: Aftermath) -> _Backlog:
    listed = "orders" in readings(relations)
    rows = relations.rows(_WAITING, [after.from_ns, after.from_ns])
    known = [int(known_ns) - after.from_ns for known_ns, *_ in rows if known_ns is not None]
    unlearnt = [(pending, decided) for known_ns, in_vain, pending, decided in rows if known_ns is None and in_vain]
    return _Backlog(
        waiting=len(rows),
        known_after_ns=max(known, default=None),
        in_vain=sum(not decided and not (listed and expectations.settled) for _, decided in unlearnt),
        untold=len(unlearnt),
        pending=sum(bool(pending) and not decided for pending, decided in unlearnt) if listed else 0,
    )


def _drained(
    backlog: _Backlog, after: Aftermath, course: Course | None, expectations: Expectations, within_ns: int | None
) -> tuple[str, str, str, Slope | None]:
    """What became of it: a sentence, a breach, a doubt (each may be empty), and how fast the open payments fell."""
    watched_ns = 0 if course is None else (course.last + 1) * course.bucket_ns - after.from_ns
    if after.to_ns is not None:
        watched_ns = min(watched_ns, after.to_ns - after.from_ns)
    took_ns = backlog.known_after_ns or 0
    allowed = "" if within_ns is None else show_duration(int(within_ns))
    untold = f"not all fans learnt what became of their payments: nobody can say whether {allowed} were kept"
    if not backlog.waiting:
        return "no payment was open", "", "", None
    if backlog.pending and expectations.settled:
        what = f"{backlog.pending:,} of {backlog.waiting:,} payments open at the heal are still pending in the books"
        return what, what, "", None
    if within_ns is not None and took_ns > within_ns:
        what = f"the last of {backlog.waiting:,} open payments was decided {took_ns / NS_PER_S:.1f} s"
        return what, f"{what}, {allowed} are allowed", "", None
    if not backlog.in_vain and not backlog.pending and backlog.known_after_ns is not None:
        if within_ns is not None and backlog.untold:
            return "nobody can say when the open payments were decided", "", untold, None
        return f"{backlog.waiting:,} open payments were decided within {took_ns / NS_PER_S:.1f} s", "", "", None
    # Nobody can tell from those who waited: what is open in all has to say it.
    level = _level(course, after)
    slope = _slope(course, after)
    if course is not None and level is not None and level <= max(1.0, _calm_level(course, after)):
        if within_ns is None:
            return "no more payments are open than in the calm", "", "", slope
    elif slope is not None and slope.falls:
        if within_ns is None:
            return f"the open payments shrink by {-slope.value:.2g}/s", "", "", slope
    elif course is not None and _heavier(course, after):
        doubt = (
            "more was wanted than before the fault, so more payments may be open: let the calm be as heavy as the tail"
        )
        return "nobody can say what became of the open payments", "", doubt, slope
    elif slope is not None and watched_ns > (expectations.payment_deadline_ns or _ITS_TIME_NS):
        what = f"{level:.0f} payments are open and they do not shrink" if level is not None else "the backlog stays"
        return what, what, "", slope
    if within_ns is not None and watched_ns > within_ns and slope is not None:
        doubt = untold
    else:
        doubt = f"{backlog.waiting:,} payments were open and the load went on for {max(0, watched_ns) / NS_PER_S:.1f} s"
        doubt += ": let it last longer"
    return "nobody can say what became of the open payments", "", doubt, slope


def _after(course: Course, after: Aftermath) -> range:
    steps = course.within(after.from_ns, after.to_ns)
    return range(steps.start, min(steps.stop, course.last + 1))


def _slope(course: Course | None, after: Aftermath) -> Slope | None:
    if course is None:
        return None
    steps = _after(course, after)
    return theil_sen([n * course.bucket_ns / NS_PER_S for n in steps], [course.backlog[n] for n in steps])


def _level(course: Course | None, after: Aftermath) -> float | None:
    """Payments that are open at the end, on average over at most thirty steps; None where nobody watched."""
    if course is None:
        return None
    steps = _after(course, after)
    last = [course.backlog[n] for n in steps[-min(_TAIL, max(1, len(steps) // 3)) :]]
    return sum(last) / len(last) if last else None


def _heavier(course: Course, after: Aftermath) -> bool:
    steps, calm = _after(course, after), calm_before(course, after.began_ns)
    return calm.thin or more_offered(course, calm, steps.start, steps.stop)


def _calm_level(course: Course, after: Aftermath) -> int:
    """The most that were open before the fault."""
    return max(course.backlog[: after.began_ns // course.bucket_ns], default=0)


def _waves(relations: Relations, expectations: Expectations, after: Aftermath, course: Course | None) -> list[str]:
    """Each kind of second wave that came, in words."""
    if course is None:
        return []
    steps = _after(course, after)
    step_ns = bucket_ns(relations, expectations)
    found = []
    unanswered = relations.rows(
        """SELECT due_ns // ?, count(*) FILTER (outcome = 'info' OR why = 'not-sent'), count(*) FROM attempts
           WHERE role = 'pay' AND NOT poll AND NOT double GROUP BY 1""",
        [step_ns],
    )
    at = second_spike(_shares(unanswered, steps), calm=_QUIET, high=_WAVE)
    if at is not None:
        found.append(f"a second wave of payments without an answer from {_at_s(steps, at, step_ns)} on,")
    asked = asked_of_provider(relations, expectations, step_ns)
    if asked is not None:
        at = second_spike(_shares(asked, steps), calm=_QUIET, high=_WAVE)
        if at is not None:
            found.append(f"a second wave of retries at the provider from {_at_s(steps, at, step_ns)} on,")
    return found


def _shares(rows: Sequence[tuple[Any, ...]], steps: range) -> list[float | None]:
    counts = {int(n): (int(some), int(all_)) for n, some, all_ in rows if n is not None}
    found: list[float | None] = []
    for n in steps:
        some, all_ = counts.get(n, (0, 0))
        found.append(some / all_ if all_ >= _LEAST_SENDS else None)
    return found


def _at_s(steps: range, at: int, step_ns: int) -> str:
    return f"{steps[at] * step_ns / NS_PER_S:.1f} s"
