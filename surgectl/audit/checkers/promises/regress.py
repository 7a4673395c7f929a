"""What is confirmed stays confirmed.

Definition: after a confirmation, the status page says that the order failed although nothing was given back, or, later
than a status may lag behind, that it is pending or gone. A page speaks of the order that it names, else of the tab's;
one that was never reached, or that turned the fan away, says nothing.
Inputs: what fans were told, in the order of our own clock; refunds excuse a cancellation.
Settling: a stale page within the lag is undecided; so is a failure where the books do not tell of refunds.
Severity: major. Does not apply where no status was read after a confirmation.
"""

from __future__ import annotations

from surgectl.audit.answers import NO_ANSWER
from surgectl.audit.books import UNTOLD_REFUNDS, access, lay, refunds_told
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations

_AFTER = f"""
WITH sure AS (
  SELECT intent, tab, order_id, min(at_ns) AS at_ns FROM tolds WHERE "end" = 'confirmed' AND outcome = 'ok'
  GROUP BY intent, tab, order_id
  -- A page that says "confirmed" and no number is about the order that another page named.
  QUALIFY order_id IS NOT NULL OR count(order_id) OVER (PARTITION BY intent, tab) = 0
)
SELECT t.intent, i.fan, t."end", t.outcome, t.at_ns - min(s.at_ns) AS later_ns, t.order_id,
  i.refunded > 0 AND i.net <= 0 AS given_back
FROM tolds t JOIN book_intents i USING (intent)
  JOIN sure s ON s.intent = t.intent AND coalesce(s.order_id = t.order_id, s.tab = t.tab)
WHERE t.status_read AND t.at_ns > s.at_ns
  -- Else the page said nothing. (An older recording calls a page that nobody reached a failure.)
  AND (t.outcome <> 'info' OR t."end" IN ('accepted', 'gone')) AND NOT (t.outcome = 'fail' AND t."end" IN {NO_ANSWER})
GROUP BY t.intent, i.fan, t."end", t.outcome, t.at_ns, t.order_id, given_back
ORDER BY i.fan, t.intent, t.at_ns"""


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    found: dict[str, Violation] = {}
    stale, untold = 0, 0
    # Whether a cancelled order was paid back stands in the provider's books.
    told = access(relations, ("charges",), optional=("refunds",)).good and refunds_told(relations, expectations)
    rows = relations.rows(_AFTER)
    for intent, fan, end, outcome, later_ns, order, given_back in rows:
        late = later_ns > expectations.staleness_ns
        flipped = outcome == "fail" and end != "gone"
        if flipped and not told:
            untold += 1
        elif not given_back and (flipped or (late and end in ("accepted", "gone"))):
            what = f"fan {fan} was told confirmed, and {later_ns / 1e9:.1f} s later {end}"
            found.setdefault(intent, Violation(what=what, intent=intent, keys={"order": order} if order else {}))
        elif end in ("accepted", "gone"):
            stale += 1
    return conclude(
        Case(
            id="REGRESS",
            severity="major",
            considered=len(rows),
            holds="status pages were read after a confirmation, each agreed",
            broken="confirmed orders went backwards",
            violations=tuple(found.values()),
            indeterminate=untold or stale,
            doubt=UNTOLD_REFUNDS if untold else "",
            conditional=True,
            inapplicable="" if rows else "no status was read after a confirmation: add `flows: {status: …}`",
        ),
        relations,
        expectations,
    )
