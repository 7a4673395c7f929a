"""Nobody pays twice for one order.

Definition: two or more charges keep money (captured less refunded) for one order, and together more than its amount; or
for one intent, and what names none of its valid orders is more charges than it has valid orders that no charge names,
and more money than is still due for its orders (for what it wanted, where it has none). No order is due more than its
tickets cost at the profile's price, or than the shop showed before the payment: a shop that books the double sum is not
excused by its books. Two charges that together make the amount are a split payment, and fine. Two orders that were paid
once each are no double charge, whatever the sums: AMOUNT looks at those.
Inputs: charges and refunds, orders, links. Charges that link to no intent are unattributed and convict nobody.
Settling: a refund may still come until the window has passed, then a violation.
Severity: critical.
"""

from __future__ import annotations

from surgectl.audit.books import UNTOLD_REFUNDS, access, lay, refunds_told, stray_charges, stray_orders
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations
from surgectl.units import show_money

_TWICE = """
WITH several AS (
  -- Those who paid once are no question here, and they are half a million.
  SELECT intent FROM book_intents WHERE paid > 1
), twice AS (
  SELECT * FROM book_charges SEMI JOIN several USING (intent) WHERE net > 0
), named AS (
  SELECT intent FROM several UNION SELECT o.intent FROM twice JOIN book_orders o USING (order_id)
), shown AS (
  SELECT intent, max(amount_minor) AS most FROM tolds SEMI JOIN named USING (intent)
  WHERE outcome = 'ok' AND role NOT IN ('pay', 'status') GROUP BY intent
), priced AS (
  SELECT o.order_id, o.intent, o.valid,
    CASE WHEN o.qty IS NULL OR o.due IS NULL THEN o.due
      ELSE least(o.due, greatest(o.qty * i.price_minor, coalesce(s.most, 0))) END AS due
  FROM book_orders o SEMI JOIN named USING (intent) JOIN intents i USING (intent) LEFT JOIN shown s USING (intent)
), by_order AS (
  SELECT c.intent, c.order_id, count(*) AS paid, sum(c.net) AS net, any_value(o.due) AS due,
    list(c.charge ORDER BY c.charge) AS charges, list(DISTINCT c.key ORDER BY c.key) AS keys
  FROM twice c JOIN priced o USING (order_id) GROUP BY c.intent, c.order_id HAVING count(*) > 1
), by_intent AS (
  SELECT i.intent, count(*) AS paid, sum(c.net) AS net,
    any_value(CASE WHEN i.valid_orders > 0 THEN p.due ELSE i.qty * i.price_minor END) AS due,
    any_value(i.due_unknown) AS due_unknown, any_value(i.foreign_money) AS foreign_money,
    list(c.charge ORDER BY c.charge) AS charges, list(DISTINCT c.key ORDER BY c.key) AS keys,
    any_value(i.orders) AS orders
  FROM twice c JOIN book_intents i USING (intent)
    LEFT JOIN (SELECT intent, sum(due) AS due FROM priced WHERE valid GROUP BY intent) p USING (intent)
  GROUP BY i.intent
), settled AS (
  SELECT o.intent, o.order_id, o.due, count(c.charge) AS paid, coalesce(sum(c.net), 0) AS net
  FROM priced o LEFT JOIN twice c USING (order_id)
  WHERE o.valid GROUP BY o.intent, o.order_id, o.due
), wanting AS (
  SELECT intent, sum(greatest(due - net, 0)) AS due, count(*) FILTER (paid = 0 AND due > 0) AS orders
  FROM settled GROUP BY intent
), loose AS (
  SELECT c.intent, count(*) AS paid, sum(c.net) AS net
  FROM twice c ANTI JOIN settled USING (order_id) GROUP BY c.intent
), beyond AS (
  -- A charge each for two orders is nobody's second charge, however dear: one must be left over.
  SELECT l.intent FROM loose l JOIN intents i USING (intent) LEFT JOIN wanting w USING (intent)
  WHERE (w.orders IS NULL OR l.paid > w.orders) AND l.net > coalesce(w.due, i.qty * i.price_minor)
)
SELECT b.intent, i.fan, i.currency, b.paid, b.net, b.due, b.charges, b.keys, b.orders,
  EXISTS (SELECT 1 FROM by_order o WHERE o.intent = b.intent AND o.net > o.due) AS within_order,
  b.foreign_money > 0 OR b.due_unknown > 0 AS unclear
FROM by_intent b JOIN book_intents i USING (intent)
WHERE b.intent IN (SELECT intent FROM beyond) OR b.due_unknown > 0
  OR EXISTS (SELECT 1 FROM by_order o WHERE o.intent = b.intent AND o.net > o.due)
ORDER BY i.fan, b.intent"""


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    strays, homeless = stray_charges(relations, expectations), stray_orders(relations, expectations)
    told = refunds_told(relations, expectations)
    (considered,) = relations.one("SELECT count(*) FROM book_intents WHERE charges > 0")
    found: list[Violation] = []
    indeterminate, doubts = 0, []
    for _, violation, within_order, unclear in _twice(relations):
        if unclear:
            indeterminate += 1
            doubts.append("a sum is due in another currency, or not known: map `amount` or `qty` of the orders")
        elif not told:
            indeterminate += 1
            doubts.append(UNTOLD_REFUNDS)
        elif homeless.rows and not within_order:
            # The second charge may belong to a valid order that we cannot link.
            indeterminate += 1
            doubts.append(f"{homeless.rows:,} valid orders link to no intent and may be what was paid for")
        else:
            found.append(violation)
    return conclude(
        Case(
            id="DUPCHARGE",
            severity="critical",
            considered=considered,
            holds="intents were charged, none of them twice",
            broken="intents were charged more than once",
            violations=tuple(found) if expectations.settled else (),
            pending=0 if expectations.settled else len(found),
            unattributed=strays.rows,
            indeterminate=indeterminate,
            doubt="; ".join(dict.fromkeys(doubts)),
            access=access(relations, ("charges", "orders"), optional=("refunds",)),
            strays=(("charges", strays),),
        ),
        relations,
        expectations,
    )


def _twice(relations: Relations) -> list[tuple[str, Violation, bool, bool]]:
    found = []
    for intent, fan, currency, paid, net, due, charges, keys, orders, within_order, unclear in relations.rows(_TWICE):
        said = show_money(due, currency) if due is not None else "an unknown sum"
        named = {"charge": ", ".join(charges)}
        if orders:
            named["order"] = ", ".join(orders)
        if [key for key in keys if key]:
            named["idempotency key"] = ", ".join(key for key in keys if key)
        what = f"fan {fan} paid {paid} times, {show_money(net, currency)} where {said} is due"
        found.append((intent, Violation(what=what, intent=intent, keys=named), within_order, unclear))
    return found
