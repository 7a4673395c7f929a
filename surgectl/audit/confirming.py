"""The clock of each want: from the first payment to definite knowledge, whatever retries lie in between."""

from __future__ import annotations

BOOK_CONFIRMING = """
CREATE TEMP TABLE IF NOT EXISTS book_confirming AS
WITH started AS (
  SELECT intent, min(due_ns) AS start_ns FROM attempts WHERE role = 'pay' AND NOT poll GROUP BY intent
), told AS (
  SELECT intent, min(at_ns) FILTER ("end" = 'confirmed') AS confirmed_ns,
    max(at_ns) FILTER (outcome = 'fail') AS refused_ns,
    count(*) FILTER (outcome = 'info' OR "end" = 'accepted') AS open
  FROM tolds WHERE role = 'pay' AND NOT status_read GROUP BY intent
), doubt AS (
  SELECT a.intent, count(*) AS open FROM attempts a LEFT JOIN tolds t
    ON t.intent = a.intent AND t.tab = a.tab AND t.op = a.op AND NOT t.status_read
  WHERE a.role = 'pay' AND NOT a.poll AND NOT a.double AND t.intent IS NULL AND a.outcome <> 'fail' GROUP BY a.intent
), seen AS (
  SELECT intent, max(at_ns) AS last_ns FROM (
    SELECT intent, at_ns FROM lefts UNION ALL SELECT intent, done_ns FROM attempts UNION ALL
    SELECT intent, at_ns FROM tolds WHERE NOT status_read) GROUP BY intent
)
SELECT s.intent, s.start_ns, CASE WHEN t.confirmed_ns IS NOT NULL THEN t.confirmed_ns
    WHEN coalesce(t.open, 0) = 0 AND d.open IS NULL THEN t.refused_ns END AS known_ns, n.last_ns
FROM started s LEFT JOIN told t USING (intent) LEFT JOIN doubt d USING (intent) LEFT JOIN seen n USING (intent);
"""
"""SQL: lays `book_confirming`. Half a dozen judges ask for it: it is laid with the other books (books.py)."""

CONFIRMING = "SELECT * FROM book_confirming"
"""SQL, once the books are laid: a row for each intent that tried to pay: `intent start_ns known_ns last_ns`; known is
null while in doubt."""

LASTED = """SELECT greatest(0, coalesce(known_ns, last_ns, start_ns) - start_ns) AS ns, known_ns IS NOT NULL AS known
  FROM book_confirming"""
"""SQL, once the books are laid: how long each of them took to know, or had been in doubt when last seen."""
