"""Who wanted something, and who learnt their fate in time: what goodput counts (docs/invariants.md, GOODPUT)."""

from __future__ import annotations

from surgectl.audit.course import IN_TIME_NS
from surgectl.thresholds.threshold import FATES

INTENTS = f"""
WITH wanted AS (SELECT intent, min(first_ns) AS first_ns FROM wants GROUP BY intent),
fates AS (
  SELECT w.intent, t."end", min(w.told_ns) AS at_ns FROM wants w JOIN tolds t
    ON t.intent = w.intent AND t.tab = w.tab AND t.role = w.role AND t.at_ns = w.told_ns
  WHERE NOT t.status_read AND t."end" IN {FATES} AND w.told_ns - w.last_ns <= {IN_TIME_NS}
  GROUP BY w.intent, t."end"
), resolved AS (SELECT intent, min(at_ns) AS at_ns FROM fates GROUP BY intent)"""
"""SQL, once the wants are laid: `wanted(intent, first_ns)`, `fates(intent, end, at_ns)` and `resolved(intent, at_ns)`,
the first of them."""
