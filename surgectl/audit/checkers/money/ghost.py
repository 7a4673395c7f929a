"""Whoever was refused is not charged.

Definition: every attempt of an intent at holding and paying ended in a definite refusal (or was never sent), every
operation was told so, and yet a charge keeps money or a valid ticket exists.
Inputs: fans' attempts and what they were told; charges and refunds; orders and tickets. One attempt whose fate is not
known, one acknowledgement, one status page that says otherwise, and it is no ghost but "recovered": counted, never
convicted (rule R6). Where the books do not tell of refunds, money alone convicts nobody.
Settling: a refund may still come until the window has passed, then a violation.
Severity: critical where money was kept; major where there is only a ticket.
"""

from __future__ import annotations

from surgectl.audit.books import UNTOLD_REFUNDS, access, lay, refunds_told, stray_charges
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations
from surgectl.units import show_money

_REFUSED = """
WITH quiet AS (
  -- Who was told anything else is no ghost, and most were.
  SELECT * FROM book_intents WHERE doubtful = 0 AND unknown = 0 AND confirmed = 0 AND accepted = 0 AND pays_open = 0
    AND status_open = 0
), ops AS (
  SELECT a.intent, a.tab, a.op, a.role,
    -- What never came to an end was not refused.
    bool_and(a.outcome = 'fail') OR (coalesce(bool_or(t.outcome = 'fail'), false) AND bool_and(a.outcome = 'fail'
      OR (a.outcome = 'ok' AND a."then" = 'poll' AND NOT a.double))) AS denied
  FROM attempts a SEMI JOIN quiet USING (intent)
    LEFT JOIN tolds t ON t.intent = a.intent AND t.tab = a.tab AND t.op = a.op AND NOT t.status_read
  WHERE a.role IN ('hold', 'pay') AND NOT a.poll GROUP BY a.intent, a.tab, a.op, a.role
), denied AS (
  SELECT intent FROM ops GROUP BY intent
  HAVING coalesce(bool_and(denied) FILTER (role = 'pay'), bool_and(denied))
)
SELECT * FROM quiet SEMI JOIN denied USING (intent)"""


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    strays = stray_charges(relations, expectations)
    relations.connection.execute(f"CREATE OR REPLACE TEMP TABLE refused AS {_REFUSED}")
    (considered,) = relations.one("SELECT count(*) FROM refused")
    (recovered,) = relations.one(
        """SELECT count(*) FROM book_intents WHERE (net > 0 OR valid_orders > 0) AND confirmed = 0
           AND (doubtful > 0 OR unknown > 0 OR accepted > 0)"""
    )
    found: list[Violation] = []
    told = refunds_told(relations, expectations)
    charged, untold = 0, 0
    for row in relations.dicts("SELECT * FROM refused WHERE net > 0 OR valid_orders > 0 ORDER BY fan, intent"):
        if not told and not row["valid_orders"]:
            untold += 1
            continue
        charged += row["net"] > 0
        has = []
        keys = {}
        if row["net"] > 0:
            has.append(f"was charged {show_money(row['net'], row['currency'])}")
            keys["charge"] = ", ".join(row["charge_ids"])
        if row["valid_orders"]:
            has.append("holds a valid ticket")
            keys["order"] = ", ".join(row["orders"])
        what = f"fan {row['fan']} was {row['told']} in every attempt, yet {' and '.join(has)}"
        found.append(Violation(what=what, intent=row["intent"], keys=keys))
    return conclude(
        Case(
            id="GHOST",
            severity="critical" if charged or not found else "major",
            considered=considered,
            holds="intents were refused, none of them was charged or ticketed",
            broken="intents were refused and yet charged or ticketed",
            violations=tuple(found) if expectations.settled else (),
            pending=0 if expectations.settled else len(found),
            unattributed=strays.rows,
            indeterminate=untold or recovered,
            doubt=UNTOLD_REFUNDS if untold else "",
            access=access(relations, ("charges", "orders"), optional=("tickets", "refunds")),
            conditional=True,
            numbers={"recovered": recovered},
        ),
        relations,
        expectations,
    )
