"""Nobody buys more than the limit.

Definition: the valid tickets of one identity (as the shop's books name it) exceed the profile's `sale: limit`.
Inputs: orders with `identity`, tickets where there are any; only orders of this run count. Valid orders without an
identity, or that link to nobody, leave it undecided.
Settling: none.
Severity: major. Does not apply where no limit was promised or the books name no identity.
"""

from __future__ import annotations

from surgectl.audit.books import access, lay, stray_orders
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    limit = expectations.limit
    rows = relations.rows(
        """SELECT lower(trim(identity)) AS who, sum(valid_qty), list(order_id ORDER BY order_id), min(intent)
           FROM book_orders WHERE valid AND intent IS NOT NULL AND identity IS NOT NULL
           GROUP BY who HAVING sum(valid_qty) > ? ORDER BY who""",
        [limit],
    )
    valid, nameless, identities = relations.one(
        """SELECT count(*), count(*) FILTER (identity IS NULL OR valid_qty IS NULL),
             count(DISTINCT lower(trim(identity))) FROM book_orders WHERE valid AND intent IS NOT NULL"""
    )
    homeless = stray_orders(relations, expectations)
    why = "" if limit is not None else "the profile promises no limit: `sale: limit`"
    if not why and valid and not identities:
        why = "the orders name no identity: map `identity`"
    found = [
        Violation(
            what=f"one identity holds {qty} tickets, {limit} are allowed",
            intent=intent,
            keys={"order": ", ".join(orders)},
        )
        for _, qty, orders, intent in rows
    ]
    return conclude(
        Case(
            id="LIMIT",
            severity="major",
            considered=identities,
            holds=f"identities, none with more than {limit}",
            broken=f"identities hold more than {limit}",
            violations=tuple(found),
            unattributed=homeless.rows,
            indeterminate=nameless,
            doubt=f"{nameless:,} valid orders do not say whose they are, or how many: map `identity` and `qty`",
            access=access(relations, ("orders",), optional=("tickets",)),
            strays=(("orders", homeless),),
            inapplicable=why,
        ),
        relations,
        expectations,
    )
