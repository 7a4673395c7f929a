"""One key stands for one wish.

Definition: an idempotency key that was used for one wish was accepted for another: two different bodies were sent with
it, and two things came of it. That is two valid orders which carry the key, were named in the answers to it, or belong
to an intent that used no other; or confirmations of different orders, sums or quantities to different bodies; or, at
the provider, two charges that took money under one key with two bodies. Two bodies alone prove nothing: a form's token
may differ between two honest sends.
Inputs: fans' payments with key and digest of the body; orders with their key; the provider's request log with digests,
and charges. What was refused for good was not accepted.
Settling: an order may still be cancelled until the window has passed, then a violation; a confirmation is final.
Severity: major. Does not apply where no body was recorded.
"""

from __future__ import annotations

from surgectl.audit.books import access, lay, readings, stray_orders
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations

_FANS = """
WITH every AS (
  SELECT intent, tab, op, step, key, body, outcome, why, order_id, amount_minor, qty FROM attempts
  WHERE role = 'pay' AND NOT poll AND key IS NOT NULL
), several AS (
  SELECT key FROM every GROUP BY key HAVING min(body) <> max(body)
), sent AS (
  -- Who never sent two bodies with one key is no question here, and they are half a million.
  SELECT * FROM every SEMI JOIN (SELECT intent FROM every SEMI JOIN several USING (key)) USING (intent)
), reused AS (
  SELECT key, min(intent) AS intent, count(DISTINCT body) AS bodies,
    count(DISTINCT body) FILTER (outcome <> 'fail') AS accepted
  FROM sent GROUP BY key HAVING count(DISTINCT body) > 1
), replies AS (
  SELECT key, step, body, order_id, amount_minor, qty, why = 'confirmed' AND outcome = 'ok' AS confirmed FROM sent
  WHERE outcome <> 'fail'
  UNION ALL
  SELECT k.key, t.step, k.body, t.order_id, t.amount_minor, t.qty, t."end" = 'confirmed' FROM tolds t
  JOIN (SELECT intent, tab, op, min(key) AS key, CASE WHEN count(DISTINCT body) = 1 THEN min(body) END AS body
        FROM sent WHERE outcome <> 'fail'
        -- Of two keys, or two bodies, nobody can tell which one the end belongs to.
        GROUP BY intent, tab, op HAVING count(DISTINCT key) = 1) k
    ON k.intent = t.intent AND k.tab = t.tab AND k.op = t.op
  WHERE t.role = 'pay' AND t.outcome = 'ok' AND NOT t.status_read
), told AS (
  SELECT key, list(DISTINCT order_id ORDER BY order_id) AS orders FROM replies
  WHERE confirmed AND body IS NOT NULL AND order_id IS NOT NULL
  GROUP BY key HAVING count(DISTINCT body) > 1 AND count(DISTINCT order_id) > 1
), sums AS (
  SELECT key FROM replies WHERE confirmed AND body IS NOT NULL GROUP BY key, step
  HAVING (count(DISTINCT amount_minor) > 1 AND count(DISTINCT body) FILTER (amount_minor IS NOT NULL) > 1)
    OR (count(DISTINCT qty) > 1 AND count(DISTINCT body) FILTER (qty IS NOT NULL) > 1)
), only_key AS (
  SELECT intent, min(key) AS key FROM (
    SELECT intent, key FROM attempts SEMI JOIN sent USING (intent) WHERE role = 'pay' AND NOT poll)
  GROUP BY intent HAVING count(DISTINCT key) = 1 AND count(key) = count(*)
), made AS (
  SELECT key, order_id FROM book_orders WHERE valid AND key IS NOT NULL
  UNION SELECT r.key, o.order_id FROM replies r JOIN book_orders o USING (order_id) WHERE o.valid
  UNION SELECT k.key, o.order_id FROM only_key k JOIN book_orders o USING (intent) WHERE o.valid AND o.key IS NULL
), effects AS (
  SELECT m.key, list(DISTINCT m.order_id ORDER BY m.order_id) AS orders,
    -- Answers to one body alone name all of them: that is the same wish fulfilled twice, IDEM_REPLAY's matter.
    count(DISTINCT m.order_id) > 1 AND NOT (count(r.body) = count(*) AND count(DISTINCT r.body) = 1) AS several
  FROM made m LEFT JOIN (SELECT DISTINCT key, order_id, body FROM replies WHERE body IS NOT NULL) r
    ON r.key = m.key AND r.order_id = m.order_id
  GROUP BY m.key
)
SELECT u.key, u.intent, i.fan, u.bodies, u.accepted, t.orders AS told, s.key IS NOT NULL AS sums,
  e.orders, coalesce(e.several, false) AS several, i.valid_orders,
  EXISTS (SELECT 1 FROM book_orders o WHERE o.intent = u.intent AND o.valid AND o.key IS NULL) AS keyless
FROM reused u LEFT JOIN book_intents i USING (intent) LEFT JOIN told t USING (key)
  LEFT JOIN (SELECT DISTINCT key FROM sums) s USING (key) LEFT JOIN effects e USING (key)
ORDER BY i.fan, u.key"""

