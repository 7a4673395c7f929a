"""A place in the line never gets worse, and is nobody else's.

Definition: a fan is shown a position and then, by a later request of the same wait, a greater one, without having
joined again in between; or two fans are shown one position at the same time. The line moves, so the same number in
two replies at two instants is no sharing: a fan stands at a position from the reply that first shows it to the
sending of the request that last shows it (or was put back in between, unseen: no better), and only such a stretch
that overlaps another fan's, or lies around the whole of a reply to another, convicts. Positions that are all
multiples of some number are rounded, and may be shared. Several tabs of one fan are one person: of two the first
counts. A shop with several lines behind one step has several positions of one number: turn it off for such a shop,
and for one that caps its numbers ("more than 2000").
Inputs: the positions that joins and their polls claim (`claims: {position: …}`), from the recording alone.
Settling: none.
Severity: minor.
"""

from __future__ import annotations

import math

from surgectl.audit.case import Violation, examples
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.audit.statistic import Statistic, conclude, does_not_apply, turned_off
from surgectl.profile.statistics import QueuePosition
from surgectl.recording.relations import Relations
from surgectl.units import NS_PER_S

_JOINS = """
CREATE OR REPLACE TEMP TABLE queue_joins AS
SELECT intent, tab, op, step, poll, sent_ns, done_ns, outcome, position,
  count(*) FILTER (NOT poll) OVER (PARTITION BY intent, tab, op ORDER BY sent_ns, done_ns) AS joined
FROM attempts WHERE role = 'join' AND sent_ns IS NOT NULL AND NOT double"""

_SHOWN = """
WITH shown AS (SELECT * FROM queue_joins WHERE outcome = 'ok' AND position > 0 AND done_ns IS NOT NULL)"""
"""SQL: a WITH clause ending in every position that was shown: 0 is inside, or next, and proves nothing."""

_WORSE = f"""{_SHOWN}, steps AS (
  SELECT intent, tab, op, sent_ns, done_ns, position, lag(position) OVER w AS before,
    lag(sent_ns) OVER w AS before_sent_ns, lag(done_ns) OVER w AS before_ns
  FROM shown WINDOW w AS (PARTITION BY intent, tab, op, joined ORDER BY sent_ns, done_ns)
)
SELECT s.intent, s.before, s.position, s.before_ns, s.sent_ns FROM steps s
WHERE s.position > s.before AND s.sent_ns > s.before_ns
  -- Another tab that joined meanwhile may have moved the place, on a shop that gives one person one place.
  AND NOT EXISTS (SELECT 1 FROM queue_joins j WHERE j.intent = s.intent AND NOT j.poll AND j.sent_ns < s.done_ns
    AND coalesce(j.done_ns, s.done_ns) > s.before_sent_ns AND j.outcome <> 'fail' AND (j.tab, j.op) <> (s.tab, s.op))
ORDER BY s.position - s.before DESC, s.intent, s.sent_ns"""

_SHARED = f"""{_SHOWN}, once AS (
  SELECT * FROM shown QUALIFY dense_rank() OVER (PARTITION BY intent ORDER BY tab, op) = 1
), marked AS (
  SELECT *, position IS DISTINCT FROM lag(position) OVER w OR joined IS DISTINCT FROM lag(joined) OVER w AS fresh
  FROM once WINDOW w AS (PARTITION BY intent ORDER BY sent_ns, done_ns)
), numbered AS (
  SELECT *, count(*) FILTER (fresh) OVER (PARTITION BY intent ORDER BY sent_ns, done_ns) AS stretch FROM marked
), stood AS (
  SELECT intent, step, position, count(*) AS times, min(sent_ns) AS sent_ns, min(done_ns) AS from_ns,
    max(sent_ns) AS to_ns FROM numbered GROUP BY intent, step, position, stretch
), told AS (
  -- Seen twice: from the first reply to the last request. Seen once: some instant within that one reply.
  SELECT intent, step, position, CASE WHEN times > 1 THEN from_ns ELSE sent_ns END AS begins_ns,
    from_ns AS covered_ns, CASE WHEN times > 1 AND to_ns > from_ns THEN to_ns END AS to_ns
  FROM stood
), beside AS (
  SELECT *, max(to_ns) OVER w AS other_to_ns, arg_max(intent, to_ns) OVER w AS other FROM told
  WINDOW w AS (PARTITION BY step, position ORDER BY begins_ns, intent ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
SELECT intent, other, position, covered_ns FROM beside WHERE other_to_ns > covered_ns AND other <> intent
ORDER BY covered_ns, intent"""


def check(relations: Relations, expectations: Expectations) -> Finding:
    limits = expectations.limits("QUEUE_POS", QueuePosition())
    if limits is None:
        return turned_off("QUEUE_POS")
    relations.connection.execute(_JOINS)
    shown, fans, again = relations.one(
        f"""{_SHOWN}, each AS (SELECT intent, count(*) AS times FROM shown GROUP BY intent)
        SELECT coalesce(sum(times), 0), count(*), count(*) FILTER (times > 1) FROM each"""
    )
    if not fans:
        why = "no position in the line is known: name it with `claims: {position: …}` at the step with `role: join`"
        return does_not_apply("QUEUE_POS", "minor", why, expectations)
    worse, shared = relations.rows(_WORSE), relations.rows(_SHARED)
    rounded_to = math.gcd(*(row[0] for row in relations.rows(f"{_SHOWN} SELECT DISTINCT position FROM shown")))
    breaches, doubts = [], []
    if worse:
        breaches.append(f"{len(worse):,} times a fan was further back than before, without joining again")
    if shared and rounded_to == 1:
        breaches.append(
            f"{len(shared):,} times two fans stood at one position at the same time, unless one was put back"
        )
    elif shared:
        doubts.append(f"positions are shown in steps of {rounded_to:,}: whether two fans share one cannot be told")
    if not again:
        doubts.append("nobody was shown a position twice: let more fans wait in line")
    convicts = [_worse(*row) for row in worse]
    convicts += [_shared(*row) for row in shared if rounded_to == 1]
    return conclude(
        Statistic(
            id="QUEUE_POS",
            severity="minor",
            considered=fans,
            said=f"{fans:,} fans were shown {int(shown):,} positions, "
            + ("not all of them true" if breaches else "none further back than before, none shared"),
            breaches=tuple(breaches),
            doubts=tuple(doubts),
            numbers={
                "fans": fans,
                "shown": int(shown),
                "shown_again": again,
                "worse": len(worse),
                "shared": len(shared),
                "steps_of": rounded_to,
            },
            examples=examples(tuple(convicts[: expectations.examples_at_most]), relations, expectations),
        ),
        expectations,
    )


def _worse(intent: str, before: int, position: int, before_ns: int, sent_ns: int) -> Violation:
    return Violation(
        what=f"at position {before:,} after {before_ns / NS_PER_S:.3f} s, at {position:,} after"
        f" {sent_ns / NS_PER_S:.3f} s",
        intent=intent,
    )


def _shared(intent: str, other: str, position: int, at_ns: int) -> Violation:
    return Violation(
        what=f"two fans stood at position {position:,} after {at_ns / NS_PER_S:.3f} s, unless one was put back",
        intent=intent,
        keys={"other": other},
    )
