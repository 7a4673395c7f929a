"""Whose order is this, whose money? Only a value that we made unique and find again word for word may say so.

The rule is R4 of docs/invariants.md, in SQL over the tables of a recording. A key counts when it is

- the intent's id, or a value minted for the intent (a tagged e-mail, a buyer name, an idempotency key), equal to one of
  the row's `keys` or to its idempotency key; letters of an e-mail address compare without case;
- such a minted value of eight characters or more standing as a whole word inside a longer key text;
- `orders.order=X` in a charge's keys: then the order X speaks for the charge;
- a payment that the order names and that is the charge's, in either direction;
- an order id that the shop told a fan of the intent;
- a value of the account that the fan was given (`account.email`): it is no other fan's, yet it was there before us, so
  it speaks for rows alone that their ledger dates since the run began, and a ledger that dates any row later than when
  it was read is not believed. One that bears it and is dated before, or not at all, may or may not be the fan's: it is
  ambiguous, unless another key says more.

A value carried by several intents is no key. What a row says itself goes before what others say of it: an order that
names another order's payment neither takes that charge away nor becomes its payer's. A row that keys pull to two
intents belongs to neither: it is ambiguous, its `intent` is NULL. Nothing else links: the same person, sum or minute
convicts nobody.
"""

from __future__ import annotations

# Ranks say which of several agreeing ways is named in `via`: the target's own key order first.
_IDEMPOTENCY, _PAYMENT, _TOLD = 1000, 2000, 3000

_SLOW_CLOCK_S = 60
"""A ledger that is further ahead than this when it is read keeps another time than ours."""

