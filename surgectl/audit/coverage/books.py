"""What the books of shop and provider tell of: holds that ran out, money that went back.

expired_holds       holds that ran out
refunds             charges of which money went back
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


COUNTS: dict[str, Counting] = {"expired_holds": _expired_holds, "refunds": _refunds}
