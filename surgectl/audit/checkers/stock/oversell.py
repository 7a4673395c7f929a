"""Never sell more tickets than exist.

Definition: the valid tickets in the shop's books add up to more than the capacity of the scenario (never the shop's own
idea of its capacity). Where the shop has no tickets of its own, a valid order stands for its quantity. Besides, the
distinct orders that fans were told are confirmed, less those that the shop has void or has paid back, add up to more
than the capacity: promised oversell, a lower bound that needs no books.
Inputs: tickets or orders; what fans were told. Tickets that link to no intent of this run are counted as unattributed
and convict only where nobody else used the shop.
Settling: none, too many is too many in any consistent snapshot.
Severity: critical.
"""

from __future__ import annotations

from surgectl.audit.books import access, lay, readings
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations

# A page that says "confirmed" and no number is about the order that another page named, and one order may go by two
# names: what an intent was promised beside the books is one order. How many tickets, where the page does not say: as
# many as the books gave that intent, or as another page told it, at the least. A shop may give fewer than were wanted,
# so without either it is one.
_PROMISED = """
WITH least AS (
  SELECT intent, min(qty) AS qty FROM tolds WHERE outcome = 'ok' AND qty > 0 GROUP BY intent
), said AS (
  SELECT t.intent, o.order_id, t.order_id AS claimed, t.at_ns,
    coalesce(t.qty, o.valid_qty, o.qty, CASE WHEN i.valid_orders > 0 THEN nullif(i.valid_qty, 0) END, l.qty, 1) AS qty
  FROM tolds t LEFT JOIN book_intents i USING (intent) LEFT JOIN book_orders o ON o.order_id = t.order_id
    LEFT JOIN least l ON l.intent = t.intent
  WHERE t."end" = 'confirmed' AND t.outcome = 'ok'
    AND CASE WHEN o.state = 'void' THEN o.valid
      -- Under a name that the books do not have: the place may be another's since the intent's own order was void.
      WHEN o.order_id IS NULL AND i.valid_orders = 0
        THEN len(i.orders) = i.pending_orders AND (i.refunded = 0 OR i.net > 0)
      ELSE true END
  QUALIFY o.order_id IS NOT NULL OR count(o.order_id) OVER (PARTITION BY t.intent) = 0
), meant AS (
  SELECT coalesce(order_id, min(claimed)) AS order_id, intent, max(qty) AS qty, min(at_ns) AS at_ns
  FROM said GROUP BY said.order_id, intent
)
SELECT order_id, min(intent) AS intent, max(qty) AS qty, min(at_ns) AS at_ns
FROM meant GROUP BY order_id, CASE WHEN order_id IS NULL THEN intent END"""


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    capacity = expectations.capacity
    good = access(relations, ("orders",), optional=("tickets",))
    linked, everybody, strange, unknown = relations.one(
        """SELECT coalesce(sum(valid_qty) FILTER (intent IS NOT NULL), 0), coalesce(sum(valid_qty), 0),
             coalesce(sum(valid_qty) FILTER (intent IS NULL), 0), count(*) FILTER (valid AND valid_qty IS NULL)
           FROM book_orders"""
    )
    (promised,) = relations.one(f"SELECT coalesce(sum(qty), 0) FROM ({_PROMISED})")
    sold = everybody if expectations.exclusive else linked
    unstable = any(not reading.stable for kind, reading in readings(relations).items() if kind in ("orders", "tickets"))
    over = 0 if capacity is None else max(0, sold - capacity, promised - capacity)
    found: tuple[Violation, ...] = ()
    if capacity is not None and over:
        firm = sold > capacity and not (unstable and promised > capacity)
        found = _sold(relations, expectations, capacity) if firm else _promised(relations, capacity)
    hidden = capacity is not None and not over and everybody > capacity
    doubts = []
    if hidden:
        doubts.append(
            f"{everybody:,} valid tickets for {capacity:,} places, but {strange:,} link to no intent of this run:"
            " let the books list this sale alone, or say in `key:` whose they are"
        )
    if unknown:
        doubts.append(f"{unknown:,} valid orders do not say how many tickets: map `qty`")
    return conclude(
        Case(
            id="OVERSELL",
            severity="critical",
            considered=max(sold, promised),
            holds=f"tickets sold, no more than the {capacity or 0:,} that exist",
            broken=f"tickets sold beyond the {capacity or 0:,} that exist ({sold:,} valid, {promised:,} promised)",
            violations=found,
            violated=over,
            unattributed=0 if expectations.exclusive else strange,
            indeterminate=unknown + (everybody - capacity if hidden and capacity is not None else 0),
            doubt="; ".join(doubts),
            access=good,
            # Rows of a read that changed under us may never have been valid together; a promise stands by itself.
            snapshot=not unstable or promised > (capacity or 0),
            inapplicable=""
            if capacity is not None
            else "the profile does not say how many tickets exist: `sale: tickets`",
            numbers={"capacity": capacity, "valid": everybody, "promised": promised},
        ),
        relations,
        expectations,
    )


def _sold(relations: Relations, expectations: Expectations, capacity: int) -> tuple[Violation, ...]:
    """The orders that came after the last place was gone, by the shop's own clock."""
    rows = relations.rows(
        """SELECT order_id, intent, valid_qty, upto FROM (
             SELECT *, sum(valid_qty) OVER (ORDER BY at_s NULLS LAST, order_id) AS upto FROM book_orders
             WHERE valid AND (intent IS NOT NULL OR ?))
           WHERE upto > ? ORDER BY upto, order_id""",
        [expectations.exclusive, capacity],
    )
    return tuple(
        Violation(
            what=f"order {order} holds {qty} tickets: number {upto:,} where {capacity:,} exist",
            intent=intent,
            keys={"order": order},
        )
        for order, intent, qty, upto in rows
    )


def _promised(relations: Relations, capacity: int) -> tuple[Violation, ...]:
    rows = relations.rows(
        f"""SELECT order_id, intent, qty, upto FROM (
              SELECT *, sum(qty) OVER (ORDER BY at_ns, intent) AS upto FROM ({_PROMISED}))
            WHERE upto > ? ORDER BY upto, intent""",
        [capacity],
    )
    return tuple(
        Violation(
            what=f"a fan was told that {qty} tickets are theirs, the {upto:,}th promised of {capacity:,}",
            intent=intent,
            keys={"order": order} if order else {},
        )
        for order, intent, qty, upto in rows
    )
