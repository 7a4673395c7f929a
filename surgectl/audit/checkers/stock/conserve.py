"""Every ticket is somewhere: free, held, being paid for, or sold.

Definition: capacity = available + held + pending + sold, and none of them below zero, in the shop's own counters.
Inputs: stock, each row one consistent snapshot; without a capacity of its own, the scenario's.
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
    found: list[Violation] = []
    shaky = 0
    partial = 0
    rows = relations.rows(
        """SELECT snapshot, coalesce(capacity, ?), available, held, pending, sold, file, line,
             snapshot = max(snapshot) OVER () FROM stock ORDER BY snapshot, file, line""",
        [expectations.capacity],
    )
    for snapshot, capacity, available, held, pending, sold, file, line, last in rows:
        counters = dict(zip(_COUNTERS, (available, held, pending, sold), strict=True))
        said = ", ".join(f"{name} {value}" for name, value in counters.items() if value is not None)
        keys = {"snapshot": str(snapshot), "line": f"{file}:{line}"}
        below = [name for name, value in counters.items() if value is not None and value < 0]
        if below:
            found.append(Violation(what=f"{' and '.join(below)} below zero: {said}", keys=keys))
        elif capacity is None or available is None or held is None or sold is None:
            partial += 1
        elif (total := available + held + (pending or 0) + sold) != capacity:
            if last:
                found.append(Violation(what=f"{said} make {total}, not {capacity}", keys=keys))
            else:
                shaky += 1
    doubt = "stock does not say capacity, available, held and sold: map all four" if partial else ""
    if shaky and not found:
        doubt = "an earlier snapshot did not add up, the last one did: is it one transaction?"
    return conclude(
        Case(
            id="CONSERVE",
            severity="critical",
            considered=len(rows) - partial,
            holds="snapshots of the stock, each adds up to the capacity",
            broken="snapshots of the stock do not add up",
            violations=tuple(found),
            indeterminate=partial,
            doubt=doubt,
            access=access(relations, ("stock",)),
            numbers={"imbalanced_before_the_last": shaky},
        ),
        relations,
        expectations,
    )
