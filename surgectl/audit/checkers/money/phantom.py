"""Nothing is sold or charged that nobody asked for.

Definition: an order with a ticket, or a charge that kept money, that no fan of this run explains.
Inputs: all three ledgers, and the knowledge that nobody else used shop and provider during the run (rule R9): rows
that their ledger dates a minute before the run, and before every row of ours, are an earlier story.
Settling: none.
Severity: critical. Does not apply where others may have been using the shop.
"""

from __future__ import annotations

from surgectl.audit.books import access, lay, since_s, stray_charges, stray_orders
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations

_NOBODYS = """
SELECT 'order' AS kind, order_id AS id, ambiguous FROM book_orders
WHERE valid AND intent IS NULL AND (? IS NULL OR at_s IS NULL OR at_s >= ?)
UNION ALL
SELECT 'charge', charge, ambiguous FROM book_charges
WHERE net > 0 AND intent IS NULL AND (? IS NULL OR at_s IS NULL OR at_s >= ?)
ORDER BY kind, id"""


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    orders, charges = stray_orders(relations, expectations), stray_charges(relations, expectations)
    orders_s, charges_s = (since_s(relations, expectations, book) for book in ("book_orders", "book_charges"))
    rows = relations.rows(_NOBODYS, [orders_s, orders_s, charges_s, charges_s])
    found = [
        Violation(what=f"{kind} {key} belongs to no fan", keys={kind: key})
        for kind, key, ambiguous in rows
        if not ambiguous
    ]
    ambiguous = len(rows) - len(found)
    # Where nothing links, our own linking is at fault rather than the shop.
    blind = [kind for kind, s in (("orders", orders), ("charges", charges)) if s.total and s.rows == s.total]
    return conclude(
        Case(
            id="PHANTOM",
            severity="critical",
            considered=orders.total + charges.total,
            holds="orders and charges, each explained by a fan",
            broken="orders and charges that nobody asked for",
            violations=() if blind else tuple(found),
            unattributed=len(rows),
            indeterminate=ambiguous + (len(found) if blind else 0),
            doubt=f"not one of the {' and '.join(blind)} finds its intent: say `key:`" if blind else "keys of two fans",
            access=access(relations, ("orders", "charges"), optional=("tickets", "refunds")),
            conditional=True,
            inapplicable=""
            if expectations.exclusive
            else "others may have been using the shop: it needs one of its own",
        ),
        relations,
        expectations,
    )