# What the provider has not refused it may have carried out, whether its answer arrived or not.
_PROVIDER = """
WITH asked AS (
  SELECT key, count(DISTINCT body) AS bodies,
    count(DISTINCT body) FILTER (status IS NULL OR status < 400 OR status >= 500) AS accepted
  FROM requests WHERE method = 'POST' AND key IS NOT NULL GROUP BY key HAVING count(DISTINCT body) > 1
), taken AS (
  SELECT key, list(charge ORDER BY charge) AS charges, min(intent) AS intent FROM book_charges
  WHERE captured > 0 AND intent IS NOT NULL GROUP BY key
)
SELECT a.key, t.intent, a.bodies, coalesce(t.charges, []) AS charges, a.accepted > 1 AS accepted
FROM asked a LEFT JOIN taken t USING (key) ORDER BY a.key"""


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    homeless = stray_orders(relations, expectations)
    have_orders = "orders" in readings(relations)
    found: list[Violation] = []
    later: list[Violation] = []
    unsure = quiet = refused = 0
    doubts: list[str] = []
    fans = relations.dicts(_FANS)
    for row in fans:
        key, orders, told = row["key"], row["orders"] or [], row["told"] or []
        named = {"idempotency key": key}
        if row["accepted"] < 2:
            refused += 1
        elif told or row["sums"]:
            named |= {"order": ", ".join(told)} if told else {}
            said = f"orders {', '.join(told)}" if told else "different sums or quantities"
            what = f"fan {row['fan']} used key {key} for {row['bodies']} different bodies, confirmed with {said}"
            found.append(Violation(what=what, intent=row["intent"], keys=named))
        elif row["several"]:
            named["order"] = ", ".join(orders)
            what = (
                f"fan {row['fan']} used key {key} for {row['bodies']} different bodies, and holds {len(orders)} orders"
            )
            later.append(Violation(what=what, intent=row["intent"], keys=named))
        elif not have_orders:
            unsure += 1
            doubts.append("whether a second order was made nobody can tell: add `evidence: {orders: …}`")
        elif (row["valid_orders"] or 0) > 1 and row["keyless"]:
            unsure += 1
            doubts.append("which key made which order nobody can tell: map `key` of the orders")
        else:
            quiet += 1
    provider = relations.rows(_PROVIDER)
    for key, intent, bodies, charges, accepted in provider:
        if accepted and len(charges) > 1:
            what = f"the provider accepted key {key} for {bodies} different bodies and made {len(charges)} charges"
            named = {"idempotency key": key, "charge": ", ".join(charges)}
            found.append(Violation(what=what, intent=intent, keys=named))
        elif accepted:
            quiet += 1
        else:
            refused += 1
    return conclude(
        Case(
            id="IDEM_MISMATCH",
            severity="major",
            considered=len(fans) + len(provider),
            holds="idempotency keys came with different bodies, none was good for two",
            broken="idempotency keys were good for two different wishes",
            violations=tuple(found + later) if expectations.settled else tuple(found),
            pending=0 if expectations.settled else len(later),
            unattributed=homeless.rows,
            indeterminate=unsure,
            doubt="; ".join(dict.fromkeys(doubts)),
            access=access(relations, (), optional=("orders", "tickets", "charges", "requests")),
            strays=(("orders", homeless),) if quiet else (),
            conditional=True,
            inapplicable=_unrecorded(relations),
            numbers={"refused": refused, "accepted_without_effect": quiet},
        ),
        relations,
        expectations,
    )


def _unrecorded(relations: Relations) -> str:
    """Why nobody can know what a key was used for; empty where somebody can."""
    (keyed, known) = relations.one(
        """SELECT count(*), count(body) FROM attempts WHERE role = 'pay' AND NOT poll AND key IS NOT NULL"""
    )
    (logged,) = relations.one("SELECT count(body) FROM requests")
    if known or logged or not keyed:
        return ""
    return "the recording has no digests of what was sent: it is an earlier version's; record the run again"
