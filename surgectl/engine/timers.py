"""Whoever waits is woken at the instant it named: never before, and whoever is due first is first.

One heap and one timer of the loop for all, however many wait: a fan that only waits costs an entry here, not a task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush

_AT_ONCE = 200
"""Woken before the others get a turn: many that are due together must not starve the sockets."""


class Sleeper:
    """Something that waits for an instant."""

    __slots__ = ()

    def wake(self) -> None:
        """The instant has come. One who no longer waits ignores it: entries are never taken back."""
        raise NotImplementedError

    def __lt__(self, other: Sleeper) -> bool:
        # For the heap, where two are due at once: either may be first.
        return False


class Timers:
    """`timers.at(due_ns, sleeper)` calls `sleeper.wake()` once, at or after that instant of the run."""

    __slots__ = ("_armed_ns", "_handle", "_heap", "_least_ns", "_now_ns", "_ringing")

    def __init__(self, now_ns: Callable[[], int], *, least_ns: int = 0) -> None:
        """`least_ns`: the shortest that the loop can sleep without turning in circles."""
        self._now_ns = now_ns
        self._least_ns = least_ns
        self._heap: list[tuple[int, Sleeper]] = []
        self._handle: asyncio.Handle | None = None
        self._armed_ns = 0
        self._ringing = False

    def __repr__(self) -> str:
        return f"<Timers {len(self._heap)} asleep>"

    def __len__(self) -> int:
        return len(self._heap)

    def at(self, due_ns: int, sleeper: Sleeper) -> None:
        """Wake it then, or in the loop's next turn where that instant has passed."""
        heappush(self._heap, (due_ns, sleeper))
        if not self._ringing and (self._handle is None or due_ns < self._armed_ns):
            self._arm()

    def close(self) -> None:
        """Wake nobody any more."""
        self._heap.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._heap:
            self._armed_ns = self._heap[0][0]
            loop = asyncio.get_running_loop()
            left_ns = self._armed_ns - self._now_ns()
            # A timer of uvloop fires up to 1.4 ms early: `_ring` looks at the clock and waits again.
            wait_ns = max(left_ns, self._least_ns)
            self._handle = loop.call_later(wait_ns / 1e9, self._ring) if left_ns > 0 else loop.call_soon(self._ring)

    def _ring(self) -> None:
        self._handle = None
        self._ringing = True
        heap, now_ns = self._heap, self._now_ns()
        try:
            for _ in range(_AT_ONCE):
                if not heap or heap[0][0] > now_ns:
                    break
                heappop(heap)[1].wake()
        finally:
            self._ringing = False
            self._arm()
