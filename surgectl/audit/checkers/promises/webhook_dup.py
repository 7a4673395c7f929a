"""What the provider tells twice, late or not at all happens once.

Definition: a shop that the events of a payment make wrong. An event was delivered twice or more, and what it pays for
was fulfilled twice: more valid tickets than the order's quantity, or valid orders that together cost more than the one
payment brought. Or the last event of a payment, in the provider's own order and taken by the shop, contradicts how the
order ended: money kept and the order pending or void, or nothing paid and the order valid. Or a delivery that the
provider never signed was taken (2xx), and its order is valid without any charge; one that changed nothing is counted,
no more.
Inputs: the provider's log of deliveries; orders, tickets; charges and refunds. A delivery finds its order by the
payment that both name, or by a key: the same person, sum or minute convicts nobody.
Settling: a late event may still put it right until the window has passed, then a violation.
Severity: critical. Does not apply where the provider delivers no events, or gives no log of them.
"""

from __future__ import annotations

import msgspec

from surgectl.audit.books import UNTOLD_REFUNDS, Strays, access, lay, readings, refunds_told, stray_charges
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations

# docs.stripe.com/api/events/types: what an event says of the payment. Refunds may be partial: the books say how much.
_SAYS = """CASE
  WHEN type IN ('payment_intent.succeeded', 'charge.succeeded', 'charge.captured') THEN 'paid'
  WHEN type IN ('payment_intent.payment_failed', 'payment_intent.canceled', 'charge.failed', 'charge.expired',
    'charge.refunded') THEN 'not paid' END"""

_LETTERS = f"""
CREATE OR REPLACE TEMP TABLE webhook_letters AS
SELECT row_number() OVER (ORDER BY file, line) AS letter, event, {_SAYS} AS says, payment, number, created_s, signature,
  coalesce(status BETWEEN 200 AND 299, false) AS taken, at_s, coalesce(keys, []) AS keys
FROM webhooks;

CREATE OR REPLACE TEMP TABLE webhook_orders AS
WITH named AS (
  FROM (SELECT order_id, unnest(payments) AS payment FROM book_orders
    UNION SELECT order_id, payment FROM book_charges WHERE payment IS NOT NULL
    UNION SELECT order_id, charge FROM book_charges) SEMI JOIN webhook_letters USING (payment)
), keyed AS (SELECT letter, unnest(keys) AS value FROM webhook_letters
), minted AS (
  SELECT value, min(intent) AS intent FROM (
    SELECT intent, value FROM mints UNION ALL SELECT intent, intent FROM intents) SEMI JOIN keyed USING (value)
  GROUP BY value HAVING min(intent) = max(intent)
)
SELECT l.letter, n.order_id, true AS exact FROM webhook_letters l JOIN named n USING (payment)
WHERE n.order_id IS NOT NULL
UNION
SELECT k.letter, o.order_id, true FROM keyed k JOIN book_orders o ON k.value = 'orders.order=' || o.order_id
UNION
SELECT k.letter, o.order_id, false FROM keyed k JOIN minted m USING (value) JOIN book_orders o ON o.intent = m.intent;
"""

_MONEY = """
SELECT payment, sum(captured) AS captured, sum(net) AS net, bool_or(open) AS open FROM (
  SELECT payment, captured, net, open FROM book_charges WHERE payment IS NOT NULL
  UNION ALL SELECT charge, captured, net, open FROM book_charges WHERE charge IS DISTINCT FROM payment)
GROUP BY payment"""

_TWICE = f"""
WITH again AS (
  SELECT event, any_value(payment) AS payment, count(*) AS times, min(letter) AS letter FROM webhook_letters
  WHERE signature = 'good' GROUP BY event HAVING count(*) > 1
), meant AS (
  SELECT DISTINCT a.event, a.payment, a.times, w.order_id
  FROM again a JOIN webhook_letters l USING (event) JOIN webhook_orders w ON w.letter = l.letter AND w.exact
), money AS ({_MONEY})
SELECT m.event, any_value(m.times) AS times, list(DISTINCT o.order_id ORDER BY o.order_id) AS orders,
  min(o.intent) AS intent, count(DISTINCT o.order_id) AS several,
  bool_or(coalesce(o.valid_qty > o.qty, false)) AS too_many, sum(o.due) AS due, count(o.due) AS dues,
  any_value(c.captured) AS captured
FROM meant m JOIN book_orders o USING (order_id) LEFT JOIN money c ON c.payment = m.payment
WHERE o.valid GROUP BY m.event HAVING count(DISTINCT o.order_id) > 1 OR bool_or(coalesce(o.valid_qty > o.qty, false))
ORDER BY m.event"""

