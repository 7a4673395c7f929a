"""What fans did and were told: retries, double clicks, second tabs, refusals.

retries_after_info  payments and holds sent again after one whose fate was unknown
retries             further attempts of an operation, whatever the one before came to
double_clicks       holds and payments of which a second copy was sent at the same instant
key_reuses          idempotency keys that were sent with two different bodies or more
second_tabs         intents that sent payments from two tabs or more
holds_at_once       fans who asked for a hold (their first) while another fan's was under way
in_line             fans who were told at least once that it is not their turn yet
confirmed           fans who were told that they have bought
sold_out            fans who were told that nothing is left
limit_refusals      fans who were told that one may not buy so many
declines            fans who were told that the card was declined
shed                requests that the shop refused to protect itself
confirmed_reads     answers to somebody who had been told `confirmed` and came back to look
"""

from __future__ import annotations

from surgectl.audit.coverage.count import Count, Counting
from surgectl.audit.expectations import Expectations
from surgectl.audit.windows import FaultWindow
from surgectl.recording.relations import Relations

_LEFT = "why <> 'not-sent'"
"""Bytes of it may have left: what was never sent exercises nothing. Attempts without an end count as sent."""


def _retries_after_info(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> Count:
    (seen,) = relations.one(
        """WITH doubt AS (
             SELECT intent, tab, role, min(done_ns) AS since_ns FROM attempts
             WHERE role IN ('hold', 'pay') AND NOT poll AND outcome = 'info' GROUP BY intent, tab, role)
           SELECT count(*) FROM attempts a JOIN doubt d USING (intent, tab, role)
           WHERE NOT a.poll AND NOT a.double AND a.at_ns >= d.since_ns"""
    )
    return seen, None, ""


def _retries(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> Count:
    (seen,) = relations.one(f'SELECT count(*) FROM attempts WHERE "try" > 1 AND NOT poll AND NOT double AND {_LEFT}')
    return seen, None, ""


def _double_clicks(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> Count:
    (seen,) = relations.one(
        f"SELECT count(*) FROM attempts WHERE double AND NOT poll AND role IN ('hold', 'pay') AND {_LEFT}"
    )
    return seen, None, ""


def _second_tabs(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> Count:
    (seen,) = relations.one(
        f"""SELECT count(*) FROM (SELECT intent FROM attempts WHERE role = 'pay' AND NOT poll AND {_LEFT}
              GROUP BY intent HAVING count(DISTINCT tab) > 1)"""
    )
    return seen, None, ""


def _key_reuses(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> Count:
    (seen,) = relations.one(
        f"""SELECT count(*) FROM (SELECT key FROM attempts WHERE key IS NOT NULL AND NOT poll AND {_LEFT}
              GROUP BY role, key HAVING count(DISTINCT body) > 1)"""
    )
    return seen, None, ""


def _holds_at_once(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> Count:
    seen, total = relations.one(
        """WITH asked AS (
             SELECT intent, min(sent_ns) AS sent_ns, arg_min(done_ns, sent_ns) AS done_ns FROM attempts
             WHERE role = 'hold' AND NOT poll AND sent_ns IS NOT NULL AND done_ns IS NOT NULL GROUP BY intent
           ), before AS (
             SELECT *, max(done_ns) OVER earlier AS busy_ns FROM asked
             WINDOW earlier AS (ORDER BY sent_ns, intent ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))
           SELECT count(*) FILTER (busy_ns > sent_ns), count(*) FROM before"""
    )
    return seen, total, ""


def _in_line(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> Count:
    (seen,) = relations.one(
        """SELECT count(DISTINCT intent) FROM attempts
           WHERE role = 'join' AND outcome = 'ok' AND "then" = 'poll' AND coalesce(position, 1) > 0"""
    )
    return seen, None, ""


def _told(end: str) -> Counting:
    def count(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> Count:
        (seen,) = relations.one("""SELECT count(DISTINCT intent) FROM tolds WHERE "end" = ?""", [end])
        (total,) = relations.one("SELECT count(*) FROM intents")
        return seen, total, ""

    return count


def _shed(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> Count:
    seen, total = relations.one(
        """SELECT count(*) FILTER (why = 'shed' OR "then" = 'shed'), count(*) FROM attempts WHERE sent_ns IS NOT NULL"""
    )
    return seen, total, ""


def _confirmed_reads(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> Count:
    # Whatever came back, a 404 as well: only what brought no answer at all (timeout, cut, quit, no-reply) read nothing.
    (seen,) = relations.one(
        f"""WITH known AS (SELECT intent, min(at_ns) AS at_ns FROM tolds
              WHERE "end" = 'confirmed' AND outcome = 'ok' AND NOT status_read GROUP BY intent)
            SELECT count(*) FROM attempts a JOIN known k USING (intent) WHERE a.role = 'status' AND a.at_ns >= k.at_ns
              AND {_LEFT} AND a.why NOT IN ('timeout', 'cut', 'quit', 'no-reply')"""
    )
    return seen, None, ""


COUNTS: dict[str, Counting] = {
    "retries_after_info": _retries_after_info,
    "retries": _retries,
    "double_clicks": _double_clicks,
    "key_reuses": _key_reuses,
    "second_tabs": _second_tabs,
    "holds_at_once": _holds_at_once,
    "in_line": _in_line,
    "confirmed": _told("confirmed"),
    "sold_out": _told("sold-out"),
    "limit_refusals": _told("limit"),
    "declines": _told("declined"),
    "shed": _shed,
    "confirmed_reads": _confirmed_reads,
}
