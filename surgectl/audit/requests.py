"""What the provider received, and for whose payment: however often it was asked, one want is one payment.

Requests for one intent belong together whatever idempotency keys they carry; one that links to nothing stands alone.
"""

from __future__ import annotations

BOOK_REQUESTS = """
CREATE TEMP TABLE IF NOT EXISTS book_requests AS
WITH received AS (
  SELECT file, line, method, at_s, payment, key, unnest(list_concat([payment, key], coalesce(keys, []))) AS id
  FROM requests
), owner AS (
  SELECT id, min(subject) AS subject FROM (
    SELECT payment AS id, coalesce(intent, order_id, charge) AS subject FROM book_charges
    UNION ALL SELECT key, coalesce(intent, order_id, charge) FROM book_charges
    UNION ALL SELECT order_id, coalesce(intent, order_id) FROM links_orders
    UNION ALL SELECT value, intent FROM mints
    UNION ALL SELECT intent, intent FROM intents)
  SEMI JOIN (SELECT DISTINCT id FROM received) USING (id)
  WHERE subject IS NOT NULL GROUP BY id
), owned AS (
  SELECT x.file, x.line, min(o.subject) AS subject FROM received x JOIN owner o USING (id) GROUP BY x.file, x.line
)
SELECT r.file, r.line, r.method, r.at_s, r.key,
  coalesce(o.subject, r.payment, r.key, r.file || ':' || r.line) AS subject
FROM requests r LEFT JOIN owned o ON o.file = r.file AND o.line = r.line;
"""
"""SQL: lays `book_requests`, one row a request. Half a dozen judges ask for it, so it is laid with the other books."""

RECEIVED = "WITH r AS (SELECT * FROM book_requests)"
"""SQL: a WITH clause ending in `r(file, line, method, at_s, key, subject)`, one row a request. Needs the books laid."""
