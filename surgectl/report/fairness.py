"""Who waited how long and who got a ticket: by how people behave, and by when they came.

FAIR_ORDER, QUEUE_POS and TAB_ADV judge (surgectl/audit/checkers/fairness); this only counts, for people to see.
"""

from __future__ import annotations

from typing import Any

import msgspec

from surgectl.recording.relations import Relations

TENTHS = 10


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the fans. Seconds count from a fan's arrival; None: it happened to none of them."""

    who: str
    """A retry profile's name, or which fans by order of arrival (`1-120`)."""
    fans: int
    from_s: float
    """When the first of them came."""
    to_s: float
    confirmed: int
    let_in: int
    """Were let through the line, where there is one."""
    wait_p50_s: float | None
    """Until the line let them in."""
    wait_p95_s: float | None
    won_p50_s: float | None
    """Until they were told that they have a ticket."""
    won_p95_s: float | None


class Fairness(msgspec.Struct, frozen=True, kw_only=True):
    """The fans of a run, divided twice."""

    by_profile: list[Group]
    by_order: list[Group]
    """Tenths, the first who came first."""


_EACH = f"""
WITH let_in AS (
  SELECT intent, min(at_ns) AS ns FROM tolds WHERE role = 'join' AND outcome = 'ok' GROUP BY intent
), won AS (
  SELECT intent, min(at_ns) AS ns FROM tolds WHERE "end" = 'confirmed' AND outcome = 'ok' GROUP BY intent
), each AS (
  SELECT i.profile, ntile({TENTHS}) OVER (ORDER BY i.at_ns, i.intent) AS tenth, i.at_ns / 1e9 AS at_s,
    (l.ns - i.at_ns) / 1e9 AS wait_s, (w.ns - i.at_ns) / 1e9 AS won_s
  FROM intents i LEFT JOIN let_in l USING (intent) LEFT JOIN won w USING (intent)
)
SELECT profile, tenth, count(*), min(at_s), max(at_s), count(won_s), count(wait_s),
  quantile_cont(wait_s, [0.5, 0.95]), quantile_cont(won_s, [0.5, 0.95])
FROM each GROUP BY GROUPING SETS ((profile), (tenth)) ORDER BY tenth, profile"""


def fairness(relations: Relations) -> Fairness:
    """Count the recording."""
    by_profile, by_order, before = [], [], 0
    for profile, tenth, fans, *rest in relations.rows(_EACH):
        if tenth is None:
            by_profile.append(_group(profile, fans, *rest))
            continue
        who = f"{before + 1:,}" if fans == 1 else f"{before + 1:,}–{before + fans:,}"
        by_order.append(_group(who, fans, *rest))
        before += fans
    return Fairness(by_profile=by_profile, by_order=by_order)


def _group(who: str, fans: int, from_s: float, to_s: float, confirmed: int, let_in: int, wait: Any, won: Any) -> Group:
    wait_p50_s, wait_p95_s, won_p50_s, won_p95_s = (
        None if seconds is None else round(float(seconds), 3)
        for seconds in (*(wait or (None, None)), *(won or (None, None)))
    )
    return Group(
        who=who,
        fans=int(fans),
        from_s=round(float(from_s), 3),
        to_s=round(float(to_s), 3),
        confirmed=int(confirmed),
        let_in=int(let_in),
        wait_p50_s=wait_p50_s,
        wait_p95_s=wait_p95_s,
        won_p50_s=won_p50_s,
        won_p95_s=won_p95_s,
    )
