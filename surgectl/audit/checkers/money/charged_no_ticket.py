"""Whoever has paid has a ticket, or the money back.

Definition: the charges of an intent keep money (captured less refunded) and it has no valid ticket; or they keep all
that its orders cost, and it has fewer valid tickets than its orders are for.
Inputs: charges and refunds, orders and tickets, what the fan was told (failed, pending, nothing, confirmed). Where
valid orders link to nobody, only a charge that is tied to an order without a ticket convicts: another order may be the
ticket. Where tickets name orders that the books do not list, nobody is convicted. Charges that link to no intent are
unattributed.
Settling: the ticket or the refund may still come until the window has passed, then a violation.
Severity: critical.
"""

from __future__ import annotations

from surgectl.audit.books import (
    UNLISTED,
    UNTOLD_REFUNDS,
    access,
    lay,
    refunds_told,
    stray_charges,
    stray_orders,
    unlisted_orders,
)
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations
from surgectl.units import show_money

_EMPTY_HANDED = """
SELECT i.intent, i.fan, i.currency, i.net, i.told, i.orders, i.charge_ids, i.pending_orders,
  EXISTS (SELECT 1 FROM book_charges c JOIN book_orders o USING (order_id)
          WHERE c.intent = i.intent AND c.net > 0) AS tied
FROM book_intents i WHERE i.net > 0 AND i.valid_orders = 0 ORDER BY i.fan, i.intent"""

# A part that was given back excuses the tickets that were taken back with it.
_SHORT = """
SELECT i.intent, i.fan, i.currency, i.net, i.valid_qty, sum(o.qty) AS ordered, i.orders, i.charge_ids
FROM book_intents i JOIN book_orders o USING (intent)
WHERE o.valid AND i.net > 0 AND i.net >= i.due AND i.foreign_money = 0
GROUP BY ALL HAVING sum(o.qty) > i.valid_qty ORDER BY i.fan, i.intent"""


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    strays, homeless = stray_charges(relations, expectations), stray_orders(relations, expectations)
    told = refunds_told(relations, expectations)
    unlisted = unlisted_orders(relations, expectations)
    (considered,) = relations.one("SELECT count(*) FROM book_intents WHERE captured > 0")
    found: list[Violation] = []
    indeterminate, doubts = 0, []
    for intent, fan, currency, net, said, orders, charges, waiting, tied in relations.rows(_EMPTY_HANDED):
        if not told:
            indeterminate += 1
            doubts.append(UNTOLD_REFUNDS)
        elif unlisted:
            indeterminate += 1
            doubts.append(f"{unlisted:,} {UNLISTED}")
        elif homeless.rows and not tied:
            indeterminate += 1
            doubts.append(
                f"{homeless.rows:,} valid orders link to no intent and may be the tickets: say `key:` of orders"
            )
        else:
            keys = {"charge": ", ".join(charges)} | ({"order": ", ".join(orders)} if orders else {})
            state = "an order still pending" if waiting else "no valid ticket"
            what = f"fan {fan} paid {show_money(net, currency)} and has {state}; told: {said}"
            found.append(Violation(what=what, intent=intent, keys=keys))
    for intent, fan, currency, net, have, ordered, orders, charges in relations.rows(_SHORT):
        if not told or unlisted:
            indeterminate += 1
            doubts.append(f"{unlisted:,} {UNLISTED}" if told else UNTOLD_REFUNDS)
            continue
        keys = {"charge": ", ".join(charges), "order": ", ".join(orders)}
        what = f"fan {fan} paid {show_money(net, currency)} for {ordered} tickets and has {have}"
        found.append(Violation(what=what, intent=intent, keys=keys))
    return conclude(
        Case(
            id="CHARGED_NO_TICKET",
            severity="critical",
            considered=considered,
            holds="intents paid, each has its tickets or the money back",
            broken="intents paid and have no ticket, or too few",
            violations=tuple(found) if expectations.settled else (),
            pending=0 if expectations.settled else len(found),
            unattributed=strays.rows,
            indeterminate=indeterminate,
            doubt="; ".join(dict.fromkeys(doubts)),
            access=access(relations, ("charges", "orders"), optional=("tickets", "refunds")),
            strays=(("charges", strays),),
        ),
        relations,
        expectations,
    )
