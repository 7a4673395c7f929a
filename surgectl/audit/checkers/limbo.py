"""Every order comes to an end.

Definition: an intent whose payment was acknowledged, or whose fate was unknown, and whose status page still says that
it is pending after the window.
Inputs: what fans were told; the status flow of the target, read after settling. A status that could not be read leaves
it undecided.
Settling: open until the window has passed, then a violation.
Severity: major. Does not apply where the target has no status flow.
"""

from __future__ import annotations

from surgectl.audit.books import lay
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations

_READ = """
WITH asked AS (
  SELECT intent, max(at_ns) AS at_ns, arg_max("end", at_ns) AS said, arg_max(outcome, at_ns) AS outcome,
    arg_max(order_id, at_ns) AS order_id
  FROM tolds WHERE status_read GROUP BY intent
)
SELECT i.intent, i.fan, a.said, a.outcome, a.order_id FROM book_intents i JOIN asked a USING (intent)
WHERE i.confirmed = 0 AND (i.accepted > 0 OR i.unknown > 0 OR i.pays_doubtful > 0) ORDER BY i.fan, i.intent"""


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    (reads,) = relations.one("SELECT count(*) FROM tolds WHERE status_read")
    rows = relations.rows(_READ)
    found = []
    for intent, fan, said, _, order in rows:
        if said == "accepted":
            what = f"fan {fan} is still told that the order is being worked on"
            found.append(Violation(what=what, intent=intent, keys={"order": order} if order else {}))
    unread = sum(1 for _, _, said, outcome, _ in rows if outcome == "info" and said != "accepted")
    return conclude(
        Case(
            id="LIMBO",
            severity="major",
            considered=len(rows),
            holds="open orders were asked for at the end, each has one",
            broken="orders never came to an end",
            violations=tuple(found) if expectations.settled else (),
            pending=0 if expectations.settled else len(found),
            indeterminate=unread,
            conditional=True,
            inapplicable="" if reads else "no status was read: add `flows: {status: …}` to the target",
        ),
        relations,
        expectations,
    )