# The provider's own number of an event where it has one, else its instant; of several at one instant nobody knows.
_LAST = f"""
WITH told AS (
  SELECT payment, event, any_value(says) AS says, any_value(number) AS number, any_value(created_s) AS created_s,
    bool_or(taken) AS taken
  FROM webhook_letters WHERE signature = 'good' AND says IS NOT NULL AND payment IS NOT NULL GROUP BY payment, event
), placed AS (
  SELECT *, CASE WHEN count(number) OVER p = count(*) OVER p THEN number
    WHEN count(created_s) OVER p = count(*) OVER p THEN created_s END AS place
  FROM told WINDOW p AS (PARTITION BY payment)
), last AS (
  SELECT payment, count(DISTINCT says) AS opinions, min(says) AS says, bool_or(taken) AS taken, min(event) AS event
  FROM (SELECT *, max(place) OVER (PARTITION BY payment) AS latest FROM placed)
  WHERE place = latest OR latest IS NULL GROUP BY payment
), meant AS (
  SELECT DISTINCT l.payment, w.order_id FROM webhook_letters l JOIN webhook_orders w ON w.letter = l.letter AND w.exact
  WHERE l.signature = 'good'
), money AS ({_MONEY}), paid AS (
  SELECT order_id, sum(net) AS net, bool_or(open) AS open FROM book_charges WHERE order_id IS NOT NULL GROUP BY order_id
)
SELECT o.order_id, o.intent, o.valid, o.state, list(DISTINCT l.event ORDER BY l.event) AS events,
  list(DISTINCT l.says) AS says, bool_or(l.opinions > 1) AS unclear, bool_or(l.taken) AS taken,
  coalesce(bool_or(c.open), false) OR coalesce(any_value(p.open), false) AS open,
  coalesce(sum(c.net) FILTER (l.taken AND (l.says = 'paid' OR l.opinions > 1)), 0) AS kept,
  greatest(coalesce(sum(c.net), 0), coalesce(any_value(p.net), 0), coalesce(any_value(i.net), 0)) AS net,
  bool_or(EXISTS (SELECT 1 FROM meant x JOIN book_orders y USING (order_id)
    WHERE x.payment = l.payment AND y.valid AND y.order_id <> o.order_id)) AS elsewhere, any_value(o.due) AS due
FROM last l JOIN meant m USING (payment) JOIN book_orders o USING (order_id) LEFT JOIN money c ON c.payment = l.payment
  LEFT JOIN paid p ON p.order_id = o.order_id LEFT JOIN book_intents i ON i.intent = o.intent
GROUP BY o.order_id, o.intent, o.valid, o.state ORDER BY o.order_id"""

_FORGED = """
SELECT o.order_id, o.intent, list(DISTINCT l.event ORDER BY l.event) AS events,
  coalesce(any_value(i.captured), 0) > 0 OR EXISTS (
    SELECT 1 FROM book_charges c WHERE c.order_id = o.order_id AND c.captured > 0) AS paid
FROM webhook_letters l JOIN webhook_orders w USING (letter) JOIN book_orders o USING (order_id)
  LEFT JOIN book_intents i ON i.intent = o.intent
WHERE l.signature = 'bad' AND l.taken AND o.valid AND coalesce(o.due, 1) > 0
GROUP BY o.order_id, o.intent ORDER BY o.order_id"""

_COUNTS = """
SELECT count(*) AS deliveries, count(DISTINCT event) FILTER (signature = 'good') AS events,
  count(*) FILTER (signature = 'bad') AS forged, count(*) FILTER (signature = 'bad' AND taken) AS forged_taken,
  (SELECT count(*) FROM (SELECT event FROM webhook_letters WHERE signature = 'good' GROUP BY event HAVING count(*) > 1))
    AS repeated,
  (SELECT count(*) FROM (SELECT number < max(number) OVER (PARTITION BY payment ORDER BY at_s, letter
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS late FROM webhook_letters
      WHERE signature = 'good' AND payment IS NOT NULL) WHERE late) AS overtaken
FROM webhook_letters"""


class _Found(msgspec.Struct):
    """What has turned up so far."""

    violations: list[Violation] = []
    unsure: int = 0
    doubts: list[str] = []
    forged: set[str] = set()

    def doubt(self, why: str) -> None:
        self.unsure += 1
        self.doubts.append(why)


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    relations.connection.execute(_LETTERS)
    (counts,) = relations.dicts(_COUNTS)
    strays = _strays(relations)
    found = _Found()
    _twice(relations, found)
    _forged(relations, expectations, found)
    _last(relations, expectations, found)
    return conclude(
        Case(
            id="WEBHOOK_DUP",
            severity="critical",
            considered=counts["events"] + counts["forged"],
            holds="events were delivered, and each counted for what it was",
            broken="orders that webhooks made wrong",
            violations=tuple(found.violations) if expectations.settled else (),
            pending=0 if expectations.settled else len(found.violations),
            unattributed=strays.rows,
            indeterminate=found.unsure,
            doubt="; ".join(dict.fromkeys(found.doubts)),
            access=access(relations, ("orders",), optional=("webhooks", "tickets", "charges", "refunds")),
            strays=(("webhooks", strays),),
            inapplicable=_unused(relations, counts["deliveries"]),
            numbers={name: counts[name] for name in ("deliveries", "repeated", "overtaken", "forged", "forged_taken")},
        ),
        relations,
        expectations,
    )


