"""Nobody buys more than the limit.

Definition: the valid tickets of one identity (as the shop's books name it) exceed the profile's `sale: limit`.
Inputs: orders with `identity`, tickets where there are any; only orders of this run count.
Settling: none.
Severity: major. Does not apply where no limit was promised or the books name no identity.
"""

from __future__ import annotations

from surgectl.audit.books import access, lay
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    limit = expectations.limit
    rows = relations.rows(
        """SELECT identity, sum(valid_qty), list(order_id ORDER BY order_id), min(intent) FROM book_orders
           WHERE valid AND intent IS NOT NULL AND identity IS NOT NULL GROUP BY identity ORDER BY identity"""
    )
    (valid,) = relations.one("SELECT count(*) FROM book_orders WHERE valid AND intent IS NOT NULL")
    why = "" if limit is not None else "the profile promises no limit: `sale: limit`"
    if not why and valid and not rows:
        why = "the orders name no identity: map `identity`"
    found = [
        Violation(
            what=f"one identity holds {qty} tickets, {limit} are allowed",
            intent=intent,
            keys={"order": ", ".join(orders)},
        )
        for _, qty, orders, intent in rows
        if limit is not None and qty is not None and qty > limit
    ]
    return conclude(
        Case(
            id="LIMIT",
            severity="major",
            considered=len(rows),
            holds=f"identities, none with more than {limit}",
            broken=f"identities hold more than {limit}",
            violations=tuple(found),
            access=access(relations, ("orders",), optional=("tickets",)),
            inapplicable=why,
        ),
        relations,
        expectations,
    )
