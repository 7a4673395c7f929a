"""What the crowd wanted and what became of it, in even steps of time: the curve on which a fault leaves its mark.

A want is one thing that one tab asked of the shop: a hold, or a payment, with every retry of it until it was answered.
"Sold out" answers it, and so does "all are in others' baskets, come back"; "too busy" does not, nor does losing
patience. A payment is answered by yes, by a declined card, a limit, or by being sold out; "we could not take your money
in time" answers nothing, so any other refusal counts only where payments met it before the first fault as well (one in
a hundred: a stranger's own word for a declined card). Who comes back after such an answer wants anew. In time is within
ten seconds: the limit for keeping somebody's attention (Nielsen, "Usability Engineering", 1993). Wants of a tab that
closed because another one had bought, and those that our own end cut short before the ten seconds were over, say
nothing.
"""

from __future__ import annotations

from surgectl.audit.answers import NO_ANSWER
from surgectl.audit.books import lay, readings
from surgectl.audit.expectations import Expectations
from surgectl.audit.requests import RECEIVED
from surgectl.recording.relations import Relations
from surgectl.stats.resilience import Course
from surgectl.units import NS_PER_S

IN_TIME_NS = 10 * NS_PER_S
ROLES = {"hold": "holds", "pay": "payments"}
"""What a crowd contends for, and how a report calls it."""
_TRUTHS = "('declined', 'sold-out', 'limit', 'refused')"
_LEAST_NS = 50_000_000
_WANTS_A_BUCKET = 4

_WANTS = f"""
CREATE TEMP TABLE IF NOT EXISTS wants AS
WITH calm AS (
  SELECT "end", outcome FROM tolds WHERE role = 'pay' AND NOT status_read
    AND at_ns < coalesce((SELECT min(at_ns) FROM faults WHERE event = 'applied'), 9223372036854775807)
), heard AS (
  SELECT "end" FROM calm WHERE outcome = 'fail' GROUP BY "end" HAVING count(*) * 100 >= (SELECT count(*) FROM calm)
), answers AS (
  SELECT intent, tab, op, max(at_ns) AS ended_ns,
    min(at_ns) FILTER (outcome <> 'info' AND "end" NOT IN {NO_ANSWER} AND (outcome = 'ok' OR role <> 'pay'
      OR "end" IN {_TRUTHS} OR "end" IN (SELECT "end" FROM heard))) AS at_ns
  FROM tolds WHERE role IN ('hold', 'pay') AND NOT status_read GROUP BY intent, tab, op
), tries AS MATERIALIZED (
  SELECT intent, tab, role, op, "try", due_ns, done_ns, outcome = 'fail' AND "then" = 'again' AS again
  FROM attempts WHERE role IN ('hold', 'pay') AND NOT poll AND NOT double
), once AS MATERIALIZED (
  -- Most are asked once, and are spared the sorting below.
  SELECT intent, tab, role FROM tries GROUP BY intent, tab, role HAVING count(*) = 1
), lasting AS (
  SELECT *, true AS alone, true AS last FROM tries SEMI JOIN once USING (intent, tab, role)
  UNION ALL
  SELECT *, false, row_number() OVER (PARTITION BY intent, tab, op ORDER BY due_ns DESC, "try" DESC) = 1
  FROM tries ANTI JOIN once USING (intent, tab, role)
), answered AS MATERIALIZED (
  SELECT t.*, CASE WHEN t.again THEN t.done_ns WHEN t.last THEN a.at_ns END AS told_ns, a.ended_ns
  FROM lasting t LEFT JOIN answers a USING (intent, tab, op)
), numbered AS (
  SELECT *, count(told_ns) OVER (PARTITION BY intent, tab, role ORDER BY due_ns, op, "try"
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS want FROM answered WHERE NOT alone
), whole AS (
  SELECT role, intent, tab, 0 AS want, due_ns AS first_ns, due_ns AS last_ns, told_ns, done_ns, ended_ns, 1 AS tries
  FROM answered WHERE alone
  UNION ALL
  SELECT role, intent, tab, want, min(due_ns), max(due_ns), min(told_ns), max(done_ns), max(ended_ns), count(*)
  FROM numbered GROUP BY role, intent, tab, want
)
SELECT w.role, w.intent, w.tab, w.want, w.first_ns, w.last_ns, w.told_ns, w.tries,
  coalesce(w.told_ns, w.ended_ns, l.at_ns, w.done_ns, w.last_ns) AS over_ns
FROM whole w LEFT JOIN (
    SELECT intent, tab, max(at_ns) AS at_ns, any_value("end") AS "end" FROM lefts GROUP BY intent, tab) l
  USING (intent, tab)
WHERE w.told_ns IS NOT NULL OR w.ended_ns IS NOT NULL OR NOT (coalesce(l."end", '') = 'closed'
  OR (coalesce(l."end", 'cut-off') IN ('cut-off', 'script-error')
    AND coalesce(l.at_ns, w.done_ns, w.last_ns) - w.first_ns < {IN_TIME_NS}))"""

