"""What all outlets say of a run at one instant, before it is put into anybody's format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from surgectl.live.meter import CONFIRM, PROBED
from surgectl.live.snapshot import Snapshot
from surgectl.outlets import catalogue
from surgectl.outlets.catalogue import Family
from surgectl.text import one_line
from surgectl.units import NS_PER_S

MOST_VALUES = 100
"""Of one label. A target may name more steps or ends than anybody's database should hold series: then the rest is
called `other`."""
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0)
"""Upper ends of a histogram's buckets: OpenTelemetry's advice for HTTP, and above it what a queue's patience needs."""

_ON = frozenset({"applied", "verified"})


class Buckets(msgspec.Struct, frozen=True):
    """How many durations fell where."""

    counts: tuple[int, ...]
    """One for each of BOUNDS_S (that much or less, and more than the one before), and one for what took longer."""
    sum_s: float

    @property
    def count(self) -> int:
        return sum(self.counts)


class Point(msgspec.Struct, frozen=True):
    """One series at one instant."""

    labels: tuple[str, ...]
    value: float | Buckets


class Measured(msgspec.Struct, frozen=True):
    """All points of one family."""

    family: Family
    points: tuple[Point, ...]


class Which(msgspec.Struct, frozen=True, kw_only=True):
    """Which run it is."""

    run: str
    profile: str
    target: str
    seed: int
    version: str
    started_epoch_s: float


class StepSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the attempts of one step, of a probe (`PROBED` before its name), or of the payment's clock
    (`CONFIRM`)."""

    step: str
    ends: Mapping[str, int] = {}
    """answered · doubtful (nobody knows what became of it) · unsent → how many."""
    latencies: Mapping[str, Buckets] = {}
    """answered · doubtful → from when they were due to the last byte, or to when the fan gave up."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What the audit said, in numbers."""

    exit_code: int
    findings: Mapping[tuple[str, str], int] = {}
    """(verdict, kind) → how many."""
    thresholds: Mapping[str, int] = {}
    """verdict → how many."""


def measured(
    which: Which, snap: Snapshot, steps: Sequence[StepSeen] = (), judged: Judged | None = None
) -> tuple[Measured, ...]:
    """Everything that is known; a family without a point is left out."""
    everything = [*_course(which, snap), *_crowd(snap), *_sends(snap, steps), *_faults_and_books(snap), *_health(snap)]
    if judged is not None:
        everything += _verdict(judged)
    return tuple(each for each in everything if each.points)


def verdict(which: Which, judged: Judged) -> tuple[Measured, ...]:
    """What alone is worth saying when all is over."""
    return (_which(which), *_verdict(judged))


def _which(which: Which) -> Measured:
    labels = (which.run, which.profile, which.target, str(which.seed))
    return _many(catalogue.RUN, {labels: 1})


def _course(which: Which, snap: Snapshot) -> list[Measured]:
    now_ns = snap.now_ns
    phases = {(phase.name,): int(phase.start_ns <= now_ns < phase.end_ns) for phase in snap.phases}
    return [
        _which(which),
        _one(catalogue.CLOCK, max(0, now_ns) / NS_PER_S),
        _one(catalogue.LOAD_ENDS, snap.load_ends_ns / NS_PER_S),
        _many(catalogue.PHASE, phases),
    ]


def _crowd(snap: Snapshot) -> list[Measured]:
    seconds = snap.seconds
    return [
        _one(catalogue.PLANNED, snap.planned),
        _one(catalogue.ARRIVALS, sum(second.arrived for second in seconds)),
        _one(catalogue.DROPPED, snap.dropped),
        _one(catalogue.ON_SITE, snap.active),
        _many(catalogue.REACHED, {(stage,): n for stage, n in snap.funnel.items()}),
        _one(catalogue.RESOLVED, sum(second.resolved for second in seconds)),
        _one(catalogue.CONFIRMED, sum(second.confirmed for second in seconds)),
        _many(catalogue.ENDED, {(end,): n for end, n in snap.ends.items()}),
        _one(catalogue.OPEN, snap.open_info),
    ]


