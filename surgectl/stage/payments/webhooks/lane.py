"""The letters to one address, in the order in which they are due: a dead address holds up nobody but itself."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable

from surgectl.clock import Clock
from surgectl.stage.payments.webhooks.outbox import Letter
from surgectl.units import NS_PER_S

_SICK = 5
"""So many failures in a row, and the address is only probed, one letter at a time."""

Try = Callable[[Letter, int], Awaitable[bool]]


class Lane:
    """At most `workers` letters on their way at once."""

    def __init__(self, try_once: Try, workers: int, backoff_ns: Callable[[int], int], clock: Clock) -> None:
        self._try = try_once
        self._workers = workers
        self._backoff_ns = backoff_ns
        self._clock = clock
        self._due: list[tuple[int, int, Letter, int]] = []
        self._count = 0
        self._failures = 0
        self._not_before_ns = 0
        self._wake = asyncio.Event()
        self._carrying: set[asyncio.Task[None]] = set()
        self._walker: asyncio.Task[None] | None = None

    def open(self) -> Lane:
        self._walker = asyncio.create_task(self._walk())
        return self

    def push(self, letter: Letter, due_ns: int, until_ns: int) -> None:
        """Send it at `due_ns` (monotonic); what cannot be delivered by `until_ns` is given up."""
        self._count += 1
        heapq.heappush(self._due, (due_ns, self._count, letter, until_ns))
        self._wake.set()

    async def close(self) -> None:
        tasks = [*self._carrying, *([self._walker] if self._walker else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _walk(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            wait_ns = self._start_what_is_due()
            timer = None if wait_ns is None else loop.call_later(wait_ns / NS_PER_S, self._wake.set)
            try:
                await self._wake.wait()
            finally:
                if timer is not None:
                    timer.cancel()

    def _start_what_is_due(self) -> int | None:
        """Nanoseconds until the next one is due; None where only a new letter or a free hand changes anything."""
        now_ns = self._clock.now_ns()
        hands = 1 if self._failures >= _SICK else self._workers
        while self._due and len(self._carrying) < hands:
            due_ns = max(self._due[0][0], self._not_before_ns)
            if due_ns > now_ns:
                return due_ns - now_ns
            _, _, letter, until_ns = heapq.heappop(self._due)
            task = asyncio.create_task(self._carry(letter, until_ns))
            self._carrying.add(task)
            task.add_done_callback(self._carried)
        return None

    async def _carry(self, letter: Letter, until_ns: int) -> None:
        if await self._try(letter, until_ns):
            self._failures, self._not_before_ns = 0, 0
            return
        self._failures += 1
        if self._failures >= _SICK:
            self._not_before_ns = self._clock.now_ns() + self._backoff_ns(self._failures - _SICK + 1)

    def _carried(self, task: asyncio.Task[None]) -> None:
        self._carrying.discard(task)
        self._wake.set()
