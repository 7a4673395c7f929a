"""Did it get over it: what became of a crowd's wants after something broke and was mended again.

The states are those of metastable failures (Bronson et al., HotOS'21; Huang et al., OSDI'22): after the fault a shop is
good again at once or after a while, works its backlog off, stays poor, or is held down by the retries that the fault
set off although the fault is gone. Pure arithmetic over buckets of time: `rel`, the share of what could be expected
that got done, is the EWMA (weight 0.3) of resolved / min(offered, g0), where g0 is what got done in the calm before the
first fault; more than was asked for is no better than all of it. A bucket in which nobody wanted anything says nothing.

Resolved is the greater of two counts: of those who came in that bucket, the ones who were answered in time; and of all
who came, the ones who got their answer in that bucket, in time after the try that brought it. The first is not blurred
by chance where few come; the second does justice to a shop that refuses fast and serves those who come back later.

All lengths are in buckets: with buckets of a second they are the numbers of docs/invariants.md (15 s good, 5 s bad, a
tail of 30 s), with finer ones a fast shop is judged at its own pace.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from surgectl.stats.counts import poisson_interval
from surgectl.stats.series import ewma
from surgectl.stats.slope import Slope, theil_sen
from surgectl.units import NS_PER_S

GOOD = 0.9
HOLD = 15
"""Buckets for which it must stay good."""
BAD = 0.5
_DIP = 5
_TAIL = 30
_LEAST_TAIL = 5
_LEAST_WANTS = 10
"""Fewer wants than this before the fault, or in the tail, prove nothing."""
_RETRIED = 1.2
_MORE = 1.1
_WEIGHT = 0.3

TOO_FEW = "hardly anybody wanted anything after the fault: let the load outlive it"

State = Literal["STABLE", "RECOVERED", "RETRIGGERED", "METASTABLE", "DRAINING", "DEGRADED", "UNTOLD"]


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """What was wanted and what became of it; entry n of each covers [n, n+1) buckets from the run's start."""

    bucket_ns: int = NS_PER_S
    offered: tuple[int, ...]
    """Wants, by when each was first due."""
    resolved: tuple[int, ...]
    """Of them, those that were answered truthfully and in time."""
    attempts: tuple[int, ...]
    """Sends: a want's first, and every retry."""
    done: tuple[int, ...] = ()
    """Wants, by when they were answered: those whose last try was answered in time. Empty = not known."""
    asked: tuple[int, ...] = ()
    """Requests that the provider behind the shop received for them; empty = not known."""
    asked_again: tuple[int, ...] = ()
    """Of these, the ones that were not the first for their want."""
    backlog: tuple[int, ...] = ()
    """Wants that were open at the end of each bucket; empty = not known."""

    @property
    def last(self) -> int:
        """The last bucket in which anybody wanted anything; -1 = none."""
        return max((n for n, count in enumerate(self.offered) if count), default=-1)

    def within(self, from_ns: int, to_ns: int | None = None) -> range:
        """The buckets that lie wholly in [from_ns, to_ns); None = to the end."""
        first, end = -(-from_ns // self.bucket_ns), len(self.offered)
        return range(first, max(first, end if to_ns is None else min(end, to_ns // self.bucket_ns)))


class Calm(msgspec.Struct, frozen=True, kw_only=True):
    """What the shop did before anything broke, from the first want to the first fault."""

    buckets: int
    offered: int
    resolved: int
    attempts: int
    asked: int = 0
    asked_again: int = 0

    @property
    def goodput(self) -> float:
        """g0: resolved wants a bucket; where the calm is too thin to tell, all that is offered can be expected."""
        return float("inf") if self.thin else self.resolved / self.buckets

    @property
    def amplification(self) -> float:
        """amp0: sends for each want."""
        return self.attempts / self.offered if self.offered else 1.0

    @property
    def amplification_behind(self) -> float:
        """The same at the provider: its requests for each that it was asked about for the first time."""
        return _behind(self.asked, self.asked_again)

    @property
    def thin(self) -> bool:
        return self.offered < _LEAST_WANTS or not self.resolved


def calm_before(course: Course, fault_ns: int) -> Calm:
    """The calm before a fault: buckets that were over when it began."""
    until = fault_ns // course.bucket_ns
    first = next((n for n, count in enumerate(course.offered) if count), until)
    part = slice(first, max(first, until))
    return Calm(
        buckets=len(course.offered[part]),
        offered=sum(course.offered[part]),
        resolved=sum(course.resolved[part]),
        attempts=sum(course.attempts[part]),
        asked=sum(course.asked[part]),
        asked_again=sum(course.asked_again[part]),
    )


def _behind(asked: int, asked_again: int) -> float:
    return asked / max(1, asked - asked_again) if asked else 1.0


def watched(course: Course, healed_ns: int, until_ns: int | None = None) -> int:
    """The first bucket after a heal from which on nobody can say anything: the load, or the calm after it, is over.

    Stragglers are no load: the last HOLD buckets must have seen enough wants. Where they never did, it is the heal's.
    """
    after = course.within(healed_ns, until_ns)
    for n in reversed(after):
        if course.offered[n] and sum(course.offered[max(after.start, n + 1 - HOLD) : n + 1]) >= _LEAST_WANTS:
            return n + 1
    return after.start


def smoothed(course: Course, calm: Calm) -> list[float]:
    """rel by bucket; where nobody wanted anything it stays what it was."""
    asked = [n for n, offered in enumerate(course.offered) if offered]
    done = course.done or (0,) * len(course.offered)
    ratios = [min(1.0, max(course.resolved[n], done[n]) / min(course.offered[n], calm.goodput)) for n in asked]
    found, value = [], 1.0
    known = dict(zip(asked, ewma(ratios, _WEIGHT), strict=True))
    for n in range(len(course.offered)):
        value = known.get(n, value)
        found.append(value)
    return found


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """Since when it is good again."""

    since: int | None
    """The bucket; None = it is not."""
    held: bool
    """It stayed so for as long as it takes to believe it."""
    good_for: int
    """Buckets, to the last that anybody watched."""


def recovered(course: Course, rel: Sequence[float], healed_ns: int, until: int) -> Recovered:
    """The first bucket wholly after the heal from which rel is good for HOLD buckets; `until`: the first unwatched."""
    first = course.within(healed_ns).start
    since: int | None = None
    last = first
    for n in range(first, until):
        if not course.offered[n]:
            continue
        last = n
        if rel[n] < GOOD:
            since = None
        elif since is None:
            since = n
        if since is not None and n - since + 1 >= HOLD:
            return Recovered(since=since, held=True, good_for=HOLD)
    return Recovered(since=since, held=False, good_for=0 if since is None else last - since + 1)


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """The state after one fault, and the numbers it was told from."""

    state: State
    why: str = ""
    """Why UNTOLD; for other states, what a reader should know."""
    sustained: bool = False
    """RETRIGGERED: the second collapse meets every condition of METASTABLE in its turn."""
    recovered_ns: int | None = None
    """From the heal."""
    rel_tail: float | None = None
    amp_before: float | None = None
    amp_tail: float | None = None
    behind_before: float | None = None
    behind_tail: float | None = None
    """The provider's share of it; None = not known."""
    offered_before_per_s: float | None = None
    offered_tail_per_s: float | None = None
    backlog_slope: Slope | None = None
    """Wants per second."""


def diagnose(
    course: Course, *, first_fault_ns: int, healed_ns: int, until_ns: int | None = None, grace_ns: int = 30 * NS_PER_S
) -> Diagnosis:
    """The state of a shop after a fault that was healed at `healed_ns`, watched until the load or `until_ns` ended.

    RECOVERED: rel ≥ 0.9 for 15 buckets (STABLE: never less). RETRIGGERED: that, and later rel < 0.5 for 5 buckets
    though no more is offered than before the fault. METASTABLE: the grace is over, and in the tail rel < 0.5, the sends
    for each want (the fans' at the shop, or the shop's at its provider) are above 1.2 times those of the calm, and no
    more is offered than in it (10 %, and what chance explains). DRAINING: not recovered, but the backlog shrinks
    (Theil–Sen, 95 %) and nobody retries more than in the calm. DEGRADED: the rest. UNTOLD: too little was watched to
    say, with the reason.
    """
    calm = calm_before(course, first_fault_ns)
    until = watched(course, healed_ns, until_ns)
    if until <= course.within(healed_ns).start:
        return Diagnosis(state="UNTOLD", why=TOO_FEW)
    rel = smoothed(course, calm)
    found = recovered(course, rel, healed_ns, until)
    if calm.thin:
        return _without_calm(course, calm, rel, found, healed_ns, until)
    if found.held and found.since is not None:
        return _after_recovery(course, calm, rel, found.since, healed_ns, until, grace_ns)
    return _tail(course, calm, rel, healed_ns, until, grace_ns)


def _without_calm(
    course: Course, calm: Calm, rel: list[float], found: Recovered, healed_ns: int, until: int
) -> Diagnosis:
    """Whoever answers everything needs no calm to be measured against; nothing else can be told."""
    if found.held and found.since is not None and all(value >= BAD for value in rel[found.since : until]):
        return Diagnosis(state="RECOVERED", recovered_ns=max(0, found.since * course.bucket_ns - healed_ns))
    said = f"{calm.offered} wants before the fault" if calm.resolved or not calm.offered else "nothing got done"
    why = f"{said}, too little of a calm to measure it against: let the load begin well before the fault"
    return Diagnosis(state="UNTOLD", why=why)


def _after_recovery(
    course: Course, calm: Calm, rel: list[float], since: int, healed_ns: int, until: int, grace_ns: int
) -> Diagnosis:
    took_ns = max(0, since * course.bucket_ns - healed_ns)
    fault = range(min(len(rel), max(0, healed_ns // course.bucket_ns)))
    dip = _dip(course, calm, rel, since + HOLD, until)
    if dip is None:
        stable = took_ns < course.bucket_ns and all(rel[n] >= GOOD for n in (*fault, *range(since, until)))
        return Diagnosis(state="STABLE" if stable else "RECOVERED", recovered_ns=took_ns)
    again = _tail(course, calm, rel, dip * course.bucket_ns, until, grace_ns)
    at_s = dip * course.bucket_ns / NS_PER_S
    return msgspec.structs.replace(
        again,
        state="RETRIGGERED",
        why=f"good again, and from {at_s:.1f} s poor without a fault",
        sustained=again.state == "METASTABLE",
        recovered_ns=took_ns,
    )


def _dip(course: Course, calm: Calm, rel: list[float], first: int, until: int) -> int | None:
    """The first bucket of a collapse without a fault, while no more was offered than before."""
    begun: int | None = None
    for n in range(first, until):
        if rel[n] >= BAD:
            begun = None
            continue
        begun = n if begun is None else begun
        if n - begun + 1 >= _DIP and not more_offered(course, calm, begun, n + 1):
            return begun
    return None


def more_offered(course: Course, calm: Calm, first: int, until: int) -> bool:
    """More was offered in [first, until) than in the calm: by a tenth at least, and by more than chance explains."""
    buckets = until - first
    if not buckets or not calm.buckets:
        return False
    certain = poisson_interval(sum(course.offered[first:until])).low / buckets
    return certain > _MORE * calm.offered / calm.buckets


def _tail(course: Course, calm: Calm, rel: list[float], from_ns: int, until: int, grace_ns: int) -> Diagnosis:
    """What it looks like at the end, where it was not good again."""
    first = max(course.within(from_ns + grace_ns).start, until - _TAIL)
    offered = sum(course.offered[first:until])
    if until - first < _LEAST_TAIL or offered < _LEAST_WANTS:
        needed_s = (grace_ns + _LEAST_TAIL * course.bucket_ns) / NS_PER_S
        watched_s = max(0.0, (until * course.bucket_ns - from_ns) / NS_PER_S)
        what = f"the load went on for {watched_s:.1f} s after it, {needed_s:.1f} s are needed"
        if watched_s >= needed_s:
            what = f"{offered} wants after the grace, {_LEAST_WANTS} are needed"
        return Diagnosis(state="UNTOLD", why=f"not good again, but {what} to call it stuck: let the load last longer")
    attempts = sum(course.attempts[first:until])
    per_s = NS_PER_S / course.bucket_ns
    slope = _slope(course, first, until)
    asked = sum(course.asked[first:until])
    told = Diagnosis(
        state="DEGRADED",
        behind_before=calm.amplification_behind if course.asked else None,
        behind_tail=_behind(asked, sum(course.asked_again[first:until])) if course.asked else None,
        rel_tail=sum(rel[first:until]) / (until - first),
        amp_before=calm.amplification,
        amp_tail=attempts / offered,
        offered_before_per_s=calm.offered / calm.buckets * per_s,
        offered_tail_per_s=offered / (until - first) * per_s,
        backlog_slope=slope,
    )
    assert told.rel_tail is not None and told.amp_tail is not None
    behind = asked >= _LEAST_WANTS and (told.behind_tail or 1.0) > _RETRIED * calm.amplification_behind
    if behind or told.amp_tail > _RETRIED * calm.amplification:
        if told.rel_tail >= BAD:
            return told
        if not more_offered(course, calm, first, until):
            return msgspec.structs.replace(told, state="METASTABLE")
        why = "poor, but more was wanted than before the fault: let the tail be no heavier than the calm before it"
        return msgspec.structs.replace(told, state="UNTOLD", why=why)
    if slope is not None and slope.falls:
        return msgspec.structs.replace(told, state="DRAINING")
    return told


def _slope(course: Course, first: int, until: int) -> Slope | None:
    open_ = course.backlog[first:until]
    return theil_sen([n * course.bucket_ns / NS_PER_S for n in range(len(open_))], open_)


def second_spike(values: Sequence[float | None], *, calm: float, high: float, hold: int = _DIP) -> int | None:
    """The first entry of a rise to above `high` for `hold` known entries, after as many at or below `calm`.

    None entries (nothing was counted) are passed over. What is high from the beginning is the first spike, no second.
    """
    quiet, risen, since = 0, 0, None
    settled = False
    for n, value in enumerate(values):
        if value is None:
            continue
        quiet = quiet + 1 if value <= calm else 0
        settled = settled or quiet >= hold
        if value <= high:
            risen, since = 0, None
            continue
        risen, since = risen + 1, n if since is None else since
        if settled and risen >= hold:
            return since
    return None
