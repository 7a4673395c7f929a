"""A worker process: plays one shard as its parent says, and never a moment longer than its parent lives.

The parent's end of the wire is the lease. Once it is closed no fan is let loose any more and the process ends, at the
latest by an alarm clock that no busy loop can keep from ringing.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec

from surgectl.engine.runners.inline import InlineRunner
from surgectl.engine.runners.messages import (
    Asked,
    Begin,
    Bye,
    Command,
    Done,
    Drain,
    Failed,
    Link,
    Load,
    PauseArrivals,
    Prepare,
    Pulse,
    ReadStatuses,
    StopArrivals,
)
from surgectl.errors import SurgectlError
from surgectl.live.following import catch_up
from surgectl.live.tap import Tap
from surgectl.live.view import LiveView
from surgectl.recording.manifest import Tally

_PULSE_S = 0.25
_ORPHAN_S = 1.5
"""Without a parent: time to write down what is known. What is not written then is what a kill would cost."""


class Shard(msgspec.Struct, frozen=True):
    """A shard that is ready: nothing of it is open yet."""

    open: Callable[[int], InlineRunner]
    """start_ns → what plays it, not yet entered."""
    tap: Tap
    view: LiveView


Building = Callable[[bytes], Awaitable[Shard]]
"""From the parent's description to a shard that is ready."""


def deaf_to_the_terminal() -> None:
    """Ctrl-C reaches the whole group of processes: the parent alone decides what it means."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


async def serve(descriptor: int, build: Building) -> None:
    """Obey until told goodbye, or until the parent is gone. `descriptor`: our end of the wire."""
    link = await Link.over(socket.socket(fileno=descriptor), Command)
    worker = Worker(link, build)
    try:
        await worker.obey()
    finally:
        link.close()


class Worker:
    """Plays one shard. `await obey()` once."""

    def __init__(self, link: Link, build: Building) -> None:
        self._link = link
        self._build = build
        self._shard: Shard | None = None
        self._runner: InlineRunner | None = None
        self._stage: asyncio.Task[None] | None = None
        self._open = False
        self._stopped = False
        self._paused = False

    async def obey(self) -> None:
        pulse = asyncio.create_task(self._beat())
        try:
            while (command := await self._link.hear()) is not None:
                if isinstance(command, StopArrivals):
                    self._stop()
                    continue
                if isinstance(command, PauseArrivals):
                    self._pause(command.on)
                    continue
                await self._end_stage()
                self._stage = asyncio.create_task(self._answer(command))
                if isinstance(command, Bye):
                    await self._stage
                    await self._link.said()
                    return
            self._orphaned()
            await self._end_stage()
            await self._close()
        finally:
            pulse.cancel()

    def _orphaned(self) -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, _ORPHAN_S)
        self._stop()

    def _stop(self) -> None:
        self._stopped = True
        if self._runner is not None:
            self._runner.stop_arrivals()

    def _pause(self, on: bool) -> None:
        self._paused = on
        if self._runner is not None:
            self._runner.pause_arrivals(on)

    async def _end_stage(self) -> None:
        """A new wish replaces the one under way."""
        if self._stage is not None:
            self._stage.cancel()
            with suppress(asyncio.CancelledError):
                await self._stage

    async def _answer(self, asked: Asked) -> None:
        try:
            await self._do(asked)
        except SurgectlError as error:
            said = Failed(number=asked.number, tally=self._tally(), what=str(error), exit_code=error.exit_code)
            self._link.say(said)
        except Exception as error:  # noqa: BLE001 - the parent says it, and ends with exit 70
            what = f"{type(error).__name__}: {error}"
            self._link.say(Failed(number=asked.number, tally=self._tally(), what=what, exit_code=70))
        else:
            self._link.say(Done(number=asked.number, tally=self._tally()))

    async def _do(self, asked: Asked) -> None:
        if isinstance(asked, Prepare):
            self._shard = await self._build(asked.part)
        elif isinstance(asked, Begin) and self._shard is not None:
            runner = self._shard.open(asked.start_ns)
            await runner.__aenter__()
            self._runner, self._open = runner, True
            runner.pause_arrivals(self._paused)
            if self._stopped:
                runner.stop_arrivals()
        elif isinstance(asked, Bye):
            await self._close()
            await self._count()
            self._pulse()
        elif self._runner is None or not self._open:
            raise RuntimeError(f"{type(asked).__name__} before its time")
        elif isinstance(asked, Load):
            await self._runner.load()
        elif isinstance(asked, Drain):
            await self._runner.drain(asked.at_most_ns)
        elif isinstance(asked, ReadStatuses):
            await self._runner.read_statuses(asked.at_most_ns)

    async def _close(self) -> None:
        """Cut off whoever is still there, and write everything down."""
        if self._runner is not None and self._open:
            self._open = False
            await self._runner.__aexit__(None, None, None)

    # -- what the parent is told without asking

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_PULSE_S)
            await self._count()
            self._pulse()

    async def _count(self) -> None:
        if self._shard is None:
            return
        await catch_up(self._shard.tap, self._shard.view)

    def _pulse(self) -> None:
        if not self._link.choked:
            portion = self._shard.view.portion(news=True) if self._shard is not None else None
            self._link.say(Pulse(tally=self._tally(), portion=portion))

    def _tally(self) -> Tally:
        return self._runner.tally() if self._runner is not None else Tally()
