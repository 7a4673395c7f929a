"""One thing a fan tries to do, over all its attempts, and what the fan may believe about it.

The rule kept here: an attempt that may have landed stays open. Whatever is said to a later one, the fan never
believes that it failed.
"""

from __future__ import annotations

from typing import Any

from surgectl.fans.dialogue import Told
from surgectl.fans.memory import Memory
from surgectl.journey.messages import Verdict
from surgectl.journey.model import CompiledStep
from surgectl.recording.rows import Outcome

EFFECTS = frozenset({"hold", "pay"})
"""Roles whose unanswered attempts leave a doubt that nothing but a success can lift."""


class Operation:
    """A step being carried out."""

    __slots__ = (
        "claims",
        "counts",
        "fresh",
        "knowledge",
        "memory",
        "number",
        "open",
        "sent",
        "step",
        "tries",
        "waited_ns",
    )

    def __init__(self, step: CompiledStep, memory: Memory, *, knowledge: bool = False) -> None:
        """`knowledge`: a status read, which is no attempt at anything."""
        memory.ops += 1
        self.number = memory.ops
        self.step = step
        self.memory = memory
        self.knowledge = knowledge
        self.tries = 0
        self.sent = False
        self.counts: dict[str, int] = {}
        """How often each outcome word has come."""
        self.claims: dict[str, Any] = {}
        self.open = False
        """An attempt of it may or may not have happened."""
        self.fresh = False
        """A later attempt carried another key, so its answer says nothing of the earlier one."""
        self.waited_ns = 0
        """The last backoff: decorrelated jitter draws from it."""

    @property
    def role(self) -> str:
        return "status" if self.knowledge else self.step.role

    @property
    def effects(self) -> bool:
        """May it change a ledger?"""
        return self.step.role in EFFECTS and not self.knowledge

    @property
    def in_doubt(self) -> bool:
        return self.number in self.memory.doubt

    def doubt(self) -> None:
        """The shop may be carrying it out, or may have: until it says so, nobody knows."""
        if self.effects:
            self.memory.doubt.add(self.number)

    def leave_open(self) -> None:
        """An attempt of it may have landed, and no reply will ever tell."""
        self.open = True
        self.doubt()

    def told(self, outcome: Outcome, end: str) -> Told:
        """It is over: the fan's belief about it, and what doubt stays behind."""
        doubt = self.memory.doubt
        if self.effects:
            if outcome == "fail" and (self.open or doubt - {self.number}):
                outcome = "info"
            if outcome == "fail" or (outcome == "ok" and not (self.open and self.fresh)):
                doubt.discard(self.number)
            elif self.open:
                doubt.add(self.number)
        return Told(
            op=self.number,
            step=self.step.name,
            role=self.role,
            outcome=outcome,
            end=end,
            claims=self.claims,
            status_read=self.knowledge,
        )


def words_of(verdict: Verdict) -> tuple[tuple[str, ...], str]:
    """The outcome words that a profile may react to, most telling first, and the end if nothing is done about it."""
    if verdict.then == "end":
        end = verdict.to or verdict.why
        return ((end, "info") if verdict.outcome == "info" else (end,)), end
    if verdict.then in ("again", "shed"):
        return (verdict.then,), verdict.then
    if verdict.outcome == "fail":
        return (verdict.why, "info"), verdict.why
    return (verdict.why, "info"), "unknown"
