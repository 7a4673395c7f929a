"""How long a person has waited, and when it is too long."""

from __future__ import annotations

from collections.abc import Generator

from surgectl.fans.dialogue import Answer, Move, Think
from surgectl.fans.memory import Memory
from surgectl.fans.policy import Policy

_SHORTEST_TIMEOUT_NS = 1_000_000


class Quit(Exception):  # noqa: N818 - not an error: a person has had enough
    """The person has waited long enough and leaves for good."""


class Patience:
    """The time of one tab, as far as its script knows it: instants come with answers, waits are its own."""

    __slots__ = ("_budget_ns", "_policy", "_start_ns", "_thought_ns", "endless", "now_ns")

    def __init__(self, policy: Policy, memory: Memory, start_ns: int) -> None:
        self._policy = policy
        self._start_ns = start_ns
        self._thought_ns = 0
        self._budget_ns = policy.budget_ns(memory.seed, memory.fan)
        self.now_ns = start_ns
        self.endless = False
        """Reading the status for our own knowledge tries nobody's patience."""

    def left_ns(self) -> int | None:
        """How much waiting the person still has in them; None = no end to it. Thinking is not waiting."""
        if self._budget_ns is None or self.endless:
            return None
        return self._budget_ns - (self.now_ns - self._start_ns - self._thought_ns)

    def think(self, ns: int) -> Generator[Move, Answer | bool | None, None]:
        """A pause of the person's own making."""
        if ns > 0:
            self._thought_ns += ns
            self.now_ns += ns
            yield Think(ns=ns, why="think")

    def wait(self, ns: int, why: str) -> Generator[Move, Answer | bool | None, None]:
        """Wait; or wait as long as the person can bear it, and then Quit."""
        left_ns = self.left_ns()
        quits = left_ns is not None and ns >= left_ns
        if quits and left_ns is not None:
            ns = max(0, left_ns)
        if ns > 0:
            self.now_ns += ns
            yield Think(ns=ns, why=why)
        if quits:
            raise Quit

    def timeout_ns(self, role: str, asked_ns: int) -> tuple[int, bool]:
        """The time-out of a send, and whether its end is the end of all patience. Quit where none is left."""
        timeout_ns = min(asked_ns, self._policy.patience_ns.get(role, asked_ns))
        left_ns = self.left_ns()
        if left_ns is None:
            return timeout_ns, False
        if left_ns < _SHORTEST_TIMEOUT_NS:
            raise Quit
        return min(timeout_ns, left_ns), left_ns < timeout_ns