LINKS = rf"""
CREATE MACRO fold(v) AS CASE WHEN contains(v, '@') THEN lower(v) ELSE v END;

-- What the ledgers say, one row a value. `whole`: the key itself; otherwise a word, or up to four words, of it.
CREATE TEMP TABLE ledger_keys AS
WITH texts AS (
  SELECT 'order' AS kind, order_id AS id, unnest(keys) AS text, generate_subscripts(keys, 1) AS rank FROM orders
  UNION ALL
  SELECT 'charge', charge, unnest(keys), generate_subscripts(keys, 1) FROM charges
  UNION ALL
  SELECT 'order', order_id, key, {_IDEMPOTENCY} FROM orders WHERE key IS NOT NULL
  UNION ALL
  SELECT 'charge', charge, key, {_IDEMPOTENCY} FROM charges WHERE key IS NOT NULL
), worded AS (
  SELECT *, string_split_regex(trim(text), '[\s,;|"''<>()\[\]{{}}]+') AS words FROM texts
  WHERE NOT starts_with(text, 'orders.order=') AND regexp_matches(text, '[\s,;|"''<>()\[\]{{}}/?=&:#]')
)
SELECT kind, id, rank, text AS value, true AS whole FROM texts
UNION ALL
SELECT DISTINCT kind, id, rank, value, false FROM (
  SELECT kind, id, rank, unnest(list_concat(parts, list_transform(parts, lambda p: regexp_replace(p, '[.!?:]+$', ''))))
    AS value
  FROM (SELECT *, list_concat(
    words,
    regexp_extract_all(text, '[^\s,;|"''<>()\[\]{{}}/?=&:#]+'),
    list_transform(range(1, len(words)), lambda i: array_to_string(words[i:i + 1], ' ')),
    list_transform(range(1, len(words) - 1), lambda i: array_to_string(words[i:i + 2], ' ')),
    list_transform(range(1, len(words) - 2), lambda i: array_to_string(words[i:i + 3], ' '))
  ) AS parts FROM worded)
) WHERE length(value) >= 8;

-- What we minted, as far as a ledger repeats it. A value of several intents identifies none of them.
CREATE TEMP TABLE minted AS
WITH named AS (
  SELECT intent, 'intent' AS name, fold(intent) AS folded, 0 AS rank FROM intents
  UNION ALL SELECT intent, name, fold(value), 1 FROM mints
  UNION ALL SELECT intent, 'key', fold(key), 2 FROM attempts WHERE key IS NOT NULL
)
SELECT folded, min(intent) AS intent, arg_min(name, rank) AS name, min(intent) <> max(intent) AS shared
FROM named SEMI JOIN (SELECT DISTINCT fold(value) AS folded FROM ledger_keys) USING (folded) GROUP BY folded;

-- What the ledgers date before the run began is not what its fans did. Many a ledger's clock counts in whole seconds;
-- one that writes down what is still to come is not believed at all: it keeps another zone's time, or an event's date.
CREATE TEMP TABLE ours_by_date AS
WITH dated AS (
  SELECT 'order' AS kind, order_id AS id, at_s FROM orders UNION ALL SELECT 'charge', charge, at_s FROM charges
), punctual AS (
  SELECT kind FROM dated CROSS JOIN run_time GROUP BY kind
  HAVING coalesce(max(at_s) <= any_value(settled_epoch_s) + {_SLOW_CLOCK_S}, true)
)
SELECT kind, id FROM dated SEMI JOIN punctual USING (kind) GROUP BY kind, id
HAVING count(at_s) = count(*) AND min(at_s) >= floor((SELECT started_epoch_s FROM run_time));

CREATE TEMP TABLE matched AS
WITH believed AS (
  SELECT l.*, m.intent AS whose, m.name, m.shared OR (starts_with(m.name, 'account.') AND o.id IS NULL) AS doubtful
  FROM ledger_keys l JOIN minted m ON fold(l.value) = m.folded
    LEFT JOIN ours_by_date o ON o.kind = l.kind AND o.id = l.id
)
SELECT kind, id, CASE WHEN doubtful THEN NULL ELSE whose END AS intent, doubtful AS shared,
  CASE WHEN whole THEN name ELSE name || ' in text' END AS via,
  CASE WHEN whole THEN rank ELSE rank + 0.5 END AS rank
FROM believed WHERE whole OR name <> 'intent';

CREATE TEMP TABLE told_orders AS
SELECT order_id, intent FROM tolds WHERE order_id IS NOT NULL
UNION
SELECT order_id, intent FROM attempts WHERE order_id IS NOT NULL;

CREATE TEMP TABLE order_refs AS
SELECT id AS charge, substr(value, length('orders.order=') + 1) AS order_id, rank FROM ledger_keys
WHERE kind = 'charge' AND whole AND starts_with(value, 'orders.order=');

CREATE TEMP TABLE paid_orders AS
SELECT c.charge, o.order_id
FROM (SELECT DISTINCT order_id, unnest(payments) AS payment FROM orders) o
JOIN (SELECT charge, charge AS payment FROM charges UNION SELECT charge, payment FROM charges) c USING (payment);

CREATE TABLE order_candidates AS
WITH every AS (
  SELECT id AS order_id, intent, shared, via, rank FROM matched WHERE kind = 'order'
  UNION ALL
  SELECT p.order_id, m.intent, m.shared, 'payment', {_PAYMENT}
  FROM paid_orders p JOIN matched m ON m.kind = 'charge' AND m.id = p.charge
  UNION ALL
  SELECT o.order_id, t.intent, false, 'told', {_TOLD} FROM orders o JOIN told_orders t USING (order_id)
)
-- What an order says itself is whose it is, whoever's card was charged and whoever else was told its number.
FROM every WHERE rank < {_PAYMENT}
  OR order_id NOT IN (SELECT order_id FROM every WHERE rank < {_PAYMENT} AND intent IS NOT NULL);

CREATE TEMP TABLE charge_orders AS
WITH own AS (SELECT charge, order_id, rank, 'order' AS via FROM order_refs SEMI JOIN orders USING (order_id))
FROM own
UNION
SELECT charge, order_id, {_PAYMENT}, 'payment' FROM paid_orders ANTI JOIN own USING (charge);

CREATE TABLE charge_candidates AS
WITH every AS (
  SELECT id AS charge, intent, shared, via, rank FROM matched WHERE kind = 'charge'
  UNION ALL
  SELECT r.charge, o.intent, o.shared, r.via, r.rank
  FROM charge_orders r JOIN (SELECT DISTINCT order_id, intent, shared FROM order_candidates) o USING (order_id)
  UNION ALL
  SELECT r.charge, t.intent, false, 'told', {_TOLD} FROM order_refs r JOIN told_orders t USING (order_id)
)
FROM every WHERE rank <> {_PAYMENT}
  OR charge NOT IN (SELECT charge FROM every WHERE rank < {_PAYMENT} AND intent IS NOT NULL);

CREATE TABLE links_orders AS
WITH found AS (
  SELECT order_id, min(intent) AS intent, coalesce(min(intent) = max(intent), false) AS one,
    arg_min(via, rank) FILTER (intent IS NOT NULL) AS via
  FROM order_candidates GROUP BY order_id
)
SELECT o.order_id,
  CASE WHEN f.one THEN f.intent END AS intent,
  CASE WHEN f.one THEN f.via END AS via,
  coalesce(NOT f.one, false) AS ambiguous
FROM (SELECT DISTINCT order_id FROM orders) o LEFT JOIN found f USING (order_id);

CREATE TABLE links_charges AS
WITH found AS (
  SELECT charge, min(intent) AS intent, coalesce(min(intent) = max(intent), false) AS one,
    arg_min(via, rank) FILTER (intent IS NOT NULL) AS via
  FROM charge_candidates GROUP BY charge
), ordered AS (
  SELECT charge, CASE WHEN min(order_id) = max(order_id) THEN min(order_id) END AS order_id
  FROM charge_orders GROUP BY charge
)
SELECT c.charge,
  CASE WHEN f.one THEN f.intent END AS intent,
  o.order_id,
  CASE WHEN f.one THEN f.via END AS via,
  coalesce(NOT f.one, false) AS ambiguous
FROM (SELECT DISTINCT charge FROM charges) c LEFT JOIN found f USING (charge) LEFT JOIN ordered o USING (charge);

-- Steps on the way, as large as all the books together.
DROP TABLE ledger_keys; DROP TABLE minted; DROP TABLE matched; DROP TABLE told_orders; DROP TABLE order_refs;
DROP TABLE paid_orders; DROP TABLE charge_orders; DROP TABLE ours_by_date;
DROP TABLE run_time;

CREATE VIEW link_coverage AS
SELECT 'orders' AS kind, count(*) AS rows, count(intent) AS linked, count(*) FILTER (ambiguous) AS ambiguous,
  count(*) FILTER (intent IS NULL AND NOT ambiguous) AS unlinked FROM links_orders
UNION ALL
SELECT 'charges', count(*), count(intent), count(*) FILTER (ambiguous),
  count(*) FILTER (intent IS NULL AND NOT ambiguous) FROM links_charges;
"""
