"""What one tab of a fan remembers while it is at the shop, and afterwards."""

from __future__ import annotations

from typing import Any

from surgectl.journey.messages import Reply
from surgectl.recording.rows import Outcome


class Memory:
    """The state of one tab. The engine keeps it to read the order's status after settling."""

    __slots__ = (
        "doubt",
        "draws",
        "end",
        "fan",
        "generation",
        "intent",
        "ops",
        "others",
        "outcome",
        "page",
        "seed",
        "sends",
        "tab",
        "variables",
    )

    def __init__(self, *, seed: int, fan: int, intent: str, tab: int = 0) -> None:
        self.seed = seed
        self.fan = fan
        self.intent = intent
        self.tab = tab
        self.variables: dict[str, Any] = {}
        self.sends = 0
        self.ops = 0
        self.draws = 0
        """Random numbers drawn so far: the counter of the next."""
        self.generation = 0
        """How often values were minted anew."""
        self.page: Reply | None = None
        """The last reply, where the journey looks back at it."""
        self.doubt: set[int] = set()
        """Operations of role hold or pay that may or may not have happened."""
        self.end: str | None = None
        self.outcome: Outcome = "info"
        self.others: list[Memory] = []
        """The further tabs that this one opened."""

    def __repr__(self) -> str:
        return f"<Memory {self.intent}.{self.tab} {self.end or 'at the shop'}>"

    def draw(self) -> tuple[int, int, int]:
        """Counters for one draw of chance: (fan, tab, n), never the same twice."""
        self.draws += 1
        return self.fan, self.tab, self.draws
