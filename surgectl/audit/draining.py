"""How long the backlog took to go away once the fault was gone.

The backlog are the payments that fans were waiting for in the instant of the heal. Drained is when the last of them
has a definite end (docs/invariants.md, DRAIN): a shop that only serves newcomers has not drained. A fan who lost
patience, or who took the shop's last word for an answer although an earlier try was still in doubt, has left and waits
no longer: that says nothing about the backlog either way.
"""

from __future__ import annotations

from surgectl.audit.confirming import CONFIRMING
from surgectl.recording.relations import Relations
from surgectl.thresholds.measure import Number, Unmeasured

_WAITED_IN_VAIN = "('unknown', 'accepted', 'cut-off', 'script-error')"
"""Ends of those who were still waiting when nothing more could come."""


def drain_ns(relations: Relations, healed_ns: int, end_ns: int) -> Number | Unmeasured:
    """Nanoseconds from the heal to the end of the backlog; `at_least` where some of it never learnt its fate."""
    rows = relations.rows(
        f"""SELECT start_ns, known_ns FROM ({CONFIRMING}) WHERE start_ns < ? AND (known_ns IS NOT NULL
              OR intent IN (SELECT intent FROM lefts WHERE "end" IN {_WAITED_IN_VAIN})
              OR intent NOT IN (SELECT intent FROM lefts))""",
        [healed_ns],
    )
    if not rows:
        return Unmeasured(why="nobody had paid before the fault ended: there was no backlog to drain")
    left = [known_ns for _, known_ns in rows if known_ns is None or known_ns > healed_ns]
    if None in left:
        return Number(value=float(max(0, end_ns - healed_ns)), samples=len(left), at_least=True)
    return Number(value=float(max([0, *(known_ns - healed_ns for known_ns in left)])), samples=len(rows))
