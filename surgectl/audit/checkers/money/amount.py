"""The sum on the card is the sum that was shown.

Definition: a charge that kept money captured another amount or currency than the price times the tickets of its order
(or of the intent, where it names no order), or than a sum that the shop showed before the payment (fees disclosed
there included) for as many tickets as were ordered. Several charges of one order may make the sum together, and one
may pay for several orders of its intent; a part given back counts. An order for more tickets than the fan wanted, and
was shown, is due no more than those. Where the shop showed less than the profile's price, and its books say so, that
sum is due; unless no charge at all is of the sum that its order is booked for: then it may be without tax or fees.
Inputs: charges and refunds, orders, the profile's price, sums that fans were told before paying. Books that do not tell
of refunds leave it undecided whether what was taken too much went back.
Settling: a correcting refund may still come until the window has passed, then a violation.
Severity: critical.
"""

from __future__ import annotations

from surgectl.audit.books import UNTOLD_REFUNDS, access, lay, refunds_told, stray_charges
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations
from surgectl.units import show_money

_WRONG = """
WITH odd AS (
  -- A charge of just what its order's tickets cost, no more of them than were wanted, is right: most are.
  SELECT DISTINCT c.intent FROM book_charges c JOIN book_intents i USING (intent)
    LEFT JOIN book_orders o ON o.order_id = c.order_id
  WHERE c.net > 0
    AND NOT coalesce(c.captured = o.qty * i.price_minor AND o.qty <= i.qty AND c.currency = i.currency
      AND coalesce(o.amount_minor = c.captured, true), false)
), theirs AS (
  SELECT * FROM book_charges SEMI JOIN odd USING (intent) WHERE net > 0
), named AS (
  SELECT * FROM book_orders
  WHERE intent IN (SELECT intent FROM odd) OR order_id IN (SELECT order_id FROM theirs WHERE order_id IS NOT NULL)
), people AS (
  SELECT intent FROM odd UNION SELECT intent FROM named WHERE intent IS NOT NULL
), held AS (
  SELECT intent, sum(qty) AS qty FROM tolds SEMI JOIN people USING (intent)
  WHERE outcome = 'ok' AND role NOT IN ('pay', 'status') GROUP BY intent
), ordered AS (
  SELECT o.order_id, o.intent, o.valid, o.amount_minor,
    CASE WHEN h.qty IS NULL THEN o.qty ELSE least(o.qty, greatest(i.qty, h.qty)) END AS qty
  FROM named o LEFT JOIN intents i USING (intent) LEFT JOIN held h USING (intent) WHERE o.qty IS NOT NULL
), counted AS (
  SELECT intent, list(DISTINCT qty) AS qtys FROM ordered GROUP BY intent
), shown AS (
  SELECT t.intent, list(DISTINCT t.amount_minor) AS sums FROM tolds t SEMI JOIN odd USING (intent)
    LEFT JOIN counted n USING (intent)
  WHERE t.outcome = 'ok' AND t.role NOT IN ('pay', 'status')
    AND (t.qty IS NULL OR n.qtys IS NULL OR list_contains(n.qtys, t.qty)) GROUP BY t.intent
), asked AS (
  SELECT intent, list(DISTINCT qty * price_minor) AS sums FROM (
    SELECT o.intent, o.qty, i.price_minor FROM ordered o JOIN intents i USING (intent)
    UNION ALL
    SELECT intent, qty, price_minor FROM intents SEMI JOIN odd USING (intent) ANTI JOIN counted USING (intent))
  GROUP BY intent
), parts AS (
  SELECT o.intent, least(sum(o.qty), any_value(greatest(i.qty, coalesce(h.qty, 0)))) AS qty
  FROM ordered o JOIN intents i USING (intent) LEFT JOIN held h USING (intent)
  WHERE o.valid GROUP BY o.intent HAVING count(*) > 1
), whole AS (
  -- A basket that the shop split into several orders is paid at once.
  SELECT p.intent, list_concat([p.qty * any_value(i.price_minor)],
    coalesce(list(t.amount_minor) FILTER (t.amount_minor IS NOT NULL), [])) AS sums
  FROM parts p JOIN intents i USING (intent) LEFT JOIN tolds t ON t.intent = p.intent AND t.outcome = 'ok'
    AND t.role NOT IN ('pay', 'status') AND coalesce(t.qty = p.qty, true)
  GROUP BY p.intent, p.qty
), allowed AS (
  SELECT c.*, i.fan, i.qty AS wanted, i.price_minor, i.currency AS sale_currency,
    list_concat(coalesce(s.sums, []),
      CASE WHEN o.qty IS NOT NULL THEN [o.qty * i.price_minor] ELSE coalesce(a.sums, []) END) AS sums,
    sum(c.captured) OVER same AS together, sum(c.net) OVER same AS together_net,
    (o.qty IS NULL OR count(*) OVER (PARTITION BY c.intent) = 1)
      AND coalesce(list_contains(w.sums, sum(c.net) OVER (PARTITION BY c.intent)), false) AS for_all,
    -- The shop showed less than the profile's price, and its own books say so.
    CASE WHEN list_contains(s.sums, o.amount_minor) AND c.net > list_max(s.sums) THEN s.sums END AS dearer_than
  FROM theirs c JOIN book_intents i USING (intent)
    LEFT JOIN shown s USING (intent) LEFT JOIN asked a USING (intent)
    LEFT JOIN whole w USING (intent) LEFT JOIN ordered o ON o.order_id = c.order_id
  WINDOW same AS (PARTITION BY c.intent, c.order_id)
)
SELECT charge, intent, order_id, fan, currency, sale_currency, captured, together,
  list_sort(list_distinct(coalesce(dearer_than, sums))) AS sums, NOT wrong AS only_dearer
FROM (SELECT *, currency <> sale_currency OR NOT (for_all OR list_contains(sums, captured)
  OR list_contains(sums, net) OR list_contains(sums, together) OR list_contains(sums, together_net)) AS wrong
  FROM allowed)
WHERE wrong OR dearer_than IS NOT NULL
ORDER BY fan, intent, charge"""


