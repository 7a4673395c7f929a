"""A hold that runs out gives its tickets back.

Definition: once the last hold has expired and been swept, capacity - available - sold - pending - held by holds that
still run is zero. What is left over is neither free nor sold nor anybody's.
Inputs: stock (last snapshot, all its rows together), orders or tickets where stock does not count sold or pending,
holds where there are any.
Settling: open until the window (hold TTL and sweep included) has passed, then a violation.
Severity: major.
"""

from __future__ import annotations

from surgectl.audit.books import access, lay
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations


def check(relations: Relations, expectations: Expectations) -> Finding:
    lay(relations)
    # A row may be one kind of ticket: only together do they stand against all orders. A number that one row lacks is
    # not known for the whole.
    capacity, available, sold, pending, at_s, file, line = relations.one(
        """WITH last AS (SELECT * FROM stock WHERE snapshot = (SELECT max(snapshot) FROM stock))
           SELECT CASE WHEN count(capacity) = count(*) THEN sum(capacity) WHEN count(*) = 1 THEN ? END,
             CASE WHEN count(available) = count(*) THEN sum(available) END,
             CASE WHEN count(sold) = count(*) THEN sum(sold) END,
             CASE WHEN count(pending) = count(*) THEN sum(pending) END, max(at_s), max(file), max(line) FROM last""",
        [expectations.capacity],
    )
    held_ever, used = relations.one(
        """SELECT (SELECT count(*) FROM holds),
             (SELECT count(DISTINCT intent) FROM attempts WHERE role = 'hold' AND NOT poll AND outcome = 'ok')"""
    )
    leaked, doubt = 0, ""
    violation: tuple[Violation, ...] = ()
    if sold is None:
        (sold,) = relations.one(
            """SELECT coalesce(sum(valid_qty), CASE WHEN count(*) = 0 AND EXISTS (
                 SELECT 1 FROM sources WHERE kind = 'orders') THEN 0 END) FROM book_orders"""
        )
    if pending is None:
        (pending,) = relations.one("SELECT coalesce(sum(qty), 0) FROM book_orders WHERE state = 'pending'")
    (running,) = relations.one(
        """SELECT coalesce(sum(coalesce(qty, 1)), 0) FROM holds
           WHERE state = 'active' AND CASE WHEN ? IS NOT NULL AND expires_s IS NOT NULL THEN expires_s > ?
                                      ELSE NOT ? END""",
        [at_s, at_s, expectations.settled],
    )
    if capacity is None or available is None or sold is None:
        doubt = "stock does not say capacity, available and sold: map them"
    else:
        leaked = max(0, capacity - available - sold - pending - running)
        if leaked:
            said = f"capacity {capacity}, available {available}, sold {sold}, pending {pending}"
            what = f"{leaked} tickets are neither free nor sold ({said}, in running holds {running})"
            keys = {"line": f"{file}:{line}"} | _holds(relations)
            violation = (Violation(what=what, intent=_fan_of(relations), keys=keys),)
    return conclude(
        Case(
            id="LEAK",
            severity="major",
            considered=max(held_ever, used),
            holds="holds, and no ticket got stuck in one",
            broken="tickets never came back from holds",
            violations=violation,
            violated=leaked if expectations.settled else 0,
            pending=0 if expectations.settled else leaked,
            indeterminate=1 if doubt else 0,
            doubt=doubt,
            access=access(relations, ("stock",), optional=("orders", "tickets", "holds")),
            numbers={"leaked": leaked},
        ),
        relations,
        expectations,
    )


_ENDED = """SELECT h.hold, min(m.intent) AS intent FROM holds h
  LEFT JOIN (SELECT intent, value FROM mints UNION ALL SELECT intent, intent FROM intents) m
    ON list_contains(h.keys, m.value)
  WHERE h.state IN ('expired', 'released', 'active') GROUP BY h.hold"""


def _holds(relations: Relations) -> dict[str, str]:
    """Holds that ended without a sale: the tickets are among theirs."""
    names = [hold for hold, _ in relations.rows(f"SELECT * FROM ({_ENDED}) ORDER BY intent IS NULL, hold LIMIT 5")]
    return {"hold": ", ".join(names)} if names else {}


def _fan_of(relations: Relations) -> str | None:
    """A fan whose hold ended without a sale, where the books name one."""
    rows = relations.rows(f"SELECT intent FROM ({_ENDED}) WHERE intent IS NOT NULL ORDER BY hold LIMIT 1")
    if rows:
        return str(rows[0][0])
    rows = relations.rows(
        """SELECT intent FROM book_intents WHERE holds_ok > 0 AND valid_orders = 0 AND charges = 0
           ORDER BY fan, intent LIMIT 1"""
    )
    return str(rows[0][0]) if rows else None
