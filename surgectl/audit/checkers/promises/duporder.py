"""One want, one order.

Definition: an intent wanted one order and holds two or more valid ones that were paid. It is a violation where one
idempotency key made both, or where the shop promises one order per intent; otherwise it is only reported, for two tabs
may rightly buy twice where the limit allows.
Inputs: orders (with their key, where the books have it), charges where there are any, links.
Settling: a cancellation may still come until the window has passed, then a violation.
Severity: major.
"""

from __future__ import annotations

from surgectl.audit.books import access, lay, readings, stray_orders
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations

_SEVERAL = """
WITH paid AS (SELECT order_id, sum(net) > 0 AS paid FROM book_charges GROUP BY order_id)
SELECT o.intent, i.fan, list(o.order_id ORDER BY o.order_id) AS orders,
  count(o.key) > count(DISTINCT o.key) AS one_key
FROM book_orders o JOIN book_intents i USING (intent) LEFT JOIN paid p USING (order_id)
WHERE o.valid AND coalesce(p.paid, ? OR i.paid >= i.valid_orders)
GROUP BY o.intent, i.fan HAVING count(*) > 1 ORDER BY i.fan, o.intent"""


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    homeless = stray_orders(relations, expectations)
    (considered,) = relations.one("SELECT count(*) FROM book_intents WHERE valid_orders > 0")
    found, allowed = [], 0
    for intent, fan, orders, one_key in relations.rows(_SEVERAL, ["charges" not in readings(relations)]):
        if one_key or expectations.one_order_per == "intent":
            why = "by one idempotency key" if one_key else "where the shop promises one per intent"
            what = f"fan {fan} wanted one order and holds {len(orders)}, {why}"
            found.append(Violation(what=what, intent=intent, keys={"order": ", ".join(orders)}))
        else:
            allowed += 1
    return conclude(
        Case(
            id="DUPORDER",
            severity="major",
            considered=considered,
            holds="intents hold an order, as they wanted",
            broken="intents hold several orders",
            violations=tuple(found) if expectations.settled else (),
            pending=0 if expectations.settled else len(found),
            unattributed=homeless.rows,
            indeterminate=allowed,
            access=access(relations, ("orders",), optional=("tickets", "charges")),
            strays=(("orders", homeless),),
            numbers={"several_but_allowed": allowed},
        ),
        relations,
        expectations,
    )
