"""The sum on the card is the sum that was shown.

Definition: a charge that kept money captured another amount or currency than the price times the tickets of its order
(or of the intent, where it names no order), or than a sum that the shop showed before the payment (fees disclosed
there included) for as many tickets as were ordered. Several charges of one order may make the sum together; a part
given back counts. An order for more tickets than the fan wanted, and was shown, is due no more than those.
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
    AND NOT coalesce(c.captured = o.qty * i.price_minor AND o.qty <= i.qty AND c.currency = i.currency, false)
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
  SELECT o.order_id, o.intent,
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
), allowed AS (
  SELECT c.*, i.fan, i.qty AS wanted, i.price_minor, i.currency AS sale_currency,
    list_concat(coalesce(s.sums, []),
      CASE WHEN o.qty IS NOT NULL THEN [o.qty * i.price_minor] ELSE coalesce(a.sums, []) END) AS sums,
    sum(c.captured) OVER same AS together, sum(c.net) OVER same AS together_net
  FROM theirs c JOIN book_intents i USING (intent)
    LEFT JOIN shown s USING (intent) LEFT JOIN asked a USING (intent)
    LEFT JOIN ordered o ON o.order_id = c.order_id
  WINDOW same AS (PARTITION BY c.intent, c.order_id)
)
SELECT charge, intent, order_id, fan, currency, sale_currency, captured, together,
  list_sort(list_distinct(sums)) AS sums
FROM allowed WHERE currency <> sale_currency OR NOT (list_contains(sums, captured) OR list_contains(sums, net)
  OR list_contains(sums, together) OR list_contains(sums, together_net))
ORDER BY fan, intent, charge"""


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    strays = stray_charges(relations, expectations)
    (considered,) = relations.one("SELECT count(*) FROM book_charges WHERE net > 0 AND intent IS NOT NULL")
    told = refunds_told(relations, expectations)
    found, indeterminate = [], 0
    for charge, intent, order, fan, currency, sale, captured, together, sums in relations.rows(_WRONG):
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
            doubt=UNTOLD_REFUNDS,
            access=access(relations, ("charges", "orders"), optional=("refunds",)),
            strays=(("charges", strays),),
        ),
        relations,
        expectations,
    )
