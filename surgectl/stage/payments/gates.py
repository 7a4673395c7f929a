"""What the provider can carry: beyond it, callers first wait in line and then are sent away.

Three limits, as docs.stripe.com/rate-limits has them: operations a second in all, a second at one endpoint,
and requests in progress. Stripe answers at once where we let a short line form first: a provider short of
capacity slows before it errs.
"""

from __future__ import annotations

import asyncio
from collections import deque

from surgectl.units import NS_PER_S


class RateGate:
    """A leaky bucket (the generic cell rate algorithm, ITU-T I.371) that says how long a caller waits."""

    def __init__(self, rate_per_s: float, queue_ns: int) -> None:
        self._step_ns = round(NS_PER_S / rate_per_s)
        self._burst_ns = max(self._step_ns, NS_PER_S // 20)
        self._queue_ns = queue_ns
        self._next_ns = 0

    def wait_ns(self, now_ns: int) -> int | None:
        """Nanoseconds to wait for a place, or None where the line is already too long."""
        due_ns = max(self._next_ns, now_ns)
        wait_ns = max(0, due_ns - now_ns - self._burst_ns)
        if wait_ns > self._queue_ns:
            return None
        self._next_ns = due_ns + self._step_ns
        return wait_ns


class ConcurrencyGate:
    """At most so many at once; others wait in line, first come first served, but not for ever."""

    def __init__(self, limit: int, queue_s: float) -> None:
        self._free = limit
        self._queue_s = queue_s
        self._line: deque[asyncio.Future[bool]] = deque()

    async def enter(self) -> bool:
        """True with a place taken, False where the wait was too long."""
        if self._free > 0 and not self._line:
            self._free -= 1
            return True
        return await _stand_in(self._line, self._queue_s)

    def leave(self) -> None:
        if not _call_next(self._line):
            self._free += 1


class UpdateGate:
    """So many changes of one object an hour (docs.stripe.com/rate-limits: 1000 of a payment intent), hour by hour."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._hours: dict[str, tuple[int, int]] = {}

    def enter(self, id_: str, now_ns: int) -> bool:
        """Whether this change is within the limit; a change that is not does not count."""
        hour = now_ns // (3600 * NS_PER_S)
        known, count = self._hours.get(id_, (hour, 0))
        if known != hour:
            count = 0
        if count >= self._limit:
            return False
        self._hours[id_] = (hour, count + 1)
        return True


class Locks:
    """One writer at a time for each object, as Stripe locks them."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._held: dict[str, deque[asyncio.Future[bool]]] = {}

    async def take(self, id_: str) -> bool:
        """True with the lock held, False where another kept it too long (429 `lock_timeout`)."""
        line = self._held.get(id_)
        if line is None:
            self._held[id_] = deque()
            return True
        return await _stand_in(line, self._patience_s)

    def give(self, id_: str) -> None:
        if not _call_next(self._held[id_]):
            del self._held[id_]


async def _stand_in(line: deque[asyncio.Future[bool]], patience_s: float) -> bool:
    loop = asyncio.get_running_loop()
    turn: asyncio.Future[bool] = loop.create_future()
    line.append(turn)
    timer = loop.call_later(patience_s, _give_up, turn)
    try:
        return await turn
    finally:
        timer.cancel()


def _give_up(turn: asyncio.Future[bool]) -> None:
    if not turn.done():
        turn.set_result(False)


def _call_next(line: deque[asyncio.Future[bool]]) -> bool:
    """Hand the place to the first who still waits; False where nobody does."""
    while line:
        turn = line.popleft()
        if not turn.done():
            turn.set_result(True)
            return True
    return False