def _sends(snap: Snapshot, steps: Sequence[StepSeen]) -> list[Measured]:
    seconds = snap.seconds
    answered, probed = snap.probes
    real = [seen for seen in steps if not seen.step.startswith("=")]
    ends = {(seen.step, end): n for seen in real for end, n in seen.ends.items()}
    took = {(seen.step, end): lasted for seen in real for end, lasted in seen.latencies.items()}
    clock = {(end,): lasted for seen in steps if seen.step == CONFIRM for end, lasted in seen.latencies.items()}
    looks = {
        (seen.step.removeprefix(PROBED), end): lasted
        for seen in steps
        if seen.step.startswith(PROBED)
        for end, lasted in seen.latencies.items()
    }
    return [
        _one(catalogue.SENDS, sum(second.sent for second in seconds)),
        _many(catalogue.ATTEMPTS, ends),
        _one(catalogue.TRIED, snap.sent),
        _one(catalogue.REPEATED, snap.retries),
        _one(catalogue.DOUBTFUL, sum(second.trouble for second in seconds)),
        _one(catalogue.SHED, sum(second.shed for second in seconds)),
        _one(catalogue.AMPLIFICATION, snap.amplification),
        _many(catalogue.LATENCY, took),
        _many(catalogue.CONFIRM, clock),
        _many(catalogue.PROBE_LATENCY, looks),
        _many(catalogue.PROBES, {("answered",): answered, ("unanswered",): probed - answered} if probed else {}),
    ]


def _faults_and_books(snap: Snapshot) -> list[Measured]:
    faults = {(now.planned.fault, now.planned.link, now.planned.brownout): now.state for now in snap.faults}
    books = {(book, counter): n for name, n in snap.ledger.items() for book, _, counter in [name.partition(".")]}
    return [
        _many(catalogue.FAULT, {fault: int(state in _ON) for fault, state in faults.items()}),
        _many(catalogue.FAULT_SEEN, {fault: int(state == "verified") for fault, state in faults.items()}),
        _many(catalogue.LEDGER, books),
    ]


def _health(snap: Snapshot) -> list[Measured]:
    always = [_one(catalogue.WORKERS, snap.workers), _one(catalogue.UNSEEN, snap.lost)]
    vitals = snap.vitals
    if vitals is None:
        return always
    return [
        *always,
        _one(catalogue.CPU, vitals.cpu),
        _one(catalogue.MACHINE_CPU, vitals.machine_cpu),
        _one(catalogue.LAG, vitals.lag_ns / NS_PER_S),
        _one(catalogue.ARRIVAL_LAG, vitals.arrival_lag_ns / NS_PER_S),
        _one(catalogue.IN_FLIGHT, vitals.in_flight),
        _one(catalogue.SOCKETS, vitals.sockets),
        _one(catalogue.MEMORY, vitals.rss_bytes),
    ]


def _verdict(judged: Judged) -> list[Measured]:
    return [
        _one(catalogue.EXIT_CODE, judged.exit_code),
        _many(catalogue.FINDINGS, judged.findings),
        _many(catalogue.THRESHOLDS, {(verdict,): n for verdict, n in judged.thresholds.items()}),
    ]


def _one(family: Family, value: float) -> Measured:
    return Measured(family, (Point((), value),))


def _many(family: Family, values: Mapping[Any, float] | Mapping[Any, Buckets]) -> Measured:
    """The points of several label values, each made fit for anybody's screen; what is beyond bounds is `other`."""
    found: dict[tuple[str, ...], float | Buckets] = {}
    for words, value in values.items():
        labels = tuple(one_line(word, 64) for word in words)
        if labels not in found and len(found) >= MOST_VALUES:
            labels = ("other",) * len(words)
        found[labels] = _sum(found[labels], value) if labels in found else value
    return Measured(family, tuple(Point(labels, value) for labels, value in found.items()))


def _sum(one: float | Buckets, other: float | Buckets) -> float | Buckets:
    if isinstance(one, Buckets) and isinstance(other, Buckets):
        counts = tuple(a + b for a, b in zip(one.counts, other.counts, strict=True))
        return Buckets(counts, one.sum_s + other.sum_s)
    assert not isinstance(one, Buckets) and not isinstance(other, Buckets)
    return one + other


def cumulative(counts: Iterable[int]) -> list[int]:
    """How many were that long or shorter, bucket by bucket, as Prometheus counts."""
    total, sums = 0, []
    for count in counts:
        total += count
        sums.append(total)
    return sums
