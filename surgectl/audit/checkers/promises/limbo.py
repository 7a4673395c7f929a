"""Every order comes to an end.

Definition: an intent whose payment was acknowledged, or whose fate was unknown, and whose status page still says that
it is pending after the window; or, where no status page gave an end, whose acknowledged order still stands as pending
in the shop's books.
Inputs: what fans were told; the status flow of the target, read after settling; orders. A status that could not be read
leaves it undecided, and so does an acknowledged order that the books do not know.
Settling: open until the window has passed, then a violation.
Severity: major. Does not apply where the target has no status flow and no acknowledged order is in the books.
"""

from __future__ import annotations

from surgectl.audit.answers import UNANSWERED
from surgectl.audit.books import access, lay
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations

_READ = f"""
WITH asked AS (
  SELECT intent, max(at_ns) AS at_ns, arg_max("end", at_ns) AS said,
    arg_max(CASE WHEN {UNANSWERED} THEN 'info' ELSE outcome END, at_ns) AS outcome,
    arg_max(order_id, at_ns) AS order_id
  FROM tolds WHERE status_read GROUP BY intent
)
SELECT i.intent, i.fan, a.said, a.outcome, a.order_id FROM book_intents i JOIN asked a USING (intent)
WHERE i.confirmed = 0 AND (i.accepted > 0 OR i.unknown > 0 OR i.pays_doubtful > 0) ORDER BY i.fan, i.intent"""

_ADD = "add `flows: {status: …}` to the target"

# Only what was acknowledged owes an end: a basket whose payment never arrived may wait for ever.
_BOOKED = """
SELECT i.intent, i.fan, min(o.order_id) FILTER (o.state = 'pending' AND EXISTS (SELECT 1 FROM tolds t
  WHERE t.intent = i.intent AND t."end" = 'accepted'
    AND (t.order_id = o.order_id OR (t.order_id IS NULL AND i.valid_orders = 0)))) AS order_id
FROM book_intents i JOIN book_orders o USING (intent)
WHERE i.confirmed = 0 AND i.accepted > 0 GROUP BY i.intent, i.fan ORDER BY i.fan, i.intent"""


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    (reads,) = relations.one("SELECT count(*) FROM tolds WHERE status_read")
    rows = relations.rows(_READ)
    found = []
    for intent, fan, said, _, order in rows:
        if said == "accepted":
            what = f"fan {fan} is still told that the order is being worked on"
            found.append(Violation(what=what, intent=intent, keys={"order": order} if order else {}))
    judged = {intent for intent, _, said, outcome, _ in rows if outcome != "info" or said == "accepted"}
    booked = relations.rows(_BOOKED) if access(relations, ("orders",)).good else []
    booked = [row for row in booked if row[0] not in judged]
    for intent, fan, order in booked:
        if order is not None:
            what = f"fan {fan} was told that the order is being worked on, and it still is, in the shop's books"
            found.append(Violation(what=what, intent=intent, keys={"order": order}))
    forgotten = _forgotten(relations, judged)
    known = judged | {row[0] for row in booked}
    unread = sum(1 for intent, *_ in rows if intent not in known)
    return conclude(
        Case(
            id="LIMBO",
            severity="major",
            considered=len({row[0] for row in rows} | {row[0] for row in booked}) + forgotten,
            holds="open orders were asked for at the end, each has one",
            broken="orders never came to an end",
            violations=tuple(found) if expectations.settled else (),
            pending=0 if expectations.settled else len(found),
            indeterminate=unread + forgotten,
            doubt="; ".join(
                [f"{unread:,} orders were asked for at the end and gave no answer: see `flows: {{status: …}}`"]
                * (unread > 0)
                + [f"the books do not know {forgotten:,} orders that were acknowledged: do they list void ones, too?"]
                * (forgotten > 0)
            ),
            conditional=True,
            inapplicable="" if reads or booked or forgotten else f"{_standing(relations)}no status was read: {_ADD}",
        ),
        relations,
        expectations,
    )


def _standing(relations: Relations) -> str:
    """What the books still call pending, and whose fans nobody owes an end: no verdict, and not to be passed over."""
    if not access(relations, ("orders",)).good:
        return ""
    (rows,) = relations.one("SELECT count(*) FROM book_orders WHERE state = 'pending' AND intent IS NOT NULL")
    orders = "1 order still stands" if rows == 1 else f"{rows:,} orders still stand"
    return f"{orders} as pending in the shop's books, and " if rows else ""


def _forgotten(relations: Relations, judged: set[str]) -> int:
    """Intents that were told "we have your order", of which the books have none: perhaps void, perhaps lost."""
    if not access(relations, ("orders",)).good:
        return 0
    rows = relations.rows("SELECT intent FROM book_intents WHERE accepted > 0 AND confirmed = 0 AND len(orders) = 0")
    return sum(1 for (intent,) in rows if intent not in judged)