# Where nobody was charged what the order is booked for, one of the two is net of something: nobody was overcharged.
_AS_BOOKED = """
SELECT count(*) > 0 FROM book_charges c JOIN book_orders o USING (order_id)
WHERE c.net > 0 AND c.intent IS NOT NULL AND c.captured = o.amount_minor"""
_NET = (
    "no charge is of the sum that its order is booked for, and that was shown: either everybody paid too much, or these"
    " are without tax or fees: let `amount` be what is to be paid, of the orders and of the claims"
)


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    strays = stray_charges(relations, expectations)
    (considered,) = relations.one("SELECT count(*) FROM book_charges WHERE net > 0 AND intent IS NOT NULL")
    told = refunds_told(relations, expectations)
    (as_booked,) = relations.one(_AS_BOOKED)
    found, indeterminate, doubt = [], 0, UNTOLD_REFUNDS
    for charge, intent, order, fan, currency, sale, captured, together, sums, only_dearer in relations.rows(_WRONG):
        if only_dearer and not as_booked:
            indeterminate, doubt = indeterminate + 1, _NET
            continue
        # Of what was taken too much, here or by another charge of the same order, a part may have gone back.
        if not told and (currency != sale or together > min(sums)):
            indeterminate += 1
            continue
        should = " or ".join(show_money(each, sale) for each in sums)
        what = f"fan {fan} was charged {show_money(captured, currency)} where {should} was shown"
        keys = {"charge": charge} | ({"order": order} if order else {})
        found.append(Violation(what=what, intent=intent, keys=keys))
    return conclude(
        Case(
            id="AMOUNT",
            severity="critical",
            considered=considered,
            holds="charges, each of the sum that was shown",
            broken="charges of another sum than was shown",
            violations=tuple(found) if expectations.settled else (),
            pending=0 if expectations.settled else len(found),
            unattributed=strays.rows,
            indeterminate=indeterminate,
            doubt=doubt,
            access=access(relations, ("charges", "orders"), optional=("refunds",)),
            strays=(("charges", strays),),
        ),
        relations,
        expectations,
    )
