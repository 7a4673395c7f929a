"""Who is turned away for overload is turned away fast, and told when to come back.

Definition: of the replies that refused for overload (`then: shed`), at least 99 % come within 250 ms of when the
request was due, at least 99 % carry a Retry-After that can be read (seconds or an HTTP date, RFC 9110 10.2.3;
wherever the rule's `hint:` looks), and not all of them the same one, which would bring the whole herd back at once;
and time-outs are at most half of all that were turned away, for a shop that lets people wait for nothing sheds in
silence. Each limit is passed only where it is so for certain, at 95 % (exact, Clopper and Pearson), and less what our
own timers were late by: a slow reply or two convict nobody. Honesty is told: how those fared who came back when they
were told to, and those who came earlier.
Inputs: refusals and what was sent after them, from the recording alone.
Settling: none.
Severity: minor.
"""

from __future__ import annotations

from typing import Any

import msgspec

from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.audit.ourselves import OUR_LAG, spared
from surgectl.audit.statistic import Judged, Statistic, conclude, does_not_apply, turned_off
from surgectl.profile.statistics import Shedding
from surgectl.recording.relations import Relations
from surgectl.stats.intervals import share_bounds
from surgectl.stats.percentile import percentile_of
from surgectl.units import NS_PER_S, show_duration

_HERD_AT_LEAST = 30
"""Fewer equal waits may be an accident of a small range of whole seconds."""

_SHEDS = f"""
WITH {OUR_LAG}
SELECT took_ns, least_ns, NOT poll AND claims LIKE '%"wait_s":%' AS looked,
  CASE WHEN wait_s >= 0 AND wait_s < 86401 THEN wait_s END AS wait_s
FROM {spared("attempts")} WHERE (why = 'shed' OR "then" = 'shed') AND role <> 'status' ORDER BY took_ns"""

_TIMED_OUT = "SELECT count(*) FROM attempts WHERE why = 'timeout' AND sent_ns IS NOT NULL AND role <> 'status'"

_CAME_BACK = f"""
WITH away AS (
  SELECT DISTINCT intent FROM attempts WHERE wait_s IS NOT NULL
), sends AS (
  SELECT intent, tab, op, why = 'shed' OR "then" = 'shed' AS shed, wait_s, done_ns, outcome,
    lead(sent_ns) OVER w AS next_ns, lead(outcome) OVER w AS next_outcome
  FROM attempts SEMI JOIN away USING (intent)
  WHERE NOT poll AND NOT double AND role <> 'status' AND sent_ns IS NOT NULL
  WINDOW w AS (PARTITION BY intent, tab, op ORDER BY sent_ns)
)
SELECT next_ns - done_ns >= wait_s * {NS_PER_S} AS waited, count(*), count(*) FILTER (next_outcome = 'ok')
FROM sends WHERE shed AND wait_s IS NOT NULL AND next_ns IS NOT NULL AND done_ns IS NOT NULL GROUP BY waited"""


