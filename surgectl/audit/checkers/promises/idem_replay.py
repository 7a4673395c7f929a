"""The same key gives the same answer.

Definition: the provider holds two charges that took money under one idempotency key; or two replies to a fan's payments
under one key confirm different orders or sums. A conflict, an acknowledgement or a pending state before the final reply
is allowed. Where it is known what was sent, it is the same key with the same body; where not, the key alone speaks.
(Two bodies under one key are IDEM_MISMATCH's matter.)
Inputs: charges with their key, or the payments that the provider's log says were asked for with it; fans' payments
with their key, digest of the body and what the replies claimed; the provider's request log, where it gives digests.
Settling: none, a final reply is final.
Severity: critical. Does not apply where no key was used.
"""

from __future__ import annotations

from surgectl.audit.books import access, lay
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations

_CHARGED = """
WITH asked AS (
  SELECT key, count(DISTINCT body) AS bodies FROM requests
  WHERE method = 'POST' AND (status IS NULL OR status < 400 OR status >= 500) GROUP BY key
)
SELECT c.key, list(c.charge ORDER BY c.charge), min(c.intent) FROM book_charges c LEFT JOIN asked a USING (key)
WHERE c.key IS NOT NULL AND c.captured > 0 AND c.intent IS NOT NULL
GROUP BY c.key, a.bodies HAVING count(*) > greatest(1, a.bodies) ORDER BY c.key"""

# Stripe and its like do not list the keys of charges; their log of requests names the payment that each key went to.
_PAID = """
WITH posts AS (
  SELECT key, payment, body, status IS NULL OR status < 400 OR status >= 500 AS taken FROM requests
  WHERE method = 'POST'
), asked AS (SELECT key, count(DISTINCT body) FILTER (taken) AS bodies FROM posts GROUP BY key)
SELECT p.key, list(DISTINCT c.charge ORDER BY c.charge), min(c.intent)
FROM posts p JOIN book_charges c USING (payment) JOIN asked a ON a.key = p.key
WHERE c.key IS NULL AND c.captured > 0 AND c.intent IS NOT NULL
-- One payment may take its money in two charges; two payments are two results.
GROUP BY p.key, a.bodies HAVING count(DISTINCT p.payment) > greatest(1, a.bodies) ORDER BY p.key"""

_ANSWERED = """
WITH replies AS (
  SELECT a.key, a.step, a.intent, a.body, a.order_id, a.amount_minor FROM attempts a
  WHERE a.role = 'pay' AND NOT a.poll AND a.key IS NOT NULL AND a.outcome = 'ok' AND a.why = 'confirmed'
  UNION ALL
  SELECT k.key, t.step, t.intent, k.body, t.order_id, t.amount_minor FROM tolds t
  JOIN (SELECT intent, tab, op, min(key) AS key,
          CASE WHEN min(body) FILTER (outcome <> 'fail') = max(body) FILTER (outcome <> 'fail')
            THEN min(body) FILTER (outcome <> 'fail') END AS body
        FROM attempts WHERE role = 'pay' AND NOT poll
        -- Of two keys, or two bodies, nobody can tell which one the end belongs to.
        GROUP BY intent, tab, op HAVING min(key) = max(key)) k
    ON k.intent = t.intent AND k.tab = t.tab AND k.op = t.op
  WHERE t.role = 'pay' AND t."end" = 'confirmed' AND NOT t.status_read
), two AS (
  SELECT key, step, body FROM replies GROUP BY key, step, body
  HAVING min(order_id) <> max(order_id) OR min(amount_minor) <> max(amount_minor)
)
SELECT r.key, r.step, min(r.intent),
  coalesce(list(DISTINCT r.order_id ORDER BY r.order_id) FILTER (r.order_id IS NOT NULL), []),
  list(DISTINCT r.amount_minor ORDER BY r.amount_minor) FILTER (r.amount_minor IS NOT NULL)
FROM replies r JOIN two t ON t.key = r.key AND t.step = r.step AND t.body IS NOT DISTINCT FROM r.body
GROUP BY r.key, r.step, r.body ORDER BY r.key, r.step"""


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    (considered,) = relations.one(
        """SELECT count(*) FROM (SELECT key FROM book_charges WHERE key IS NOT NULL
           UNION SELECT key FROM attempts WHERE key IS NOT NULL AND role = 'pay' AND NOT poll)"""
    )
    found = [
        Violation(
            what=f"key {key} made {len(charges)} charges",
            intent=intent,
            keys={"idempotency key": key, "charge": ", ".join(charges)},
        )
        for key, charges, intent in [*relations.rows(_CHARGED), *relations.rows(_PAID)]
    ]
    for key, step, intent, orders, sums in relations.rows(_ANSWERED):
        told = f"orders {', '.join(orders)}" if len(orders) > 1 else f"sums {', '.join(map(str, sums))} in minor units"
        keys = {"idempotency key": key} | ({"order": ", ".join(orders)} if orders else {})
        found.append(Violation(what=f"{step} with key {key} was confirmed with {told}", intent=intent, keys=keys))
    return conclude(
        Case(
            id="IDEM_REPLAY",
            severity="critical",
            considered=considered,
            holds="idempotency keys, each with one result",
            broken="idempotency keys gave two results",
            violations=tuple(found),
            access=access(relations, (), optional=("charges", "requests")),
            conditional=True,
        ),
        relations,
        expectations,
    )
