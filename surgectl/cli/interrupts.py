"""What Ctrl-C means: the first time stop kindly, the second time heal and leave at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from types import TracebackType

_HEAL_WITHIN_S = 3.0


class Interrupts:
    """Catches SIGINT and SIGTERM for the length of the `with`; the two mean the same."""

    def __init__(self, *, kindly: Callable[[], None], at_once: Callable[[], Awaitable[None]]) -> None:
        """`kindly` is called at the first signal; at the second `at_once` is awaited, briefly, and the process ends."""
        self.first: signal.Signals | None = None
        self.stop = asyncio.Event()
        self._kindly = kindly
        self._at_once = at_once
        self._leaving: asyncio.Task[None] | None = None

    def __enter__(self) -> Interrupts:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._signalled, number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    async def race(self, waiting: Awaitable[object]) -> bool:
        """Wait for it, no longer than until the first signal: whether it came to its end. What it raised is raised."""
        work = asyncio.ensure_future(waiting)
        stopped = asyncio.create_task(self.stop.wait())
        try:
            await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
            return work.done()
        finally:
            for task in (work, stopped):
                task.cancel()
            await asyncio.gather(work, stopped, return_exceptions=True)

    def _signalled(self, number: int) -> None:
        if self.first is None:
            self.first = signal.Signals(number)
            self.stop.set()
            self._kindly()
        elif self._leaving is None:
            self._leaving = asyncio.create_task(self._leave(number))

    async def _leave(self, number: int) -> None:
        try:
            await asyncio.wait_for(self._at_once(), _HEAL_WITHIN_S)
        finally:
            os._exit(128 + number)
