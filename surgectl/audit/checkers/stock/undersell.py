"""Nobody is sent away while tickets are left.

Definition: when all is quiet tickets are still available, and a fan who got none had been told, finally, that all is
sold, although at that moment enough tickets for the fan's wish were free: what is available at the end, less every unit
that went back (a hold that expired or was released, an order that became void) after the fan had asked or at an unknown
time. All in others' baskets that ran out later is no lie; nor is it one to a fan who wanted more than was left.
Inputs: stock (last snapshot), holds and orders with the instant at which each ended (`ended`), what fans were told. The
shop's clock is foreign: it is compared with the staleness bound, and with what it lags behind our sends.
Settling: judged when the window has passed, pending before.
Severity: major.
"""

from __future__ import annotations

from bisect import bisect_left

import msgspec

from surgectl.audit.books import access, lay, readings
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations
from surgectl.units import NS_PER_S

# The shop decided after it was asked: an earlier instant than the true one only makes the proof harder.
_SENT_AWAY = """
WITH said AS (
  SELECT DISTINCT intent, tab, op FROM tolds WHERE "end" = 'sold-out' AND NOT status_read
), asked AS (
  SELECT s.intent, max(coalesce(a.sent_ns, a.at_ns)) AS asked_ns
  FROM said s LEFT JOIN attempts a
    ON a.intent = s.intent AND a.tab = s.tab AND a.op = s.op AND NOT a.double AND a.why = 'sold-out'
  GROUP BY s.intent
)
SELECT i.intent, i.fan, greatest(i.qty, 1) AS qty, coalesce(a.asked_ns, i.due_ns) / 1e9 AS asked_s
FROM asked a JOIN book_intents i USING (intent)
WHERE i.valid_orders = 0 AND i.confirmed = 0 ORDER BY i.fan, i.intent"""

# A hold that still runs may have ended between two readings; a ticket taken out of a valid order has no instant at all.
_RELEASED = """
SELECT CASE WHEN state <> 'active' THEN ended_s END AS ended_s, coalesce(qty, 1) AS qty FROM holds WHERE state <> 'used'
UNION ALL
SELECT ended_s, qty FROM (
  SELECT * FROM orders QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY file DESC, line DESC) = 1)
WHERE state = 'void'
UNION ALL
SELECT NULL, 1 FROM tickets t JOIN orders o USING (order_id) WHERE t.state = 'void' AND o.state <> 'void'"""

_LAG = """
SELECT min(o.at_s - ? - f.first_ns / 1e9) FROM book_orders o
JOIN (SELECT intent, min(coalesce(sent_ns, at_ns)) AS first_ns FROM attempts
      WHERE role IN ('hold', 'pay') GROUP BY intent) f USING (intent)"""

_CLOCKS_S = 1.0
"""Clocks of two machines are never compared more finely, however prompt the shop is."""
_EVERYTHING = 1 << 40
"""Units of an order that does not say how many."""


class _Releases(msgspec.Struct, frozen=True):
    """Units that went back, the latest first told by how much later than an instant they may have been."""

    times_s: list[float]
    """Latest instant on our axis, ascending."""
    after: list[int]
    """Units at or after each of these."""
    untimed: int
    """Units of which nobody knows when."""

    def since(self, at_s: float) -> int:
        """Units that went back at `at_s` or later, as far as is known."""
        at = bisect_left(self.times_s, at_s)
        return self.after[at] if at < len(self.after) else 0


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    fans = relations.rows(_SENT_AWAY)
    rows, told, available, file, line = relations.one(
        """SELECT count(*), count(available), sum(available), max(file), max(line) FROM stock
           WHERE snapshot = (SELECT max(snapshot) FROM stock)"""
    )
    left = int(available or 0)
    found: list[Violation] = []
    violated = unsure = 0
    doubt = ""
    willing = sum(1 for _, _, qty, _ in fans if qty <= left)
    if rows and told < rows:
        unsure, doubt = len(fans), "stock does not say how many are available: map `available`"
    elif rows > 1:
        unsure = willing
        doubt = "stock has several kinds of tickets, and nobody can say which of them a fan was refused"
    elif willing:
        releases = _releases(relations, expectations)
        blind = _blind(relations)
        for intent, fan, qty, asked_s in fans:
            free = left - releases.since(asked_s)
            if free < qty:
                continue
            if blind or free - releases.untimed < qty:
                unsure += 1
                continue
            violated += 1
            if len(found) < expectations.examples_at_most:
                what = (
                    f"fan {fan} wanted {qty} and was told that all is sold, {asked_s:.1f} s in: of the {left:,} tickets"
                    f" left at the end, {free - releases.untimed:,} were free then"
                )
                found.append(Violation(what=what, intent=intent, keys={"line": f"{file}:{line}"}))
        if unsure:
            doubt = blind or (
                f"{releases.untimed:,} tickets went back at an unknown time, perhaps later: map `ended` of holds and of"
                " the void orders"
            )
    settled = expectations.settled
    return conclude(
        Case(
            id="UNDERSELL",
            severity="major",
            considered=len(fans),
            holds="fans were told that all is sold, and so it was",
            broken="fans were told that all is sold while tickets for them were left",
            violations=tuple(found) if settled else (),
            violated=violated if settled else 0,
            pending=0 if settled else violated,
            indeterminate=unsure,
            doubt=doubt,
            access=access(relations, ("stock",), optional=("holds", "orders", "tickets")),
            conditional=True,
            numbers={"stranded_units": left, "willing_fans": willing, "stranded_units_x_willing_fans": left * willing},
        ),
        relations,
        expectations,
    )


def _releases(relations: Relations, expectations: Expectations) -> _Releases:
    """When units went back, each as late as the shop's clock allows."""
    start_s = expectations.started_epoch_s
    lag_s = 0.0
    if start_s:
        (least,) = relations.one(_LAG, [start_s])
        lag_s = max(0.0, -least) if least is not None else 0.0
    late_s = lag_s + max(_CLOCKS_S, expectations.staleness_ns / NS_PER_S)
    timed: list[tuple[float, int]] = []
    untimed = 0
    for ended_s, qty in relations.rows(_RELEASED):
        units = _EVERYTHING if qty is None else max(0, qty)
        if ended_s is None or not start_s:
            untimed += units
        else:
            timed.append((ended_s - start_s + late_s, units))
    timed.sort()
    after, total = [0] * len(timed), 0
    for at in range(len(timed) - 1, -1, -1):
        total += timed[at][1]
        after[at] = total
    return _Releases([at_s for at_s, _ in timed], after, untimed)


def _blind(relations: Relations) -> str:
    """Why units may have gone back without our knowing; empty where the books would tell."""
    read = readings(relations)
    if "orders" not in read:
        return (
            "an order that became void gives tickets back, and the target gives no orders: add `evidence: {orders: …}`"
        )
    (held,) = relations.one("SELECT count(*) FROM book_intents WHERE holds_ok > 0")
    if held and "holds" not in read:
        return "a hold that runs out gives tickets back, and the target gives no holds: add `evidence: {holds: …}`"
    return ""
