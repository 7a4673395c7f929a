"""What has to be known of one fan to count him once, however many tabs he opens."""

from __future__ import annotations

STAGES = ("arrived", "joined", "held", "paying", "confirmed")
"""The way to a ticket. A fan who was seen at one stage has passed all before it."""

UNDECIDED, CUT_OFF, DOUBT, NO, WON = range(5)
"""Fates: on the way · broken off by us · may or may not have bought · told no for good · has a ticket."""

_BROKEN_OFF = frozenset({"cut-off", "script-error"})


class OneFan:
    """An intent's place, tabs and doubts: about 200 bytes."""

    __slots__ = ("counted", "doubts", "end", "fate", "maybe", "no", "seen", "stage", "steps", "tabs")

    def __init__(self) -> None:
        self.stage = -1
        """Index in STAGES of the furthest one reached."""
        self.tabs = 1
        """The tabs that are open, a bit each."""
        self.seen = 1
        """The tabs that ever were."""
        self.steps = 0
        """The steps that were tried, a bit each."""
        self.doubts: set[int] | None = None
        """The holds and payments that may or may not have happened."""
        self.fate = UNDECIDED
        self.end = ""
        """The word for its fate, as counted."""
        self.maybe = ""
        self.no = ""
        self.counted = False
        """Is it among those in doubt?"""

    def __repr__(self) -> str:
        return f"<OneFan {STAGES[self.stage]} tabs={self.tabs:b} {self.end}>"

    def doubt(self, operation: int) -> None:
        if self.doubts is None:
            self.doubts = set()
        self.doubts.add(operation)

    def leave(self, end: str, outcome: str, *, first: bool) -> None:
        """A tab was closed with these words."""
        if outcome == "info" or end == "accepted":
            self.maybe = end if end != "closed" else self.maybe or end
        elif end != "closed" and (first or not self.no):
            self.no = end

    def parting(self) -> tuple[str, int]:
        """The word and the fate of a fan whose tabs have all left: one tab's doubt outweighs the others' no."""
        if self.maybe:
            return self.maybe, DOUBT
        if self.no in _BROKEN_OFF:
            return self.no, CUT_OFF
        return self.no or "closed", NO
