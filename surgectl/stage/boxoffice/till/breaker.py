"""Stops asking a house that does not answer, and knocks now and then to hear whether it is back."""

from __future__ import annotations

import enum
from collections import deque

import msgspec

from surgectl.units import NS_PER_S


class State(enum.Enum):
    CLOSED = "closed"
    """Everything goes through."""
    OPEN = "open"
    """Nothing goes through."""
    HALF_OPEN = "half-open"
    """One call is out to try; what becomes of it decides."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """When a breaker opens and how often it tries again. A share above 1: it never opens."""

    share: float = 0.5
    """Of silences among the recent calls."""
    calls: int = 20
    """So many are recent at most …"""
    least: int = 8
    """… and so few say nothing yet."""
    least_on_trial: int = 2
    """The same just after it has closed, until `least` were heard: a relapse is believed sooner."""
    remember_ns: int = 10 * NS_PER_S
    """What is older is not recent any more."""
    pause_ns: int = NS_PER_S // 2
    """After the first failed try; each further one doubles it …"""
    longest_pause_ns: int = 2 * NS_PER_S
    """… up to this."""


class Pass(msgspec.Struct, frozen=True):
    """Leave to make one call. To be handed back by exactly one of heard, silent, unused."""

    era: int
    probe: bool
    question: bool = False


class Breaker:
    """Closed, open, half-open (M. Nygard, "Release It!", 2nd ed., ch. 5; the count window is resilience4j's).

    Payments and questions (reads that cannot charge) are tried apart while it is open: a provider whose list
    answers but whose charges hang is not back yet, and its list is still worth reading. Only a payment that
    was heard closes it. Calls that were let out before it opened say nothing about now and are not counted.
    Every instant is monotonic nanoseconds, given by the caller.
    """

    def __init__(self, rules: Rules, now_ns: int) -> None:
        self._rules = rules
        self._recent: deque[tuple[int, bool]] = deque(maxlen=rules.calls)
        self._era = 0
        self._out: dict[bool, bool] = {False: False, True: False}
        self._next_ns: dict[bool, int] = {False: 0, True: 0}
        self._failed: dict[bool, int] = {False: 0, True: 0}
        self._rest_until_ns = 0
        self.since_ns = now_ns
        self.opened = 0
        """How often it has opened."""
        self._open = False
        self._on_trial = 0
        """So many must still be heard since it closed."""

    @property
    def state(self) -> State:
        if not self._open:
            return State.CLOSED
        return State.HALF_OPEN if self._out[False] else State.OPEN

    def free_ns(self, now_ns: int, *, question: bool = False) -> int | None:
        """From when a call may leave (`now_ns` or before: at once); None: not before one that is out has ended."""
        if not self._open:
            return now_ns if question else max(now_ns, self._rest_until_ns)
        if self._out[question]:
            return None
        return max(now_ns, self._next_ns[question], now_ns if question else self._rest_until_ns)

    def let_out(self, now_ns: int, *, question: bool = False) -> Pass | None:
        """Leave for one call now, or None."""
        free_ns = self.free_ns(now_ns, question=question)
        if free_ns is None or free_ns > now_ns:
            return None
        if self._open:
            self._out[question] = True
        return Pass(self._era, probe=self._open, question=question)

    def heard(self, leave: Pass, now_ns: int) -> bool:
        """There was an answer, whatever it says → whether this has closed the breaker."""
        if leave.era != self._era:
            return False
        if not leave.probe:
            self._recent.append((now_ns, False))
            self._on_trial = max(0, self._on_trial - 1)
            return False
        self._out[leave.question] = False
        self._failed[leave.question] = 0
        if leave.question:
            self._next_ns[True] = now_ns + self._rules.pause_ns
            return False
        self._turn(now_ns, open_=False)
        return True

    def silent(self, leave: Pass, now_ns: int) -> bool:
        """No answer that could be read → whether this has opened the breaker."""
        if leave.era != self._era:
            return False
        if leave.probe:
            self._out[leave.question] = False
            self._wait(leave.question, now_ns)
            return False
        self._recent.append((now_ns, True))
        while self._recent and self._recent[0][0] < now_ns - self._rules.remember_ns:
            self._recent.popleft()
        silences = sum(silent for _, silent in self._recent)
        least = self._rules.least_on_trial if self._on_trial else self._rules.least
        if len(self._recent) < least or silences < self._rules.share * len(self._recent):
            return False
        self._turn(now_ns, open_=True)
        return True

    def unused(self, leave: Pass) -> None:
        """The call was not made after all."""
        if leave.era == self._era and leave.probe:
            self._out[leave.question] = False

    def rest(self, until_ns: int) -> None:
        """The house asks for a pause (429, Retry-After): no payment leaves before."""
        self._rest_until_ns = max(self._rest_until_ns, until_ns)

    def _turn(self, now_ns: int, *, open_: bool) -> None:
        self._open = open_
        self._era += 1
        self._recent.clear()
        self._out = {False: False, True: False}
        self._failed = {False: 0, True: 0}
        self.since_ns = now_ns
        self._on_trial = self._rules.least
        if open_:
            self.opened += 1
            self._wait(False, now_ns)
            self._wait(True, now_ns)

    def _wait(self, question: bool, now_ns: int) -> None:
        pause_ns = min(self._rules.longest_pause_ns, self._rules.pause_ns * 2 ** min(20, self._failed[question]))
        self._failed[question] += 1
        self._next_ns[question] = now_ns + pause_ns
