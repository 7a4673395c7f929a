"""Fans who ended at a reply that no rule of the target names: nobody knows what the shop said to them."""

from __future__ import annotations

LOST = """
SELECT intent, step, status FROM (
  SELECT intent, arg_max(why, done_ns) AS why, arg_max(step, done_ns) AS step, arg_max(status, done_ns) AS status
  FROM attempts WHERE done_ns IS NOT NULL GROUP BY intent
) SEMI JOIN (SELECT intent FROM lefts WHERE outcome = 'info') USING (intent)
WHERE why = 'unmatched'"""
"""SQL: an intent whose fate the fan never learnt and whose last reply was such a one; its step and HTTP status."""
