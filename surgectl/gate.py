"""What the rehearsal's end means to a build server: every exit code, and which one wins.

0    pass: every invariant held, every demand was met
2    usage: the command line, a profile or a target cannot be meant             (before anything is sent)
10   a threshold or a statistical invariant failed: the numbers were not as demanded
11   a ledger invariant is violated: oversold, charged twice, charged without a ticket …
12   inconclusive: nobody can say. The generator was starved, arrivals were dropped beyond the budget, a fault was
     not verified, required evidence or coverage is missing, the shop could not be reached, or there were no samples
13   refused by a safety guard                                                  (before anything is sent)
14   stopped by an abort condition
70   internal error: our own fault
130  stopped by SIGINT, artefacts written
143  stopped by SIGTERM, artefacts written
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol

from surgectl.thresholds.weighing import Verdict

PASS = 0
USAGE = 2
THRESHOLD = 10
LEDGER = 11
INCONCLUSIVE = 12
REFUSED = 13
ABORTED = 14
INTERNAL = 70
SIGINT = 130
SIGTERM = 143

Status = Literal["done", "aborted", "failed", "running", "sigint", "sigterm", "refused", "usage"]
"""How the run ended: by itself · an abort condition · our own fault · cut off (kill -9) · a signal · unbegun."""

MEANING = {
    PASS: "pass",
    USAGE: "usage or profile error",
    THRESHOLD: "a threshold failed",
    LEDGER: "a ledger invariant is violated",
    INCONCLUSIVE: "inconclusive",
    REFUSED: "refused by a safety guard",
    ABORTED: "stopped by an abort condition",
    INTERNAL: "internal error",
    SIGINT: "interrupted",
    SIGTERM: "terminated",
}


class Judged(Protocol):
    """What the gate needs to know of an audit."""

    @property
    def ledger(self) -> Verdict:
        """The worst of the ledger invariants that weigh anything."""
        ...

    @property
    def demands(self) -> Verdict:
        """The worst of the thresholds and statistical findings."""
        ...

    @property
    def conclusive(self) -> bool:
        """Whether everything that was required could be said."""
        ...


def exit_code(audit: Judged | None, status: Status) -> int:
    """The first that applies of 2/13, 70, 11, 130/143, 14, 10, 12, 0. `audit` is None where none could be made."""
    if status == "usage":
        return USAGE
    if status == "refused":
        return REFUSED
    if status == "failed":
        return INTERNAL
    # A proven double charge outweighs the reason for which the run was cut short: it happened.
    if audit is not None and audit.ledger == "fail":
        return LEDGER
    if status == "sigint":
        return SIGINT
    if status == "sigterm":
        return SIGTERM
    if status == "aborted":
        return ABORTED
    if audit is None:
        return INCONCLUSIVE
    if audit.demands == "fail":
        return THRESHOLD
    if not audit.conclusive or status == "running":
        return INCONCLUSIVE
    return PASS


_WORST_FIRST = (LEDGER, INTERNAL, SIGINT, SIGTERM, ABORTED, THRESHOLD, REFUSED, INCONCLUSIVE)


def worst(codes: Iterable[int]) -> int:
    """One exit code for several rehearsals: the first of 11, 70, 130, 143, 14, 10, 13, 12 that any of them ended with.

    What the books prove outweighs all else: no crash of ours in the next rehearsal takes it back. Any other code that
    is not 0 counts as inconclusive, and so does no rehearsal at all.
    """
    seen = set(codes)
    return next((code for code in _WORST_FIRST if code in seen), PASS if seen == {PASS} else INCONCLUSIVE)
