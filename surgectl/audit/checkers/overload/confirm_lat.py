"""How long a fan who clicked "pay" is left in the dark.

Definition: from the instant at which the first payment was due to definite knowledge, whatever retries lie in between
(no coordinated omission). Who never learnt it counts for as long as we saw them wait (Kaplan and Meier), never as if
they had not asked. A percentile that lies above its limit fails; one that nobody can tell, because too many still
waited, or that rests on fewer samples than it needs to mean anything, is unknown. Without a limit it is told, not
judged.
Inputs: payments and what their fans were told, from the recording alone.
Settling: none; what the shop says after the end counts for no one who had left.
Severity: major.
"""

from __future__ import annotations

import math

from surgectl.audit.books import lay
from surgectl.audit.confirming import LASTED
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.audit.statistic import Statistic, conclude, does_not_apply, turned_off
from surgectl.profile.statistics import ConfirmLatency
from surgectl.recording.relations import Relations
from surgectl.stats.percentile import Durations
from surgectl.units import NS_PER_S, show_duration

_PERCENTILES = (50, 95, 99)


def check(relations: Relations, expectations: Expectations) -> Finding:
    limits = expectations.limits("CONFIRM_LAT", ConfirmLatency())
    if limits is None:
        return turned_off("CONFIRM_LAT")
    waited = _waited(relations)
    if not waited.count:
        return does_not_apply("CONFIRM_LAT", "major", "nobody came as far as to pay", expectations)
    from surgectl.stats.survival import percentiles

    found = dict(zip(_PERCENTILES, percentiles(waited, _PERCENTILES), strict=True))
    allowed = {50: limits.p50, 95: limits.p95, 99: limits.p99}
    breaches, doubts = [], []
    for percentile, limit in allowed.items():
        if limit is None:
            continue
        value_ns, least_ns = found[percentile], waited.percentile(percentile).low
        needed = math.ceil(100 / (100 - percentile))
        if waited.count < needed:
            doubts.append(f"{waited.count:,} payments have no p{percentile}: {needed:,} are the least")
        elif value_ns is not None and value_ns > limit:
            breaches.append(f"p{percentile} is {show_duration(value_ns)}, {limit} is allowed")
        elif least_ns > limit:
            breaches.append(f"p{percentile} is at least {show_duration(least_ns)}, {limit} is allowed")
        elif value_ns is None:
            doubts.append(f"p{percentile} is not known: {len(waited.open_ns):,} of {waited.count:,} never learnt it")
    return conclude(
        Statistic(
            id="CONFIRM_LAT",
            severity="major",
            considered=waited.count,
            said=_said(waited, found),
            breaches=tuple(breaches),
            doubts=tuple(doubts),
            unjudged="" if any(limit is not None for limit in allowed.values()) else _UNJUDGED,
            numbers={"paid": waited.count, "never_learnt": len(waited.open_ns)}
            | {f"p{p}_s": None if ns is None else round(ns / NS_PER_S, 6) for p, ns in found.items()},
        ),
        expectations,
    )


_UNJUDGED = "no limit is set: `statistics: {CONFIRM_LAT: {p95: 5s}}` judges it"


def _waited(relations: Relations) -> Durations:
    lay(relations)
    lasted, known = relations.arrays(LASTED)
    return Durations.of_arrays(lasted[known], lasted[~known])


def _said(waited: Durations, found: dict[int, float | None]) -> str:
    shown = ", ".join(f"p{p} {'unknown' if ns is None else show_duration(ns)}" for p, ns in found.items())
    still = f", {len(waited.open_ns):,} never learnt it" if waited.open_ns else ""
    return f"{waited.count:,} payments until their fan knew: {shown}{still}"
