"""Money that was only set aside is taken or let go.

Definition: an intent without a valid order has money authorised that was neither captured nor voided.
Inputs: charges with `authorised`, orders and tickets.
Settling: open until the window has passed, then a violation.
Severity: major. Does not apply where the provider tells of no authorisation.
"""

from __future__ import annotations

from surgectl.audit.books import access, lay, stray_charges, stray_orders
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations
from surgectl.units import show_money

_LEFT = """
SELECT c.charge, c.intent, i.fan, c.authorised, c.currency FROM book_charges c JOIN book_intents i USING (intent)
WHERE c.captured = 0 AND c.voided < c.authorised AND c.state IN ('authorised', 'processing', 'secured')
  AND i.valid_orders = 0 ORDER BY i.fan, c.intent, c.charge"""


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    strays, homeless = stray_charges(relations, expectations), stray_orders(relations, expectations)
    (considered,) = relations.one("SELECT count(*) FROM book_charges WHERE authorised > 0 AND intent IS NOT NULL")
    found = [
        Violation(
            what=f"{show_money(authorised, currency)} of fan {fan} is set aside and neither taken nor let go",
            intent=intent,
            keys={"charge": charge},
        )
        for charge, intent, fan, authorised, currency in relations.rows(_LEFT)
    ]
    doubtful = len(found) if homeless.rows else 0
    if doubtful:
        found = []
    return conclude(
        Case(
            id="AUTH_LEFT",
            severity="major",
            considered=considered,
            holds="authorisations, each taken or let go",
            broken="authorisations were left standing",
            violations=tuple(found) if expectations.settled else (),
            pending=0 if expectations.settled else len(found),
            unattributed=strays.rows,
            indeterminate=doubtful,
            doubt=f"{homeless.rows:,} valid orders link to no intent: say `key:` of orders",
            access=access(relations, ("charges", "orders"), optional=("tickets",)),
            conditional=True,
        ),
        relations,
        expectations,
    )