_BUCKETS = f"""
WITH b AS (
  SELECT first_ns // $bucket AS n, 1 AS offered, (coalesce(told_ns - first_ns <= {IN_TIME_NS}, false))::INT AS resolved,
    0 AS done, 0 AS opened FROM wants WHERE role = $role
  UNION ALL SELECT told_ns // $bucket, 0, 0, 1, 0 FROM wants
    WHERE role = $role AND told_ns IS NOT NULL AND told_ns - last_ns <= {IN_TIME_NS}
  UNION ALL SELECT first_ns // $bucket, 0, 0, 0, 1 FROM wants WHERE role = $role
  UNION ALL SELECT greatest(over_ns, first_ns) // $bucket, 0, 0, 0, -1 FROM wants WHERE role = $role)
SELECT greatest(n, 0), sum(offered), sum(resolved), sum(done), sum(opened) FROM b WHERE n IS NOT NULL
GROUP BY greatest(n, 0) ORDER BY 1"""

_SENDS = """
SELECT greatest(due_ns // $bucket, 0), count(*) FROM attempts
WHERE role = $role AND NOT poll AND NOT double GROUP BY 1"""


def lay_wants(relations: Relations) -> None:
    """Lay the wants as a temporary table of this connection, once."""
    if not relations.rows("SELECT 1 FROM duckdb_tables() WHERE table_name = 'wants'"):
        relations.connection.execute(_WANTS)


def bucket_ns(relations: Relations, expectations: Expectations) -> int:
    """The step of time that suits this run: half the shop's payment time-out, so long as a few wants fall into each.

    A second where the time-out is not known or is two seconds or more: then every number is that of the catalogue.
    """
    if not expectations.payment_timeout_ns:
        return NS_PER_S
    lay_wants(relations)
    wants, first_ns, last_ns = relations.one("SELECT count(*), min(first_ns), max(first_ns) FROM wants")
    filled_ns = _WANTS_A_BUCKET * (last_ns - first_ns) // wants if wants else NS_PER_S
    return int(min(NS_PER_S, max(_LEAST_NS, expectations.payment_timeout_ns // 2, filled_ns)))


def asked_of_provider(
    relations: Relations, expectations: Expectations, step_ns: int
) -> list[tuple[int, int, int]] | None:
    """(step, POSTs for a payment that had been asked for before, all POSTs); None where no log with times was read."""
    if "requests" not in readings(relations) or not expectations.started_epoch_s:
        return None
    lay(relations)
    rows = relations.rows(
        f"""{RECEIVED}, posts AS (
              SELECT floor((at_s - {expectations.started_epoch_s!r}) * {NS_PER_S} / {step_ns})::BIGINT AS n,
                row_number() OVER (PARTITION BY subject ORDER BY at_s) > 1 AS again
              FROM r WHERE upper(method) = 'POST' AND at_s IS NOT NULL)
            SELECT n, count(*) FILTER (again), count(*) FROM posts GROUP BY n"""
    )
    return [(int(n), int(again), int(posts)) for n, again, posts in rows]


def courses(relations: Relations, expectations: Expectations) -> dict[str, Course]:
    """Role → its course; only roles in which anybody wanted anything."""
    lay_wants(relations)
    step_ns = bucket_ns(relations, expectations)
    found = {}
    for role in ROLES:
        rows = relations.rows(_BUCKETS, {"bucket": step_ns, "role": role})
        if not rows:
            continue
        length = int(rows[-1][0]) + 1
        offered, resolved, done, backlog, attempts = ([0] * length for _ in range(5))
        for n, wanted, in_time, answered, opened in rows:
            offered[n], resolved[n], done[n], backlog[n] = int(wanted), int(in_time), int(answered), int(opened)
        for n in range(1, length):
            backlog[n] += backlog[n - 1]
        for n, sends in relations.rows(_SENDS, {"bucket": step_ns, "role": role}):
            if n < length:
                attempts[n] = int(sends)
        asked, asked_again = [0] * length, [0] * length
        posts = asked_of_provider(relations, expectations, step_ns) if role == "pay" else None
        for n, again, every in posts or ():
            if 0 <= n < length:
                asked[n], asked_again[n] = every, again
        found[role] = Course(
            bucket_ns=step_ns,
            asked=tuple(asked) if posts is not None else (),
            asked_again=tuple(asked_again) if posts is not None else (),
            offered=tuple(offered),
            resolved=tuple(resolved),
            done=tuple(done),
            attempts=tuple(attempts),
            backlog=tuple(backlog),
        )
    return found
