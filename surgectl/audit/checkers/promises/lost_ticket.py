"""A ticket that was confirmed stays.

Definition: a fan was told that an order is confirmed, and in the shop's books that order is missing, void, or holds
fewer valid tickets than was said; or one order was confirmed to several intents for more tickets than it holds; or the
order itself is gone and only its tickets are left. A confirmed order that was cancelled and refunded in full afterwards
is "revoked": broken as well, but major.
Inputs: what fans were told; orders and tickets; refunds tell lost from revoked. A claimed id that the books do not
know convicts where the books know other claimed ids, or where no valid order is without an owner; a ticket's name
where the books know another that was told. Tickets that name orders which the books do not list leave it undecided,
unless the fan has no order else, was told that very number, and others were told numbers that are listed.
Settling: an order that is pending again may come back until the window has passed; the rest is judged when the books
are quiet.
Severity: critical; major where all of them were revoked.
"""

from __future__ import annotations

from surgectl.audit.books import UNLISTED, access, lay, stray_orders, unlisted_orders
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations

_PROMISES = """
WITH sure AS (
  SELECT intent, order_id, qty, tickets FROM tolds WHERE "end" = 'confirmed' AND outcome = 'ok'
  -- A page that says "confirmed" and no number is about the order that another page named, not about a second one.
    AND (order_id IS NOT NULL OR intent NOT IN (
      SELECT intent FROM tolds WHERE "end" = 'confirmed' AND outcome = 'ok' AND order_id IS NOT NULL))
), said AS (
  SELECT intent, order_id, max(qty) AS qty FROM sure GROUP BY intent, order_id
), named AS (
  SELECT intent, order_id, unnest(tickets) AS ticket FROM sure
), shared AS (
  SELECT order_id, sum(coalesce(qty, 1)) AS qty FROM said WHERE order_id IS NOT NULL
  GROUP BY order_id
), gone AS (
  SELECT intent, order_id, count(DISTINCT ticket) AS gone
  FROM named ANTI JOIN (SELECT ticket FROM tickets WHERE state = 'valid') v USING (ticket)
  -- Fans may be shown a code where the books have a number.
  WHERE ticket IS NOT NULL AND EXISTS (SELECT 1 FROM named SEMI JOIN tickets USING (ticket))
  GROUP BY intent, order_id
)
SELECT s.intent, i.fan, s.order_id, coalesce(s.qty, 1) AS qty, o.order_id IS NOT NULL AS found,
  coalesce(o.listed, false) AS listed, o.state, o.valid,
  o.valid_qty, len(i.orders) AS listed_orders, i.valid_qty AS intent_qty, i.valid_orders, i.net, i.refunded,
  h.qty AS shared_qty, coalesce(g.gone, 0) AS gone
FROM said s JOIN book_intents i USING (intent) LEFT JOIN book_orders o ON o.order_id = s.order_id
  LEFT JOIN shared h ON h.order_id = s.order_id
  LEFT JOIN gone g ON g.intent = s.intent AND g.order_id IS NOT DISTINCT FROM s.order_id
"""

# Most promises were kept, and to take half a million of them up one by one is slow: _breach sees those that may not be.
_KEPT = """found AND listed AND valid AND valid_qty >= qty AND coalesce(valid_qty >= shared_qty, true) AND gone = 0"""


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    homeless, unlisted = stray_orders(relations, expectations), unlisted_orders(relations, expectations)
    (by_ticket,) = relations.one("SELECT count(*) > 0 FROM sources WHERE kind = 'tickets'")
    relations.connection.execute(f"CREATE OR REPLACE TEMP TABLE promises AS {_PROMISES}")
    considered, ids_known, ids_listed = relations.one(
        "SELECT count(*), coalesce(bool_or(found), false), coalesce(bool_or(listed), false) FROM promises"
    )
    rows = relations.dicts(f"SELECT * FROM promises WHERE NOT coalesce({_KEPT}, false) ORDER BY fan, intent, order_id")
    found: list[Violation] = []
    pending, indeterminate, revoked = 0, 0, 0
    doubt = "the order ids that fans were told are not those in the books: check `row: {order: …}`"
    for row in rows:
        orphaned = row["found"] and not row["listed"] and ids_listed and not row["listed_orders"]
        breach = "the books hold its tickets, and not the order" if orphaned else _breach(row, by_ticket)
        if breach is None:
            continue
        if not row["found"] and homeless.rows and not (ids_known and row["order_id"]):
            indeterminate += 1
            continue
        if row["found"] and row["state"] != "void" and unlisted and not orphaned:
            indeterminate += 1
            doubt = f"{unlisted:,} {UNLISTED}"
            continue
        if row["state"] == "pending" and not row["valid"] and not expectations.settled:
            pending += 1
            continue
        back = row["refunded"] > 0 and row["net"] <= 0
        revoked += back
        after = "cancelled and refunded after it was confirmed" if back else breach
        order = row["order_id"]
        what = f"fan {row['fan']} was told that {'order ' + order if order else 'the order'} is confirmed: {after}"
        found.append(Violation(what=what, intent=row["intent"], keys={"order": order} if order else {}))
    return conclude(
        Case(
            id="LOST_TICKET",
            severity="major" if found and revoked == len(found) else "critical",
            considered=considered,
            holds="confirmed orders, each still there",
            broken="confirmed orders are gone",
            violations=tuple(found),
            pending=pending,
            unattributed=homeless.rows,
            indeterminate=indeterminate,
            doubt=doubt,
            access=access(relations, ("orders",), optional=("tickets",)),
            numbers={"revoked": revoked},
        ),
        relations,
        expectations,
    )


def _breach(row: dict[str, object], by_ticket: bool) -> str | None:
    """What is wrong with one promise, or None where it was kept."""
    qty, have = _int(row["qty"]), row["valid_qty"]
    if not row["found"]:
        if _int(row["valid_orders"]) and _int(row["intent_qty"]) >= qty:
            return None  # under another id, but found by what we minted
        return "the books do not know it" if row["order_id"] else "the books hold no valid ticket"
    if not row["valid"]:
        return f"it is {row['state'] or 'without a valid ticket'}" if not by_ticket else "it has no valid ticket"
    if have is not None and _int(have) < qty:
        return f"it holds {have} of {qty} tickets"
    if have is not None and row["shared_qty"] is not None and _int(have) < _int(row["shared_qty"]):
        return f"it was confirmed to several fans for {row['shared_qty']} tickets and holds {have}"
    if by_ticket and _int(row["gone"]):
        return f"{row['gone']} of the tickets it named are not valid"
    return None


def _int(value: object) -> int:
    return int(str(value)) if value is not None else 0
