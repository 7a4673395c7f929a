"""Lets the backlog out a little at a time, so that a house that has just come back is not knocked over again."""

from __future__ import annotations

from surgectl.units import NS_PER_S


class Drain:
    """How many payments may be out at once.

    After an outage it starts with one and doubles every step; after the house said "too many" it halves, and
    from there on it adds one a step (TCP's slow start and congestion avoidance: V. Jacobson, "Congestion
    Avoidance and Control", 1988). Instants are monotonic nanoseconds, given by the caller.
    """

    def __init__(self, most: int, step_ns: int = NS_PER_S) -> None:
        self._most = most
        self._step_ns = step_ns
        self._limit = most
        self._calm = most
        """Up to here it doubles: nothing has been too much yet."""
        self._grown_ns = 0
        self._set_back_ns: int | None = None

    def limit(self, now_ns: int) -> int:
        """Between 1 and the most."""
        while self._limit < self._most and now_ns - self._grown_ns >= self._step_ns:
            self._limit = min(
                self._most, min(self._limit * 2, self._calm) if self._limit < self._calm else self._limit + 1
            )
            self._grown_ns += self._step_ns
        return self._limit

    def grows_ns(self) -> int | None:
        """When it next allows more; None: it allows all there is."""
        return self._grown_ns + self._step_ns if self._limit < self._most else None

    def reopened(self, now_ns: int) -> None:
        """The house answers again: begin with one."""
        self._limit, self._calm, self._grown_ns = 1, self._most, now_ns

    def set_back(self, out: int, now_ns: int) -> None:
        """The house said "too many" while `out` were out: half of that. What was out together counts once."""
        if self._set_back_ns is not None and now_ns - self._set_back_ns < self._step_ns:
            return
        self._set_back_ns = now_ns
        self._limit = self._calm = max(1, min(self.limit(now_ns), out) // 2)
        self._grown_ns = now_ns
