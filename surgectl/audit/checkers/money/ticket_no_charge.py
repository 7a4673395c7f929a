"""Whoever has a ticket has paid for it.

Definition: the charges of an intent keep less than the amount of its valid orders (one that was refunded and is still
valid included; a ticket that costs nothing excluded; where money went back, an order that lost some of its tickets is
due the others' share); or its order holds more valid tickets than it is for, and the charges do not keep their price as
well.
Inputs: orders and tickets, charges and refunds. Money that the shop sets aside and takes when it ships has paid where
the target says so (`secured`). A charge still processing leaves it undecided. Where charges that kept
money link to nobody, any of them may have paid: then nobody is convicted. One that names several intents may have paid
for any of these, once: they are convicted together where they are due more than such charges kept. More tickets than an
order is for convict where another order for as many holds just so many: else it is how this shop counts.
Settling: the charge may still come until the window has passed, then a violation.
Severity: major.
"""

from __future__ import annotations

from surgectl.audit.books import access, lay, stray_charges, stray_orders
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.audit.sharing import sharing
from surgectl.recording.relations import Relations
from surgectl.units import show_money

_UNPAID = """
SELECT intent, fan, currency, net, kept_due, refunded, orders, charge_ids, open OR foreign_money > 0 AS unclear
FROM book_intents WHERE valid_orders > 0 AND net < kept_due ORDER BY fan, intent"""

# One that was sent twice, or printed once more, opens the door to somebody who did not pay.
_TOO_MANY = """
WITH listed AS (
  SELECT order_id, intent, qty, valid_qty FROM book_orders WHERE valid AND listed
), usual AS (
  SELECT DISTINCT qty FROM listed WHERE valid_qty = qty
)
SELECT i.intent, i.fan, i.currency, i.net, i.charge_ids, list_sort(list(o.order_id)) AS orders,
  sum(o.qty) AS ordered, sum(o.valid_qty) AS have, i.open OR i.foreign_money > 0 AS unclear
FROM listed o SEMI JOIN usual USING (qty) JOIN book_intents i USING (intent)
WHERE i.net >= i.due
GROUP BY ALL HAVING i.net < any_value(i.due) + sum((o.valid_qty - o.qty) * i.price_minor)
ORDER BY i.fan, i.intent"""


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    strays, homeless = stray_charges(relations, expectations), stray_orders(relations, expectations)
    considered, unpriced = relations.one(
        "SELECT count(*) FILTER (due > 0), count(*) FILTER (due_unknown > 0) FROM book_intents"
    )
    # Who may have paid with a charge that names several fans; where another charge names nobody, it may be anybody.
    groups = sharing(relations) if strays.rows == strays.torn else None
    bounded, groups = groups is not None, groups or ()
    owners = {intent: at for at, group in enumerate(groups) for intent in group.intents}
    short: dict[int, list[tuple[str, int, int, str, list[str]]]] = {}
    found: list[Violation] = []
    indeterminate, doubts = unpriced, []
    if unpriced:
        doubts.append("what is due is not known: map `amount` or `qty` of the orders")
    for intent, fan, currency, net, due, refunded, orders, charges, unclear in relations.rows(_UNPAID):
        if unclear:
            indeterminate += 1
            doubts.append("a charge is still processing, or in another currency")
        elif intent in owners:
            short.setdefault(owners[intent], []).append((intent, fan, due - net, currency, orders))
        elif strays.rows and not bounded:
            indeterminate += 1
            doubts.append(f"{strays.rows:,} charges link to no intent and may have paid: say `key:` of charges")
        else:
            keys = {"order": ", ".join(orders)} | ({"charge": ", ".join(charges)} if charges else {})
            back = f", {show_money(refunded, currency)} was given back" if refunded else ""
            paid = show_money(net, currency)
            what = f"fan {fan} has valid tickets for {show_money(due, currency)} and paid {paid}{back}"
            found.append(Violation(what=what, intent=intent, keys=keys))
    for at, unpaid in sorted(short.items()):
        group, owed = groups[at], sum(each[2] for each in unpaid)
        intent, _, _, currency, _ = unpaid[0]
        if owed <= group.kept_minor:
            indeterminate += len(unpaid)
            doubts.append(f"a charge names several fans and may have paid for either (first: {strays.first_torn})")
            continue
        fans = " and ".join(str(each[1]) for each in unpaid)
        kept = show_money(group.kept_minor, currency)
        what = f"fan {fans} owe {show_money(owed, currency)} for valid tickets, and share charges of {kept} in all"
        named = {"order": ", ".join(order for each in unpaid for order in each[4]), "charge": ", ".join(group.charges)}
        found.append(Violation(what=what, intent=intent, keys=named))
    for intent, fan, currency, net, charges, orders, ordered, have, unclear in relations.rows(_TOO_MANY):
        if unclear or strays.rows:
            indeterminate += 1
            doubts.append("a charge that may have paid is still processing, in another currency, or links to no intent")
            continue
        keys = {"order": ", ".join(orders)} | ({"charge": ", ".join(charges)} if charges else {})
        what = f"fan {fan} holds {have} valid tickets of an order for {ordered} and paid {show_money(net, currency)}"
        found.append(Violation(what=what, intent=intent, keys=keys))
    return conclude(
        Case(
            id="TICKET_NO_CHARGE",
            severity="major",
            considered=considered,
            holds="intents hold tickets, each paid for",
            broken="intents hold tickets that are not paid for",
            violations=tuple(found) if expectations.settled else (),
            pending=0 if expectations.settled else len(found),
            unattributed=homeless.rows,
            indeterminate=indeterminate,
            doubt="; ".join(dict.fromkeys(doubts)),
            access=access(relations, ("charges", "orders"), optional=("tickets", "refunds")),
            strays=(("orders", homeless),),
        ),
        relations,
        expectations,
    )
