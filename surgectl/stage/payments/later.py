"""Decides at its time what was left pending, also what an earlier life left."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterable

from surgectl.clock import Clock
from surgectl.stage.payments.pending import Pending
from surgectl.units import NS_PER_S


class Later:
    """`decide` is called once for each, at or after its due time; it looks whether anything is left to decide."""

    def __init__(self, decide: Callable[[Pending], Awaitable[None]], clock: Clock) -> None:
        self._decide = decide
        self._clock = clock
        self._due: list[tuple[int, int, Pending]] = []
        self._count = 0
        self._wake = asyncio.Event()
        self._walker: asyncio.Task[None] | None = None
        self._deciding: set[asyncio.Future[None]] = set()

    def open(self, left: Iterable[Pending]) -> None:
        self.take(left)
        self._walker = asyncio.create_task(self._walk())

    async def close(self) -> None:
        tasks: list[asyncio.Future[None]] = [*self._deciding, *([self._walker] if self._walker else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def take(self, pending: Iterable[Pending]) -> None:
        for one in pending:
            if one.due_ns is not None:
                self._count += 1
                heapq.heappush(self._due, (one.due_ns, self._count, one))
        self._wake.set()

    def forget(self) -> None:
        self._due.clear()

    async def _walk(self) -> None:
        while True:
            self._wake.clear()
            wait_ns = self._wait_ns()
            if wait_ns is not None and wait_ns <= 0:
                # Each by itself: one may have to wait for a request that works on the same intent.
                task = asyncio.ensure_future(self._decide(heapq.heappop(self._due)[2]))
                self._deciding.add(task)
                task.add_done_callback(self._deciding.discard)
                continue
            timer = None
            if wait_ns is not None:
                timer = asyncio.get_running_loop().call_later(wait_ns / NS_PER_S, self._wake.set)
            try:
                await self._wake.wait()
            finally:
                if timer is not None:
                    timer.cancel()

    def _wait_ns(self) -> int | None:
        # Wall time, because it is what outlives a restart.
        return self._due[0][0] - int(self._clock.wall().timestamp() * NS_PER_S) if self._due else None
