"""How long a person has waited, and when it is too long.

A tab is a state machine: `_next` is what it does when it is resumed, a plain function of the tab and the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from surgectl.fans.dialogue import Answer, Move, Think
from surgectl.fans.memory import Memory
from surgectl.fans.policy import Policy
from surgectl.fans.way import Route

Next = Callable[[Any, Answer | bool | None], Move]
"""(the tab, what the engine brings) → the next move. Never a bound method: that would tie each tab to itself."""

_SHORTEST_TIMEOUT_NS = 1_000_000
_LONG_NS = 2_000_000_000


class Patience(Memory):
    """The time of one tab, as far as its script knows it: instants come with answers, waits are its own."""

    __slots__ = ("_next", "_quits_ns", "now_ns", "policy")

    _next: Next
    _quits_ns: int | None
    """When the person leaves for good; None = never. Reading the status for our own knowledge tries nobody's."""
    now_ns: int
    policy: Policy
    route: Route

    def send(self, answer: Answer | bool | None) -> Move:
        """The next move. StopIteration where the tab has left or was closed."""
        return self._next(self, answer)

    def close(self) -> None:
        """Say nothing more; what it knows stays."""
        self._next = gone

    def _think(self, ns: int, then: Next) -> Move:
        """A pause of the person's own making: thinking is not waiting."""
        if ns <= 0:
            return then(self, None)
        if self._quits_ns is not None:
            self._quits_ns = compact(self._quits_ns + ns)
        return self._rest(ns, "think", then)

    def _wait(self, ns: int, why: str, then: Next) -> Move:
        """Wait and go on; or wait as long as the person can bear it, and quit."""
        if self._quits_ns is not None:
            left_ns = self._quits_ns - self.now_ns
            if ns >= left_ns:
                ns, then = max(0, left_ns), type(self)._quit
        if ns <= 0:
            return then(self, None)
        return self._rest(ns, why, then)

    def _rest(self, ns: int, why: str, then: Next) -> Move:
        # Making a value again costs some microseconds: too many for who is back in a moment, and nothing otherwise.
        first = ns >= _LONG_NS and not self.tab and (self._aside is None or not self._aside.generation)
        self._fold(self.route.made_again if first else ())
        self.now_ns = compact(self.now_ns + ns)
        self._next = then
        return Think(ns=ns, why=why)

    def _timeout_ns(self, role: str, asked_ns: int) -> tuple[int, bool]:
        """The time-out of a send, and whether its end is the end of all patience. -1 where none is left."""
        timeout_ns = self.policy.patience_ns.get(role, asked_ns)
        if timeout_ns > asked_ns:
            timeout_ns = asked_ns
        if self._quits_ns is None:
            return timeout_ns, False
        left_ns = self._quits_ns - self.now_ns
        if left_ns < _SHORTEST_TIMEOUT_NS:
            return -1, True
        return min(timeout_ns, left_ns), left_ns < timeout_ns

    def _quit(self, answer: Answer | bool | None = None) -> Move:
        """The person has waited long enough and leaves for good."""
        raise NotImplementedError


def compact(ns: int) -> int:
    """The same number without the room for a carry that a sum brings along: a third less for whoever waits with it."""
    return ns | 0


def gone(tab: Patience, answer: Answer | bool | None) -> Move:
    """What a tab does that has left: nothing is asked of it any more."""
    raise StopIteration
