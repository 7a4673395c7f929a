"""What the faults met: payments, requests, and replies that never arrived.

payments_in_fault   payments whose first send was due while a fault was on; as a share, of all payments
lost_replies        charges that the provider made and whose reply did not arrive: the fan's payment stayed open, or the
                    charge fell into a window in which every reply is lost; where only some are lost (a toxicity
                    below 100 %), those for which the provider was asked again
asked_again         idempotency keys with which the provider was asked to pay more than once
fault_requests      requests that reached the provider while a fault was on; without a request log, payments due then
"""

from __future__ import annotations

from surgectl.audit.books import readings
from surgectl.audit.coverage.count import Count, Counting
from surgectl.audit.expectations import Expectations
from surgectl.audit.requests import RECEIVED
from surgectl.audit.windows import FaultWindow, inside, windows_of
from surgectl.recording.relations import Relations
from surgectl.units import NS_PER_S

_LOSES_REPLIES = ("lost-reply",)


def _payments_in_fault(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> Count:
    seen, total = relations.one(
        f"""SELECT count(*) FILTER ({inside("first_ns", windows_of(faults))}), count(*) FROM (
              SELECT min(due_ns) AS first_ns FROM attempts WHERE role = 'pay' AND NOT poll GROUP BY intent, tab, op)"""
    )
    return seen, total, ""


def _lost_replies(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> Count:
    axis = _on_axis(expectations)
    silent = [fault for fault in faults if fault.brownout in _LOSES_REPLIES and fault.verified]
    # Of a fault by hand that the manifest does not know (the run was killed) nobody knows how much it hit.
    told = {fault.fault for fault in (*expectations.faults, *expectations.by_hand)} - set(expectations.partial_faults)
    whole = windows_of([fault for fault in silent if fault.fault in told])
    # Stripe tells time to the second: such a charge counts only where all of its second lies in the window.
    every = f"({inside(axis, whole)} AND (at_s <> floor(at_s) OR {inside(f'({axis} + {NS_PER_S - 1})', whole)}))"
    # Asked again with the same key about money that was taken: the first answer did not arrive in time.
    some = inside(axis, windows_of([fault for fault in faults if fault.verified]))
    seen, total = relations.one(
        f"""{RECEIVED}, again AS (
              SELECT subject FROM r WHERE upper(method) = 'POST' GROUP BY subject, key
              HAVING count(*) > 1 AND bool_or({some}))
            SELECT count(*) FILTER ({every} OR coalesce(i.pays_doubtful, 0) > 0
                OR coalesce(c.intent, c.order_id, c.charge) IN (SELECT subject FROM again)), count(*)
            FROM book_charges c LEFT JOIN book_intents i USING (intent) WHERE c.captured > 0"""
    )
    return seen, total, "" if "charges" in readings(relations) else "no charges were read"


def _on_axis(expectations: Expectations) -> str:
    """SQL: a ledger row's own time on the run's clock, good enough to say in which window it fell."""
    if not expectations.started_epoch_s:
        return "NULL"
    return f"((at_s - {expectations.started_epoch_s!r}) * {NS_PER_S})"


def _fault_requests(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> Count:
    windows = windows_of(faults)
    if "requests" in readings(relations) and expectations.started_epoch_s:
        column = _on_axis(expectations)
        seen, total = relations.one(f"SELECT count(*) FILTER ({inside(column, windows)}), count(*) FROM requests")
        return seen, total, ""
    seen, total, _ = _payments_in_fault(relations, expectations, faults)
    return seen, total, "from payments that were due then: the provider gives no request log"


def _asked_again(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> Count:
    seen, total = relations.one(
        f"""{RECEIVED} SELECT count(*) FILTER (asked > 1), count(*) FROM (
              SELECT count(*) AS asked FROM r WHERE upper(method) = 'POST' AND key IS NOT NULL GROUP BY key)"""
    )
    return seen, total, "" if "requests" in readings(relations) else "the provider gives no request log"


COUNTS: dict[str, Counting] = {
    "payments_in_fault": _payments_in_fault,
    "lost_replies": _lost_replies,
    "asked_again": _asked_again,
    "fault_requests": _fault_requests,
}
