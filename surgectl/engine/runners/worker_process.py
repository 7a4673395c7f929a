"""One worker as its parent sees it: started, asked, listened to, and missed within a second when it is gone."""

from __future__ import annotations

import asyncio
import signal
import socket
import tempfile
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

from surgectl.engine.run import EngineError
from surgectl.engine.runners.messages import (
    Answer,
    Aside,
    Asked,
    Bye,
    Done,
    Failed,
    Link,
    LoginCame,
    LoginWanted,
    Pulse,
    Unanswered,
)
from surgectl.errors import InconclusiveError, RefusedError, SurgectlError, UsageError
from surgectl.live.portion import Portion
from surgectl.recording.manifest import Tally

SILENT_AT_MOST_S = 30
"""So long a worker may say nothing. Letting half a million fans go at once takes its loop some seconds."""
_ENDS_WITHIN_S = 1.0
_CLOSES_WITHIN_S = 15.0
_ERRORS: dict[int, type[SurgectlError]] = {2: UsageError, 12: InconclusiveError, 13: RefusedError}


class WorkerGone(SurgectlError):
    """A worker is not there any more, or was given up; `what` says how it ended."""


class WorkerProcess:
    """`await start()`, `call()`, `tell()`, and in every case `await end()`."""

    def __init__(
        self,
        shard: int,
        command: Sequence[str],
        *,
        hear: Callable[[int, Portion], None],
        lost: Callable[[int, str], None],
        aside: Callable[[int, Aside], None],
        silent_at_most_s: float = SILENT_AT_MOST_S,
    ) -> None:
        """`command` is started with the number of its end of the wire as one more word. `lost` is told once, of an end
        that nobody asked for; `aside` what it says to other workers."""
        self.shard = shard
        self.tally = Tally()
        """As it said last."""
        self.gone = ""
        """How it ended, where nobody asked it to."""
        self._command = command
        self._hear = hear
        self._lost = lost
        self._aside = aside
        self._silent_at_most_s = silent_at_most_s
        self._process: Process | None = None
        self._link: Link | None = None
        self._watchers: list[asyncio.Task[None]] = []
        self._asked: dict[int, asyncio.Future[Done | Failed]] = {}
        self._number = 0
        self._silent_for_s = 0.0
        self._leaving = False
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`

    def __repr__(self) -> str:
        return f"<WorkerProcess {self.shard}, {self.gone or f'process {self.pid}'}>"

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    @property
    def here(self) -> bool:
        """Can it still be asked?"""
        return self._link is not None and not self.gone

    async def start(self) -> None:
        """Start the process. It is ready once it has answered `Prepare`."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    str(theirs.fileno()),
                    pass_fds=(theirs.fileno(),),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=self._stderr,
                )
            except BaseException:
                ours.close()
                raise
        ours.setblocking(False)
        self._link = await Link.over(ours, Answer)
        self._watchers = [asyncio.create_task(self._listen(self._link)), asyncio.create_task(self._miss())]

    def tell(self, command: Unanswered) -> None:
        """Say something that has no answer."""
        if self._link is not None and self.here:
            self._link.say(command)

    async def call(self, asked: Asked, at_most_s: float) -> None:
        """Ask, and wait for the end of what was asked. WorkerGone where it ended or took too long (it is then killed);
        whatever else it failed with is raised as the error that it was."""
        if self._link is None or self.gone:
            raise WorkerGone(self.gone or "it was never started")
        self._number += 1
        number = self._number
        waiting = self._asked[number] = asyncio.get_running_loop().create_future()
        self._link.say(msgspec.structs.replace(asked, number=number))
        try:
            async with asyncio.timeout(at_most_s):
                answer = await waiting
        except TimeoutError:
            what = f"{type(asked).__name__.lower()} did not end within {at_most_s:.0f}s"
            self._give_up(what)
            raise WorkerGone(what) from None
        finally:
            self._asked.pop(number, None)
        if isinstance(answer, Failed):
            raise _ERRORS.get(answer.exit_code, EngineError)(answer.what)

    async def end(self) -> None:
        """Ask it to close its recording and end; where it does not, end it."""
        self._leaving = True
        try:
            if self.here:
                with suppress(SurgectlError):
                    await self.call(Bye(), _CLOSES_WITHIN_S)
        finally:
            for task in self._watchers:
                task.cancel()
            await asyncio.gather(*self._watchers, return_exceptions=True)
            if self._link is not None:
                self._link.close()
                self._link = None
            await self._reap()
            self._stderr.close()

    async def kill(self) -> None:
        """End it at once."""
        self._leaving = True
        self._kill()
        await self.end()

    # -- listening

    async def _listen(self, link: Link) -> None:
        how = ""
        try:
            while (answer := await link.hear()) is not None:
                self._silent_for_s = 0.0
                if isinstance(answer, LoginWanted | LoginCame):
                    self._aside(self.shard, answer)
                    continue
                self.tally = answer.tally
                if isinstance(answer, Pulse):
                    if answer.portion is not None:
                        self._hear(self.shard, answer.portion)
                elif (waiting := self._asked.get(answer.number)) is not None and not waiting.done():
                    waiting.set_result(answer)
        except msgspec.DecodeError as error:
            how = f"it said what nobody understands: {error}"
            self._kill()
        if not self.gone:
            code = await self._reap()
            self._miss_it(how or self._how(code))

    async def _miss(self) -> None:
        # Counted in looks, not read off a clock: where we ourselves were stopped for a while, it did nothing wrong.
        while self._silent_for_s < self._silent_at_most_s:
            await asyncio.sleep(1)
            self._silent_for_s += 1
        self._give_up(f"it said nothing for {self._silent_for_s:.0f}s")

    def _give_up(self, how: str) -> None:
        self._kill()
        self._miss_it(how)

    def _miss_it(self, how: str) -> None:
        if self.gone:
            return
        self.gone = how
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(WorkerGone(how))
        if not self._leaving:
            self._lost(self.shard, how)

    # -- the process

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def _reap(self) -> int:
        """Wait for the process; one that is past answering and does not end is killed."""
        if self._process is None:
            return 0
        try:
            async with asyncio.timeout(_ENDS_WITHIN_S):
                return await self._process.wait()
        except TimeoutError:
            self._kill()
            return await self._process.wait()

    def _how(self, code: int) -> str:
        if code < 0:
            return f"killed by {signal.Signals(-code).name}"
        self._stderr.seek(0)
        lines = self._stderr.read().decode("utf-8", "replace").strip().split("\n")
        return f"exit {code}" + (f": {lines[-1]}" if lines[-1] else "")
