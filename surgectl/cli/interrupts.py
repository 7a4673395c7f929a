"""What stops a rehearsal before its time. Ctrl-C the first time: stop kindly; the second time: heal and leave at once.

A demand with `abort` and a key at the dashboard stop it just as kindly.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from types import TracebackType

import msgspec

from surgectl.cli.terminal import hand_back

_HEAL_WITHIN_S = 3.0
SIGNALS = ("SIGINT", "SIGTERM")


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """Who stopped it, and why."""

    by: str
    """SIGINT, SIGTERM or abort: what the exit code goes by (gate.py)."""
    why: str


class Interrupts:
    """Catches SIGINT and SIGTERM for the length of the `with`; the two mean the same."""

    def __init__(self, *, kindly: Callable[[], None], at_once: Callable[[], Awaitable[None]]) -> None:
        """`kindly` is called at the first stop; at a second signal `at_once` is awaited, briefly, and the process ends.

        A stop that nobody pressed (an abort) leaves the first Ctrl-C its meaning.
        """
        self.first: Stop | None = None
        self.stop = asyncio.Event()
        self._kindly = kindly
        self._at_once = at_once
        self._asked = False
        """Somebody has pressed Ctrl-C, or the like, before."""
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

    def stop_gently(self, stop: Stop) -> None:
        """No more arrivals, heal, drain, audit, write. Only the first stop counts; returns at once."""
        self._asked = self._asked or stop.by in SIGNALS
        if self.first is None:
            self.first = stop
            self.stop.set()
            self._kindly()

    async def race(self, waiting: Awaitable[object]) -> bool:
        """Wait for it, no longer than until the first stop: whether it came to its end. What it raised is raised."""
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
        if not self._asked:
            name = signal.Signals(number).name
            self.stop_gently(Stop(by=name, why=f"stopped by {name}"))
        elif self._leaving is None:
            self._leaving = asyncio.create_task(self._leave(number))

    async def _leave(self, number: int) -> None:
        try:
            await asyncio.wait_for(self._at_once(), _HEAL_WITHIN_S)
        finally:
            hand_back()
            os._exit(128 + number)
