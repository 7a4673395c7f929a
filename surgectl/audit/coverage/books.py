"""What the books of shop and provider tell of: holds that ran out, money that went back.

expired_holds       holds that ran out
refunds             charges of which money went back
webhooks            deliveries of events to the shop
repeated_webhooks   events that the provider delivered more than once; forged ones are nobody's event
"""

from __future__ import annotations

from surgectl.audit.books import readings
from surgectl.audit.coverage.count import Count, Counting
from surgectl.audit.expectations import Expectations
from surgectl.audit.windows import FaultWindow
from surgectl.recording.relations import Relations


def _expired_holds(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> Count:
    if "holds" in readings(relations):
        (seen,) = relations.one("SELECT count(DISTINCT hold) FROM holds WHERE state = 'expired'")
        return seen, None, ""
    (seen,) = relations.one("""SELECT count(DISTINCT intent) FROM tolds WHERE "end" = 'gone'""")
    return seen, None, "from what fans were told: the books give no holds"


def _refunds(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> Count:
    seen, total = relations.one(
        "SELECT count(*) FILTER (refunded > 0), count(*) FILTER (captured > 0) FROM book_charges"
    )
    return seen, total, "" if "charges" in readings(relations) else "no charges were read"


def _webhooks(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> Count:
    (seen,) = relations.one("SELECT count(*) FROM webhooks")
    return seen, None, _log(relations)


def _repeated_webhooks(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> Count:
    (seen,) = relations.one(
        """SELECT count(*) FROM (SELECT event FROM webhooks WHERE signature = 'good'
             GROUP BY event HAVING count(*) > 1)"""
    )
    (total,) = relations.one("SELECT count(DISTINCT event) FROM webhooks WHERE signature = 'good'")
    return seen, total, _log(relations)


def _log(relations: Relations) -> str:
    return "" if "webhooks" in readings(relations) else "the provider gives no log of its deliveries"


COUNTS: dict[str, Counting] = {
    "expired_holds": _expired_holds,
    "refunds": _refunds,
    "webhooks": _webhooks,
    "repeated_webhooks": _repeated_webhooks,
}