class Sheds(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody who was turned away."""

    took_ns: tuple[int, ...]
    """How long each refusal took from when its request was due, ascending."""
    least_ns: tuple[int, ...]
    """The same, less what our own machine may have added."""
    looked: int
    """Refusals whose rule looks for a wait."""
    waits_s: tuple[float, ...]
    """The waits that could be read."""
    timed_out: int


def check(relations: Relations, expectations: Expectations) -> Finding:
    limits = expectations.limits("SHED", Shedding())
    if limits is None:
        return turned_off("SHED")
    sheds = _sheds(relations)
    if not sheds.took_ns:
        why = "nobody was turned away for overload: let more come, or say `then: shed` of the replies that do so"
        return does_not_apply("SHED", "minor", why, expectations)
    judged = [_fast(sheds, limits), _told(sheds, limits), _silent(sheds, limits), _herd(sheds)]
    p99_ns = percentile_of(sheds.took_ns, 99)
    honesty = _honesty(relations)
    return conclude(
        Statistic(
            id="SHED",
            severity="minor",
            considered=len(sheds.took_ns),
            said=_said(sheds, p99_ns, honesty),
            breaches=tuple(breach for breach, _ in judged if breach),
            doubts=tuple(doubt for _, doubt in judged if doubt),
            numbers={
                "sheds": len(sheds.took_ns),
                "p99_s": round(p99_ns / NS_PER_S, 6),
                "with_wait": len(sheds.waits_s),
                "wait_looked_for": sheds.looked,
                "waits": len(set(sheds.waits_s)),
                "timed_out": sheds.timed_out,
            }
            | honesty,
        ),
        expectations,
    )


def _sheds(relations: Relations) -> Sheds:
    rows = relations.rows(_SHEDS)
    (timed_out,) = relations.one(_TIMED_OUT)
    return Sheds(
        took_ns=tuple(row[0] for row in rows),
        least_ns=tuple(row[1] for row in rows),
        looked=sum(bool(looked) for *_, looked, _ in rows),
        waits_s=tuple(sorted(wait_s for *_, looked, wait_s in rows if looked and wait_s is not None)),
        timed_out=timed_out,
    )


def _fast(sheds: Sheds, limits: Shedding) -> Judged:
    slow, count = sum(ns > limits.p99 for ns in sheds.took_ns), len(sheds.took_ns)
    surely_slow = sum(ns > limits.p99 for ns in sheds.least_ns)
    if share_bounds(surely_slow, count).low > 0.01:
        p99 = show_duration(percentile_of(sheds.took_ns, 99))
        return f"a refusal takes up to {p99} (p99), {limits.p99} are allowed", ""
    if slow > 0.01 * count:
        why = "our own timers were late" if surely_slow < slow else "too few to say whether that is usual"
        return "", f"{slow:,} of {count:,} refusals took longer than {limits.p99}: {why}"
    return "", ""


def _told(sheds: Sheds, limits: Shedding) -> Judged:
    told, looked = len(sheds.waits_s), sheds.looked
    if not looked:
        return (
            "",
            "whether refusals say when to come back is not known: add `hint: {header: Retry-After}` to their rule",
        )
    if share_bounds(told, looked).high < limits.parseable:
        return f"{told:,} of {looked:,} refusals say when to come back, {limits.parseable} should", ""
    if told < limits.parseable * looked:
        return "", f"{looked - told:,} of {looked:,} refusals do not say when to come back: too few to call it usual"
    return "", ""


def _silent(sheds: Sheds, limits: Shedding) -> Judged:
    away = len(sheds.took_ns) + sheds.timed_out
    said = f"{sheds.timed_out:,} of {away:,} who were turned away got no answer at all"
    if share_bounds(sheds.timed_out, away).low > limits.slow_failures:
        return f"{said}, {limits.slow_failures} may", ""
    return ("", f"{said}: too few to call it usual") if sheds.timed_out > limits.slow_failures * away else ("", "")


def _herd(sheds: Sheds) -> Judged:
    if len(sheds.waits_s) < _HERD_AT_LEAST or len(set(sheds.waits_s)) > 1:
        return "", ""
    wait = show_duration(sheds.waits_s[0] * NS_PER_S)
    return f"all {len(sheds.waits_s):,} were told to come back after {wait}: the herd comes back as one", ""


def _honesty(relations: Relations) -> dict[str, Any]:
    """What became of those who waited as told, and of those who did not."""
    found = {bool(waited): (count, well) for waited, count, well in relations.rows(_CAME_BACK)}
    (waited, waited_well), (early, early_well) = found.get(True, (0, 0)), found.get(False, (0, 0))
    return {
        "waited": waited,
        "waited_served": round(waited_well / waited, 4) if waited else None,
        "came_early": early,
        "early_served": round(early_well / early, 4) if early else None,
    }


def _said(sheds: Sheds, p99_ns: float, honesty: dict[str, Any]) -> str:
    told = f"; {len(sheds.waits_s):,} of {sheds.looked:,} say when to come back" if sheds.looked else ""
    rest = f"; {sheds.timed_out:,} more got no answer in time" if sheds.timed_out else ""
    for who, count, served in (
        ("came back too early", honesty["came_early"], honesty["early_served"]),
        ("came back when they were told to", honesty["waited"], honesty["waited_served"]),
    ):
        rest += f"; {count:,} {who}, {served:.0%} of them were served" if count else ""
    return f"{len(sheds.took_ns):,} were turned away for overload, 99% within {show_duration(p99_ns)}{told}{rest}"
