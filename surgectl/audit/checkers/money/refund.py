"""Money goes back once, and not for a ticket that is kept.

Definition: more was given back for a charge than it had captured; or money was given back for an intent whose ticket
stays valid, so that less is left than is due. Of an order that lost some of its tickets only the others' share is due.
Inputs: charges and refunds, orders and tickets. Books that do not tell of refunds leave it undecided, and so does a
refund where there are no orders to say whose ticket is kept.
Settling: an over-refund is wrong at once; a refunded ticket may still be made void until the window has passed.
Severity: major.
"""

from __future__ import annotations

from surgectl.audit.books import UNTOLD_REFUNDS, access, lay, readings, refunds_told, stray_charges
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations
from surgectl.units import show_money


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    strays = stray_charges(relations, expectations)
    (considered,) = relations.one("SELECT count(*) FROM book_charges WHERE captured > 0 AND intent IS NOT NULL")
    found = [
        Violation(
            what=f"{show_money(refunded, currency)} went back of {show_money(captured, currency)}",
            intent=intent,
            keys={"charge": charge},
        )
        for charge, intent, captured, refunded, currency in relations.rows(
            """SELECT charge, intent, captured, refunded, currency FROM book_charges
               WHERE refunded > captured AND intent IS NOT NULL
               ORDER BY intent, charge"""
        )
    ]
    kept = [
        Violation(
            what=f"fan {fan} got back {show_money(refunded, currency)}, keeps tickets for {show_money(due, currency)}",
            intent=intent,
            keys={"order": ", ".join(orders), "charge": ", ".join(charges)},
        )
        for intent, fan, currency, due, refunded, orders, charges in relations.rows(
            """SELECT intent, fan, currency, kept_due, refunded, orders, charge_ids FROM book_intents
               WHERE valid_orders > 0 AND net < kept_due AND captured >= due AND foreign_money = 0
                 AND NOT open ORDER BY fan, intent"""
        )
    ]
    blocked = bool(strays.rows)  # a charge that we cannot link may have paid again
    untold = considered if not refunds_told(relations, expectations) else 0
    doubts = [UNTOLD_REFUNDS] if untold else []
    orderless = 0
    if "orders" not in readings(relations):
        (orderless,) = relations.one("SELECT count(*) FROM book_intents WHERE refunded > 0")
        doubts.append(f"{orderless:,} intents got money back; who kept a ticket? Add `evidence: {{orders: …}}`")
    if kept:
        doubts.append(f"{strays.rows:,} charges link to no intent and may have paid: say `key:` of charges")
    return conclude(
        Case(
            id="REFUND",
            severity="major",
            considered=considered,
            holds="charges, none given back wrongly",
            broken="refunds that fit neither charge nor ticket",
            violations=tuple(found + (kept if expectations.settled and not blocked else [])),
            pending=0 if expectations.settled else len(kept),
            unattributed=strays.rows,
            indeterminate=untold or orderless or (len(kept) if blocked else 0),
            doubt="; ".join(doubts),
            access=access(relations, ("charges",), optional=("orders", "tickets", "refunds")),
        ),
        relations,
        expectations,
    )
