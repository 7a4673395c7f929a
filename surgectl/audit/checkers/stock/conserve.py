"""Every ticket is somewhere: free, held, being paid for, or sold.

Definition: capacity = available + held + pending + sold, and none of them below zero, in the shop's own counters. One
that does not say what is held is judged where the rest is more than the capacity already.
Inputs: stock, each row one consistent snapshot of one kind of ticket; without a capacity of its own, the scenario's
where that row is all of the snapshot.
Settling: a negative counter is wrong in any snapshot; an imbalance is judged on the last snapshot, when nothing moves.
Severity: critical.
"""

from __future__ import annotations

from surgectl.audit.books import access
from surgectl.audit.case import Case, Violation, conclude
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations

_COUNTERS = ("available", "held", "pending", "sold")


def check(relations: Relations, expectations: Expectations) -> Finding:
    books = access(relations, ("stock",))
    impossible: list[Violation] = []
    unbalanced: list[Violation] = []
    shaky = 0
    partial = 0
    missing: list[str] = []
    rows = relations.rows(
        """SELECT snapshot, coalesce(capacity, CASE WHEN count(*) OVER (PARTITION BY snapshot) = 1 THEN ? END),
             available, held, pending, sold, file, line, snapshot = max(snapshot) OVER () FROM stock
           ORDER BY snapshot, file, line""",
        [expectations.capacity],
    )
    for snapshot, capacity, available, held, pending, sold, file, line, last in rows:
        counters = dict(zip(_COUNTERS, (available, held, pending, sold), strict=True))
        known = [value for value in counters.values() if value is not None]
        said = ", ".join(f"{name} {value}" for name, value in counters.items() if value is not None)
        keys = {"snapshot": str(snapshot), "line": f"{file}:{line}"}
        below = [name for name, value in counters.items() if value is not None and value < 0]
        if below:
            impossible.append(Violation(what=f"{' and '.join(below)} below zero: {said}", keys=keys))
        elif capacity and last and None not in (available, sold) and sum(known) > capacity:
            # Too much already, however many are held where that is not said.
            unbalanced.append(Violation(what=f"{said} make {sum(known)}, not {capacity}", keys=keys))
        elif capacity is None or available is None or held is None or sold is None:
            partial += 1
            said_by = {"capacity": capacity, "available": available, "held": held, "sold": sold}
            missing = [name for name, value in said_by.items() if value is None]
        elif (total := available + held + (pending or 0) + sold) != capacity:
            if last:
                unbalanced.append(Violation(what=f"{said} make {total}, not {capacity}", keys=keys))
            else:
                shaky += 1
    doubt = f"stock does not say {' and '.join(missing)}: map it, or give a number (`held: 0`)" if partial else ""
    return conclude(
        Case(
            id="CONSERVE",
            severity="critical",
            considered=len(rows) - partial,
            holds="snapshots of the stock, each adds up to the capacity",
            broken="snapshots of the stock do not add up",
            # Half a reading need not add up, and yet no counter of it may be below zero.
            violations=tuple(impossible if impossible and not books.good else impossible + unbalanced),
            indeterminate=partial,
            doubt=doubt,
            access=books,
            snapshot=bool(impossible),
            numbers={"imbalanced_before_the_last": shaky},
        ),
        relations,
        expectations,
    )