def _unused(relations: Relations, deliveries: int) -> str:
    """Why there is nothing to look at; empty where there is, or where the log could not be read."""
    reading = readings(relations).get("webhooks")
    if reading is None:
        return "the target gives no log of the provider's deliveries: add `evidence: {webhooks: …}`"
    if not deliveries and reading.complete and not reading.error:
        return "the provider delivered no event: the shop does not ask to be told"
    return ""


def _strays(relations: Relations) -> Strays:
    """Events that speak of a payment and lead to no order."""
    lost, total = relations.one(
        """SELECT count(*) FILTER (NOT linked), count(*) FROM (
             SELECT event, bool_or(w.letter IS NOT NULL) AS linked FROM webhook_letters l LEFT JOIN webhook_orders w
               ON w.letter = l.letter AND w.exact
             WHERE l.signature = 'good' AND l.says IS NOT NULL GROUP BY event)"""
    )
    return Strays(rows=lost, total=total)


def _twice(relations: Relations, found: _Found) -> None:
    """The same event again, and the same thing given again."""
    for row in relations.dicts(_TWICE):
        orders = ", ".join(row["orders"])
        named = {"event": row["event"], "order": orders}
        said = f"event {row['event']} was delivered {row['times']} times"
        if row["too_many"]:
            what = f"{said}, and order {orders} holds more valid tickets than were ordered"
            found.violations.append(Violation(what=what, intent=row["intent"], keys=named))
        elif row["captured"] is None or row["dues"] < row["several"]:
            found.doubt(
                "whether one payment was for several orders nobody can tell: map `amount` of orders and charges"
            )
        elif row["due"] > row["captured"]:
            what = f"{said}, and its one payment made {row['several']} valid orders"
            found.violations.append(Violation(what=what, intent=row["intent"], keys=named))


def _last(relations: Relations, expectations: Expectations, found: _Found) -> None:
    """The provider's last word against the order's end."""
    with_charges, told = "charges" in readings(relations), refunds_told(relations, expectations)
    for row in relations.dicts(_LAST):
        # An order whose shop was never told, or that lives on under another name, is no matter of webhooks; one that a
        # forger paid for is found already.
        suspect = row["taken"] and not row["elsewhere"] and row["order_id"] not in found.forged
        if row["valid"]:
            suspect = suspect and "paid" not in row["says"] and row["due"] != 0
            wrong = row["net"] <= 0
        else:
            suspect = suspect and ("paid" in row["says"] or row["unclear"])
            wrong = row["kept"] > 0
        if not suspect:
            continue
        if not with_charges:
            found.doubt("whether money was kept nobody can tell: add `evidence: {charges: …}`")
        elif not wrong:
            continue
        elif row["unclear"]:
            found.doubt("the provider's order of events is not known: map `number`, or `created` more finely")
        elif row["open"]:
            found.doubt("a payment is still open at the provider")
        elif not row["valid"] and not told:
            found.doubt(UNTOLD_REFUNDS)
        else:
            said = (
                "was not paid, and it is valid"
                if row["valid"]
                else f"was paid, and it is {row['state'] or 'not valid'}"
            )
            named = {"order": row["order_id"], "event": ", ".join(row["events"])}
            what = f"the last event about order {row['order_id']} says that it {said}"
            found.violations.append(Violation(what=what, intent=row["intent"], keys=named))


def _forged(relations: Relations, expectations: Expectations, found: _Found) -> None:
    """Deliveries that nobody signed, and orders that nobody paid."""
    with_charges = "charges" in readings(relations)
    strange = stray_charges(relations, expectations).rows if with_charges else 0
    for order, intent, events, paid in relations.rows(_FORGED):
        if not with_charges:
            found.doubt("a forged event was taken, and nobody can tell who paid: add `evidence: {charges: …}`")
        elif paid:
            continue
        elif strange:
            found.doubt(f"{strange:,} charges link to no intent and may have paid what a forged event was about")
        else:
            what = (
                f"order {order} is valid without a charge after the shop took an event that the provider never signed"
            )
            found.forged.add(order)
            keys = {"order": order, "event": ", ".join(events)}
            found.violations.append(Violation(what=what, intent=intent, keys=keys))
