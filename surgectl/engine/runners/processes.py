"""The shards in processes of their own: ready together, begun together, and none of them ever run twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

from surgectl.clock import Clock
from surgectl.engine.runners.messages import (
    Aside,
    Asked,
    Begin,
    Drain,
    Load,
    LoginCame,
    LoginWanted,
    PauseArrivals,
    Prepare,
    ReadStatuses,
    StopArrivals,
)
from surgectl.engine.runners.worker_process import SILENT_AT_MOST_S, WorkerGone, WorkerProcess
from surgectl.errors import InconclusiveError, SurgectlError
from surgectl.live.portion import Portion
from surgectl.recording.manifest import Tally, summed

_READY_WITHIN_S = 60.0
_BEGUN_WITHIN_S = 10.0
_NO_LOGINS = "the worker that made it for all is lost"
"""Its fans are missed, and the run is inconclusive: nobody takes its place."""
_GRACE_S = 60.0
"""On top of the time that a stage was given: a worker that is over it by so much will not come back."""


class Crew:
    """Worker processes that are ready to play. `async with` it: InconclusiveError where one is not; nothing is sent."""

    def __init__(
        self,
        command: Sequence[str],
        parts: Sequence[bytes],
        *,
        hear: Callable[[int, Portion], None],
        lost: Callable[[int, str], None],
        learn: Callable[[str], None] = lambda value: None,
        silent_at_most_s: float = SILENT_AT_MOST_S,
    ) -> None:
        """`parts`: what each shard's worker is told of its part. `hear(shard, portion)` is called a few times a second
        for each; `lost(shard, how)` when one ends that nobody asked to; `learn` with what their common logins give."""
        self._begun = False
        self._lost = lost
        self._learn = learn
        self._wanted: set[tuple[str, int | None]] = set()
        """Logins that somebody waits for."""
        self.workers = [
            WorkerProcess(
                shard, command, hear=hear, lost=self._missed, aside=self._pass_on, silent_at_most_s=silent_at_most_s
            )
            for shard in range(len(parts))
        ]
        self._parts = parts

    def __repr__(self) -> str:
        return f"<Crew of {len(self.workers)}>"

    async def __aenter__(self) -> Crew:
        try:
            await _all(self._make_ready(worker, part) for worker, part in zip(self.workers, self._parts, strict=True))
        except WorkerGone as error:
            await self.__aexit__()
            raise InconclusiveError(f"a worker did not get ready: {error}", hint="try --workers 1") from error
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        ending = [worker.end() if self._begun else worker.kill() for worker in self.workers]
        await asyncio.gather(*ending, return_exceptions=True)

    async def _make_ready(self, worker: WorkerProcess, part: bytes) -> None:
        await worker.start()
        await worker.call(Prepare(part=part), _READY_WITHIN_S)

    async def begin(self, start_ns: int) -> None:
        """Have all recordings opened and row time zero known everywhere. InconclusiveError: nothing was sent."""
        try:
            await _all(worker.call(Begin(start_ns=start_ns), _BEGUN_WITHIN_S) for worker in self.workers)
        except WorkerGone as error:
            raise InconclusiveError(f"a worker did not begin: {error}", hint="try --workers 1") from error
        self._begun = True

    def _missed(self, shard: int, how: str) -> None:
        if self._begun:
            self._lost(shard, how)
        if shard == 0:
            for login, row in list(self._wanted):
                self._pass_on(0, LoginCame(login=login, row=row, trouble=_NO_LOGINS))

    def _pass_on(self, shard: int, word: Aside) -> None:
        """Who wants a login is heard by the first worker, and what became of it by all the others."""
        first, *others = self.workers
        if isinstance(word, LoginWanted):
            if first.here:
                self._wanted.add((word.login, word.row))
                first.tell(word)
            else:
                self.workers[shard].tell(LoginCame(login=word.login, row=word.row, trouble=_NO_LOGINS))
            return
        self._wanted.discard((word.login, word.row))
        for value in word.values.values():
            if isinstance(value, str):
                self._learn(value)
        for worker in others:
            worker.tell(word)


class ProcessRunner:
    """Plays a crew's shards through the stages, in step. A worker that is lost is missed, and the others go on."""

    def __init__(self, crew: Crew, *, clock: Clock, start_ns: int, load_ns: int) -> None:
        self._crew = crew
        self._clock = clock
        self._start_ns = start_ns
        self._load_ns = load_ns

    def __repr__(self) -> str:
        return f"<ProcessRunner of {len(self._crew.workers)}: {self.tally()}>"

    async def __aenter__(self) -> ProcessRunner:
        await self._crew.begin(self._start_ns)
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Every recording is closed; whoever is still there is cut off."""
        await self._crew.__aexit__(*exc)

    async def load(self) -> None:
        # A shard that runs behind may need longer than the load lasts: it is late, and that is counted, not lost.
        before_ns = max(0, self._start_ns - self._clock.now_ns())
        await self._step(Load(), (before_ns + 2 * self._load_ns) / 1e9)

    def stop_arrivals(self) -> None:
        for worker in self._crew.workers:
            worker.tell(StopArrivals())

    def pause_arrivals(self, on: bool) -> None:
        for worker in self._crew.workers:
            worker.tell(PauseArrivals(on=on))

    async def drain(self, at_most_ns: int) -> None:
        await self._step(Drain(at_most_ns=at_most_ns), at_most_ns / 1e9)

    async def read_statuses(self, at_most_ns: int) -> None:
        await self._step(ReadStatuses(at_most_ns=at_most_ns), at_most_ns / 1e9)

    def tally(self) -> Tally:
        return summed([worker.tally for worker in self._crew.workers])

    async def _step(self, asked: Asked, lasts_s: float) -> None:
        """The same stage on all that are still there. What one fails with is raised once the others have ended it."""
        failures: list[SurgectlError] = []

        async def play(worker: WorkerProcess) -> None:
            try:
                await worker.call(asked, lasts_s + _GRACE_S)
            except WorkerGone:
                return  # missed already, and said
            except SurgectlError as error:
                failures.append(error)
                self.stop_arrivals()

        await asyncio.gather(*(play(worker) for worker in self._crew.workers if worker.here))
        if failures:
            raise failures[0]


async def _all(steps: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Side by side; the first that fails ends the others."""
    tasks = [asyncio.create_task(step) for step in steps]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
