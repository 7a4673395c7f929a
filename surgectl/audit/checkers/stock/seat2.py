"""Never sell a seat twice.

Definition: one seat stands on valid tickets of two different orders; or two fans were told that the same seat is
theirs, under different orders of which the shop has neither void nor paid back.
Inputs: tickets with their seat; seats that fans were told. At least two of the orders must be of this run (or nobody
else used the shop): a seat label may mean another evening. One of this run's and one that links to nobody leave it
undecided.
Settling: none, it is wrong in any snapshot.
Severity: critical. Does not apply to a sale without seats.
"""

from __future__ import annotations

from surgectl.audit.books import access, lay, readings
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations

_ISSUED = """
WITH twice AS (
  SELECT seat FROM tickets WHERE state = 'valid' AND seat IS NOT NULL GROUP BY seat
  HAVING min(order_id) <> max(order_id)
)
SELECT t.seat, list(DISTINCT t.order_id ORDER BY t.order_id) AS orders, max(l.intent) AS intent
FROM tickets t SEMI JOIN twice USING (seat) LEFT JOIN links_orders l USING (order_id)
WHERE t.state = 'valid' AND (l.intent IS NOT NULL OR ?)
GROUP BY t.seat HAVING count(DISTINCT t.order_id) > 1 ORDER BY t.seat"""

_HALF_OURS = """
SELECT count(*) FROM (
  SELECT t.seat FROM tickets t LEFT JOIN links_orders l USING (order_id)
  WHERE t.state = 'valid' AND t.seat IS NOT NULL GROUP BY t.seat
  HAVING count(l.intent) > 0 AND count(*) > count(l.intent))"""

# One order may go by two names, one of them not in the books: two names told to one fan are two orders only where the
# books know both.
_TOLD = """
WITH told AS (
  SELECT unnest(seats) AS seat, order_id, intent FROM tolds
  WHERE "end" = 'confirmed' AND outcome = 'ok' AND order_id IS NOT NULL
), twice AS (SELECT seat FROM told GROUP BY seat HAVING min(order_id) <> max(order_id))
SELECT seat, list(DISTINCT order_id ORDER BY order_id) AS orders, max(intent) AS intent FROM (
  SELECT t.seat, t.order_id, t.intent, o.order_id AS known FROM told t SEMI JOIN twice USING (seat)
  LEFT JOIN book_intents i USING (intent) LEFT JOIN book_orders o ON o.order_id = t.order_id
  WHERE CASE WHEN o.state = 'void' THEN o.valid
      WHEN o.order_id IS NULL AND i.valid_orders = 0
        THEN len(i.orders) = i.pending_orders AND (i.refunded = 0 OR i.net > 0)
      ELSE true END)
GROUP BY seat HAVING count(DISTINCT order_id) > 1 AND (count(DISTINCT intent) > 1 OR count(DISTINCT known) > 1)
ORDER BY seat"""


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    (issued,) = relations.one("SELECT count(DISTINCT seat) FROM tickets WHERE state = 'valid'")
    (told,) = relations.one(
        """SELECT count(DISTINCT seat) FROM (SELECT unnest(seats) AS seat FROM tolds WHERE "end" = 'confirmed')"""
    )
    found: dict[str, Violation] = {}
    for seat, orders, intent in [*relations.rows(_ISSUED, [expectations.exclusive]), *relations.rows(_TOLD)]:
        what = f"seat {seat} belongs to {len(orders)} orders: {', '.join(orders)}"
        found.setdefault(seat, Violation(what=what, intent=intent, keys={"seat": seat, "order": ", ".join(orders)}))
    (strange,) = relations.one(
        """SELECT count(*) FROM tickets t LEFT JOIN links_orders l USING (order_id)
           WHERE t.state = 'valid' AND t.seat IS NOT NULL AND l.intent IS NULL"""
    )
    (half_ours,) = relations.one(_HALF_OURS)
    stable = all(r.stable for kind, r in readings(relations).items() if kind == "tickets")
    return conclude(
        Case(
            id="SEAT2",
            severity="critical",
            considered=max(issued, told),
            holds="seats sold, each once",
            broken="seats sold twice",
            violations=tuple(found[seat] for seat in sorted(found)),
            unattributed=0 if expectations.exclusive else strange,
            indeterminate=half_ours,
            doubt=f"{half_ours:,} seats stand on a ticket of this run and on one that links to no intent: say `key:` of"
            " orders, or leave other evenings out of `evidence: tickets`",
            access=access(relations, (), optional=("tickets",)),
            snapshot=stable,
            conditional=True,
            inapplicable=""
            if issued or told
            else "no ticket carries a seat: an unseated sale, or `seat` is not mapped",
        ),
        relations,
        expectations,
    )
