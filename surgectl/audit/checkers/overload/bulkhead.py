"""The sale does not take the other pages down with it.

Definition: a prober of our own, at a steady rate and over connections of its own, asks for pages that have nothing to
do with the sale. Of each page at least 99.9 % of the probes are answered well, and its p99 while a fault was on is at
most twice its p99 before the first one. Fails where availability is lower for certain, passes where it is as high for
certain (95 %, exact: Clopper and Pearson), else unknown with the number of probes that would tell: without a single
failure about three for each failure that is allowed in a thousand, so 2,995 for 99.9 % (the rule of three). The
slowdown fails only where it is certain as well, from the order statistics of both p99, less what our own timers were
late by, and never below 100 ms: 5 ms instead of 2 ms is nobody's loss. Probes that we sent late do not count; nor do
those during a fault that broke the shop's own parts by command, for no bulkhead helps a house whose door is gone.
Inputs: probes and faults, from the recording alone.
Settling: none.
Severity: major.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.audit.ourselves import OUR_LAG, spared
from surgectl.audit.statistic import Judged, Statistic, conclude, does_not_apply, turned_off
from surgectl.audit.windows import FaultWindow, end_of_run_ns, faults_on, inside, windows_of
from surgectl.profile.statistics import Bulkhead
from surgectl.recording.relations import Relations
from surgectl.stats.intervals import percentile_bounds, samples_without_fault, share_bounds
from surgectl.stats.percentile import Bounds, percentile_of
from surgectl.units import NS_PER_S, show_duration

_FLOOR_NS = 100_000_000
"""A page this fast is fast, whatever it was before: nobody notices less (Nielsen 1993, Usability Engineering, 5.5)."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What the probes of one page came to."""

    step: str
    good: int
    total: int
    before_ns: tuple[int, ...]
    """How long each took before the first fault, ascending; one that never ended took at least so long."""
    in_fault_ns: tuple[int, ...]
    least_ns: tuple[int, ...]
    """The same, less what our own machine may have added."""

    @property
    def availability(self) -> Bounds:
        return share_bounds(self.good, self.total)


def check(relations: Relations, expectations: Expectations) -> Finding:
    limits = expectations.limits("BULKHEAD", Bulkhead())
    if limits is None:
        return turned_off("BULKHEAD")
    pages = _pages(relations, expectations)
    if not pages:
        why = "no page outside the sale is probed: add `probe: {step: about, rate: 20/s}`"
        return does_not_apply("BULKHEAD", "major", why, expectations)
    judged = [said for page in pages for said in (_available(page, limits), _slowed(page, limits))]
    return conclude(
        Statistic(
            id="BULKHEAD",
            severity="major",
            considered=sum(page.total for page in pages),
            said="; ".join(_said(page) for page in pages),
            breaches=tuple(breach for breach, _ in judged if breach),
            doubts=tuple(doubt for _, doubt in judged if doubt),
            numbers={page.step: _numbers(page) for page in pages},
        ),
        expectations,
    )


def _pages(relations: Relations, expectations: Expectations) -> list[Page]:
    faults = faults_on(relations, expectations)
    commanded = windows_of([fault for fault in faults if not fault.link])
    ours = f"why <> 'late' AND NOT {inside('due_ns', commanded)}"
    # A probe that began before a fault may have ended in it: the calm ends where its last reply could not be touched.
    before_ns = min((fault.from_ns for fault in faults), default=end_of_run_ns(relations, expectations) + 1)
    found = relations.rows(
        f"SELECT step, count(*) FILTER (outcome = 'ok'), count(*) FROM probes WHERE {ours} GROUP BY step ORDER BY step"
    )
    calm, hurt = f"{ours} AND done_ns < {before_ns}", f"{ours} AND {inside('due_ns', windows_of(_links(faults)))}"
    return [
        Page(
            step=step,
            good=good,
            total=total,
            before_ns=_took(relations, "took_ns", step, calm),
            in_fault_ns=_took(relations, "took_ns", step, hurt),
            least_ns=_took(relations, "least_ns", step, hurt),
        )
        for step, good, total in found
    ]


def _links(faults: list[FaultWindow]) -> list[FaultWindow]:
    return [fault for fault in faults if fault.link]


def _took(relations: Relations, what: str, step: str, where: str) -> tuple[int, ...]:
    query = f"WITH {OUR_LAG} SELECT {what} FROM {spared('probes')} WHERE step = ? AND {where} ORDER BY {what}"
    return tuple(row[0] for row in relations.rows(query, [step]))


def _available(page: Page, limits: Bulkhead) -> Judged:
    bounds, failed = page.availability, page.total - page.good
    if bounds.high < limits.availability:
        return f"{page.step} answered {page.good:,} of {page.total:,} probes, {limits.availability} are demanded", ""
    if bounds.low >= limits.availability:
        return "", ""
    needed = samples_without_fault(limits.availability)
    if not failed and needed > page.total:
        return "", f"{page.total:,} probes of {page.step} cannot show {limits.availability}: {needed:,} would"
    return "", (
        f"{failed:,} of {page.total:,} probes of {page.step} failed: whether {limits.availability} are kept takes more"
        " of them"
    )


def _slowed(page: Page, limits: Bulkhead) -> Judged:
    if not page.in_fault_ns:
        return "", ""  # no fault was on, or nobody looked: availability speaks for itself
    allowed_ns = max(float(_FLOOR_NS), limits.slowdown * percentile_of(page.before_ns, 99))
    if percentile_of(page.in_fault_ns, 99) <= _FLOOR_NS:
        return "", ""
    least = percentile_bounds(page.least_ns, 99).low
    before = percentile_bounds(page.before_ns, 99).high
    shown = f"{show_duration(percentile_of(page.in_fault_ns, 99))} while a fault was on"
    if math.isinf(before):
        return "", (
            f"p99 of {page.step} was {shown}; whether that is slower than before takes {samples_without_fault(0.99):,}"
            f" probes before the fault, {len(page.before_ns):,} are there"
        )
    if least > max(_FLOOR_NS, limits.slowdown * before):
        return (
            f"p99 of {page.step} was {shown} and {show_duration(percentile_of(page.before_ns, 99))} before:"
            f" {limits.slowdown:g} times as much is allowed"
        ), ""
    if percentile_of(page.in_fault_ns, 99) > allowed_ns:
        return "", f"p99 of {page.step} was {shown}, which may be chance, or our own lateness: probe more often"
    return "", ""


def _said(page: Page) -> str:
    bounds = page.availability
    text = f"{page.step} answered {page.good:,} of {page.total:,} probes, so {bounds.low:.3%} to {bounds.high:.3%}"
    if page.before_ns and page.in_fault_ns:
        before, hurt = percentile_of(page.before_ns, 99), percentile_of(page.in_fault_ns, 99)
        text += f", p99 {show_duration(before)} before a fault and {show_duration(hurt)} while one was on"
    return text


def _numbers(page: Page) -> dict[str, Any]:
    def seconds(took_ns: tuple[int, ...]) -> float | None:
        return round(percentile_of(took_ns, 99) / NS_PER_S, 6) if took_ns else None

    return {
        "good": page.good,
        "probes": page.total,
        "availability_low": round(page.availability.low, 6),
        "availability_high": round(page.availability.high, 6),
        "p99_before_s": seconds(page.before_ns),
        "p99_in_fault_s": seconds(page.in_fault_ns),
        "probes_before": len(page.before_ns),
        "probes_in_fault": len(page.in_fault_ns),
    }
