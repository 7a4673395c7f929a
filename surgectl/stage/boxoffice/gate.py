"""Who is turned away first when the shop is full: those who look, then those who choose, last those who pay."""

from __future__ import annotations

from enum import IntEnum

from surgectl.stage.boxoffice.refusals import Refused, Shedding

_WRITES_AT_MOST = 1000  # waiting write jobs; beyond it a new one would only wait longer than fans do


class Rank(IntEnum):
    """How far a fan has come: the further, the later they are shed."""

    LOOK = 0
    """Joining the line, the event page, the seat map."""
    CHOOSE = 1
    """A new basket."""
    PAY = 2
    """A full basket at the till."""


# What each rank may fill of the shop, in tenths: the rest is kept free for those who have come further.
_TENTHS = {Rank.LOOK: 6, Rank.CHOOSE: 8, Rank.PAY: 10}


class Gate:
    """Counts the sale's requests being served, and refuses the next one before it has waited for anything.

    `at_most` requests at once; a rank enters only while all ranks together leave it room. Looking up a place or an
    order is answered from memory and does not pass here: a refusal would cost as much.
    """

    def __init__(self, at_most: int, shedding: Shedding) -> None:
        self._seats = {rank: max(1, at_most * tenths // 10) for rank, tenths in _TENTHS.items()}
        self._writes = {rank: _WRITES_AT_MOST * tenths // 10 for rank, tenths in _TENTHS.items()}
        self._shedding = shedding
        self.inside = 0

    def refuses(self, rank: Rank, writes_waiting: int) -> Refused | None:
        """Why this one is turned away now, or None: BUSY, not executed, with a Retry-After of its own."""
        if self.inside >= self._seats[rank]:
            return self._shedding.busy("too many at the counters")
        if writes_waiting > self._writes[rank]:
            return self._shedding.busy("the clerk is behind")
        return None
