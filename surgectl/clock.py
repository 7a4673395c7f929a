"""The only place that reads the time.

A clock is an argument everywhere else, so that a test can play ten minutes in one second.
CLOCK_MONOTONIC is machine-wide on Linux, so the worker processes of one machine share it.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Monotonic nanoseconds for instants, wall time for labels, and a sleep that never wakes early."""

    def now_ns(self) -> int:
        """Monotonic nanoseconds; only differences mean anything."""
        ...

    def wall(self) -> datetime:
        """The wall clock in UTC: for names, headers and foreign ledgers, never for durations."""
        ...

    async def sleep_until_ns(self, due_ns: int) -> None:
        """Return at or after `due_ns`, never before it."""
        ...


SHORTEST_SLEEP_NS = 1_000_000
"""uvloop counts in whole milliseconds: half of one is none, and whoever waits for it turns in circles. Two thousand
arrivals a second kept a core busy with nothing; now they come up to a millisecond late, and it is free."""


class SystemClock:
    """The machine's own clocks."""

    def now_ns(self) -> int:
        return time.monotonic_ns()

    def wall(self) -> datetime:
        return datetime.now(UTC)

    async def sleep_until_ns(self, due_ns: int) -> None:
        # uvloop's timers fire up to 1.4 ms early: sleep again until the instant has really come.
        while (left_ns := due_ns - time.monotonic_ns()) > 0:
            await asyncio.sleep(max(left_ns, SHORTEST_SLEEP_NS) / 1e9)


def since(clock: Clock, start_ns: int) -> Callable[[], int]:
    """Reads the clock as nanoseconds since that instant: for hot paths, where one call costs half of two."""
    if type(clock) is SystemClock:
        read = time.monotonic_ns
        return lambda: read() - start_ns
    return lambda: clock.now_ns() - start_ns


def cpu_ns() -> int:
    """Nanoseconds of processor time that this thread has used: what something cost, however busy the machine is."""
    return time.thread_time_ns()


class LoopClock:
    """A clock that shows an event loop's time: with a VirtualLoop, hours pass in no time."""

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start or datetime(2030, 1, 1, tzinfo=UTC)

    def now_ns(self) -> int:
        return round(asyncio.get_running_loop().time() * 1e9)

    def wall(self) -> datetime:
        return datetime.fromtimestamp(self._start.timestamp() + self.now_ns() / 1e9, UTC)

    async def sleep_until_ns(self, due_ns: int) -> None:
        while (left_ns := due_ns - self.now_ns()) > 0:
            await asyncio.sleep(left_ns / 1e9)


class _JumpingSelector(selectors.SelectSelector):
    """Never waits: where the loop would sleep, its clock jumps instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            return super().select(0.01)  # nothing is scheduled: only another thread can wake us
        if not ready and timeout and timeout > 0:
            self.now_s += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only when nothing is left to do. For tests and `simulate`."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s
