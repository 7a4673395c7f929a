"""Did what we wanted to survive really happen: a fault that met no payment proves nothing (rules R11, R11a).

payments_in_fault   payments whose first send was due while a fault was on; as a share, of all payments
lost_replies        charges that the provider made and whose reply did not arrive: the fan's payment stayed open, or the
                    charge fell into a window in which every reply is lost; where only some are lost (a toxicity
                    below 100 %), those for which the provider was asked again
retries_after_info  payments and holds sent again after one whose fate was unknown
expired_holds       holds that ran out
sold_out            fans who were told that nothing is left
shed                requests that the shop refused to protect itself
fault_requests      requests that reached the provider while a fault was on; without a request log, payments due then
"""

from __future__ import annotations

import msgspec

from surgectl.audit.books import lay, readings
from surgectl.audit.expectations import Expectations
from surgectl.audit.requests import RECEIVED
from surgectl.audit.windows import FaultWindow, faults_on, inside, windows_of
from surgectl.profile.words import COVERAGE
from surgectl.recording.relations import Relations
from surgectl.units import NS_PER_S, parse_share

_SHARES = ("payments_in_fault",)
_LOSES_REPLIES = ("lost-reply",)


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """One obligation. `required` is as the profile wrote it; `total` is what a share is taken of."""

    id: str
    required: str | None
    seen: int
    met: bool
    total: int | None = None
    note: str = ""

    @property
    def share(self) -> float | None:
        """`seen` as a share, where that means anything."""
        return self.seen / self.total if self.total else None

    @property
    def text(self) -> str:
        """`412 (37%)` or `12`: for reports."""
        return f"{self.seen:,} ({self.share:.0%})" if self.share is not None else f"{self.seen:,}"


def coverage(relations: Relations, expectations: Expectations) -> list[Coverage]:
    """Every obligation that we know, and any other that the profile demands (never met: nobody counts it)."""
    lay(relations)
    faults = faults_on(relations, expectations)
    found = []
    for name in [*COVERAGE, *sorted(set(expectations.coverage) - set(COVERAGE))]:
        required = expectations.coverage.get(name)
        if name not in _COUNTS:
            found.append(Coverage(id=name, required=str(required), seen=0, met=False, note="nobody counts this"))
            continue
        seen, total, note = _COUNTS[name](relations, expectations, faults)
        found.append(
            Coverage(
                id=name,
                required=None if required is None else str(required),
                seen=seen,
                total=total if name in _SHARES or isinstance(required, str) else None,
                met=_met(required, seen, total),
                note=note,
            )
        )
    return found


def _met(required: int | str | None, seen: int, total: int | None) -> bool:
    if required is None:
        return True
    if isinstance(required, int) or required.strip().isdigit():
        return seen >= int(required)
    # A share of nothing was not reached.
    return bool(total) and seen / (total or 1) >= parse_share(required)


_Count = tuple[int, int | None, str]


def _payments_in_fault(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> _Count:
    seen, total = relations.one(
        f"""SELECT count(*) FILTER ({inside("first_ns", windows_of(faults))}), count(*) FROM (
              SELECT min(due_ns) AS first_ns FROM attempts WHERE role = 'pay' AND NOT poll GROUP BY intent, tab, op)"""
    )
    return seen, total, ""


def _lost_replies(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> _Count:
    axis = _on_axis(expectations)
    silent = [fault for fault in faults if fault.brownout in _LOSES_REPLIES and fault.verified]
    whole = windows_of([fault for fault in silent if fault.fault not in expectations.partial_faults])
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


def _retries_after_info(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> _Count:
    (seen,) = relations.one(
        """SELECT count(*) FROM attempts a WHERE a.role IN ('hold', 'pay') AND NOT a.poll AND NOT a.double AND EXISTS (
             SELECT 1 FROM attempts b WHERE b.intent = a.intent AND b.tab = a.tab AND b.role = a.role AND NOT b.poll
               AND b.outcome = 'info' AND b.done_ns IS NOT NULL AND b.done_ns <= a.at_ns)"""
    )
    return seen, None, ""


def _expired_holds(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> _Count:
    if "holds" in readings(relations):
        (seen,) = relations.one("SELECT count(DISTINCT hold) FROM holds WHERE state = 'expired'")
        return seen, None, ""
    (seen,) = relations.one("""SELECT count(DISTINCT intent) FROM tolds WHERE "end" = 'gone'""")
    return seen, None, "from what fans were told: the books give no holds"


def _sold_out(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> _Count:
    (seen,) = relations.one("""SELECT count(DISTINCT intent) FROM tolds WHERE "end" = 'sold-out'""")
    (total,) = relations.one("SELECT count(*) FROM intents")
    return seen, total, ""


def _shed(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> _Count:
    seen, total = relations.one(
        """SELECT count(*) FILTER (why = 'shed' OR "then" = 'shed'), count(*) FROM attempts WHERE sent_ns IS NOT NULL"""
    )
    return seen, total, ""


def _fault_requests(relations: Relations, expectations: Expectations, faults: list[FaultWindow]) -> _Count:
    windows = windows_of(faults)
    if "requests" in readings(relations) and expectations.started_epoch_s:
        column = _on_axis(expectations)
        seen, total = relations.one(f"SELECT count(*) FILTER ({inside(column, windows)}), count(*) FROM requests")
        return seen, total, ""
    seen, total, _ = _payments_in_fault(relations, expectations, faults)
    return seen, total, "from payments that were due then: the provider gives no request log"


_COUNTS = {
    "payments_in_fault": _payments_in_fault,
    "lost_replies": _lost_replies,
    "retries_after_info": _retries_after_info,
    "expired_holds": _expired_holds,
    "sold_out": _sold_out,
    "shed": _shed,
    "fault_requests": _fault_requests,
}
