"""The storm itself: the crowd comes when planned, is watched, is let go home, and is asked once more what it got.

The caller heals the faults between `load()` and `drain()`: a reply that hangs in a fault would never drain.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import datetime
from typing import Any

from surgectl.clock import Clock
from surgectl.engine.dispatch import Behind, dispatch
from surgectl.engine.drivers.driver import Driver
from surgectl.engine.fan import Fan
from surgectl.engine.inquiry import Inquiry
from surgectl.engine.probe import Probe, probe
from surgectl.engine.scene import Casting, Scene
from surgectl.engine.vitals import watch
from surgectl.errors import SurgectlError
from surgectl.fans.dialogue import Script
from surgectl.plan.model import Arrival
from surgectl.recording.journal import JournalError
from surgectl.recording.manifest import Tally
from surgectl.recording.rows import DroppedRow, VitalsRow

STATUS_READERS = 50
"""How many intents are asked about at once after settling."""


class EngineError(SurgectlError):
    """The engine itself failed: an internal error (exit 70)."""


def start_instant(clock: Clock, at: datetime | None = None, *, lead_ns: int = 0) -> int:
    """The monotonic instant of row time zero: `lead_ns` from now, or when the wall clock shows `at` (--start-at)."""
    now_ns = clock.now_ns()
    if at is None:
        return now_ns + lead_ns
    return now_ns + round((at - clock.wall()).total_seconds() * 1e9)


class Engine:
    """One shard of a rehearsal: `async with Engine(...) as engine`, then load, drain, read_statuses."""

    def __init__(
        self,
        scene: Scene,
        *,
        arrivals: Iterable[Arrival],
        load_ns: int,
        casting: Casting,
        late_at_most_ns: int = 1_000_000_000,
        behind: Behind = "drop",
        vitals: Callable[[VitalsRow], None] | None = None,
        probing: Probe | None = None,
        probe_driver: Driver | None = None,
    ) -> None:
        """`load_ns`: when the load ends on the run's clock. `probe_driver`: the prober's own connections."""
        if probing is not None and probe_driver is None:
            raise ValueError("a probe needs a driver of its own")
        self.scene = scene
        self._arrivals = arrivals
        self._load_ns = load_ns
        self._casting = casting
        self._late_at_most_ns = late_at_most_ns
        self._behind = behind
        self._vitals = vitals
        self._probing = probing
        self._probe_driver = probe_driver
        self._fans: set[Fan] = set()
        self._all_home = asyncio.Event()
        self._hears = self._home  # one for all: a million bound methods would be 64 MB
        self._open_questions: list[Fan] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._load: asyncio.Task[None] | None = None
        self._stopped = False
        self._fatal: Exception | None = None

    def __repr__(self) -> str:
        return f"<Engine {self.tally()}>"

    async def __aenter__(self) -> Engine:
        if self._vitals is not None:
            self._watch(watch(self.scene, self._vitals))
        if self._probing is not None and self._probe_driver is not None:
            asking = probe(self.scene, self._probe_driver, self._probing, late_at_most_ns=self._late_at_most_ns)
            self._watch(asking)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._cut_off()
        await self._stop_watching()
        self.scene.timers.close()

    @property
    def fatal(self) -> Exception | None:
        """Why the engine cannot go on (the recording cannot be written, or a bug), or None."""
        return self._fatal

    @property
    def stopped(self) -> bool:
        """Were the arrivals stopped before their time?"""
        return self._stopped

    def tally(self) -> Tally:
        """The counters as they stand."""
        return self.scene.counts.tally()

    # -- the crowd comes

    async def load(self) -> None:
        """Return when the load is over, or once `stop_arrivals` was called. Raises JournalError, EngineError."""
        if self._stopped:
            return
        self._load = asyncio.create_task(self._come())
        try:
            await asyncio.wait({self._load})
        finally:
            self._load.cancel()
        if not self._load.cancelled() and (error := self._load.exception()) is not None:
            self._fail(error)
        self._raise_fatal()

    def stop_arrivals(self) -> None:
        """Nobody else comes. For a signal handler: returns at once; `load` returns soon."""
        self._stopped = True
        if self._load is not None:
            self._load.cancel()

    def pause_arrivals(self, on: bool) -> None:
        """Whoever is due while this is on never comes; the plan does not move. Returns at once."""
        self.scene.paused = on

    async def _come(self) -> None:
        late_ns, behind = self._late_at_most_ns, self._behind
        await dispatch(self.scene, self._arrivals, self._let_loose, late_at_most_ns=late_ns, behind=behind)
        await self.scene.sleep_until_ns(self._load_ns)

    def _let_loose(self, arrival: Arrival) -> None:
        now_ns = self.scene.now_ns()
        try:
            part = self._casting(arrival, now_ns)
        except Exception as error:  # noqa: BLE001 - counted, journalled, and exit 70 at the end
            self.scene.counts.script_error(f"fan {arrival.fan} could not be cast: {_tell(error)}")
            row = DroppedRow(fan=arrival.fan, due_ns=arrival.due_ns, at_ns=now_ns, why="script-error")
            self.scene.journal.append(row)
            return
        fan = Fan(self.scene, part, self._hears)
        fan.arrive(arrival.due_ns)
        self._fans.add(fan)

    def _home(self, fan: Fan, broken: JournalError | None) -> None:
        self._fans.discard(fan)
        if not self._fans:
            self._all_home.set()
        if fan.wants_status:
            self._open_questions.append(fan)
        if broken is not None:
            self._fail(broken)

    # -- the crowd goes home

    async def drain(self, at_most_ns: int) -> None:
        """Wait for the fans still at it; those that are not done in time are cut off, their sends journalled as quit.

        Ends the probe. Raises JournalError, EngineError.
        """
        deadline_ns = self.scene.now_ns() + at_most_ns
        while self._fans and (left_ns := deadline_ns - self.scene.now_ns()) > 0:
            self._all_home.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_ns / 1e9):
                    await self._all_home.wait()
        self.scene.counts.cut_off += len(self._fans)
        await self._cut_off()
        await self._stop_watching(keep=1 if self._vitals is not None else 0)
        self._raise_fatal()

    async def _cut_off(self) -> None:
        """Close every tab; back once each has written what is known of its sends."""
        for fan in list(self._fans):
            fan.cut_off()
        while self._fans:
            self._all_home.clear()
            await self._all_home.wait()

    # -- the crowd is asked once more

    async def read_statuses(self, at_most_ns: int, *, readers: int = STATUS_READERS) -> None:
        """After settling: play the status script of every intent that ended accepted or unknown.

        Counts what could not be read in time in `statuses_unread`. Raises JournalError, EngineError.
        """
        waiting = iter(self._open_questions)
        counts = self.scene.counts
        unread = 0

        async def read() -> None:
            nonlocal unread
            for fan in waiting:
                unread += 1
                script = self._status_script(fan)
                if script is not None:
                    await Inquiry(fan, script).made()
                    counts.status_reads += 1
                unread -= 1

        tasks = [asyncio.create_task(read()) for _ in range(readers)]
        done, late = await asyncio.wait(tasks, timeout=at_most_ns / 1e9)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
        counts.statuses_unread += unread + sum(1 for _ in waiting)
        self._open_questions = []
        for task in done:
            if (error := task.exception()) is not None:
                self._fail(error)
        self._raise_fatal()

    def _status_script(self, fan: Fan) -> Script | None:
        if fan.status is None:
            return None
        try:
            return fan.status(fan.script)
        except Exception as error:  # noqa: BLE001 - counted, and exit 70 at the end
            self.scene.counts.script_error(f"status of fan {fan.number}: {_tell(error)}")
            return None

    # -- watchers and failures

    def _watch(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._watcher_gone)
        self._watchers.append(task)

    def _watcher_gone(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    async def _stop_watching(self, *, keep: int = 0) -> None:
        ending, self._watchers = self._watchers[keep:], self._watchers[:keep]
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending)

    def _fail(self, error: BaseException) -> None:
        """Nothing more may be sent: stop the arrivals and let everybody go."""
        if self._fatal is not None:
            return
        if isinstance(error, JournalError):
            self._fatal = error
        else:
            self._fatal = EngineError(f"the engine failed: {_tell(error)}")
            self._fatal.__cause__ = error
        self.stop_arrivals()
        for fan in list(self._fans):
            fan.cut_off()

    def _raise_fatal(self) -> None:
        if self._fatal is None and self.scene.journal.broken is not None:
            self._fatal = self.scene.journal.broken
        if self._fatal is not None:
            raise self._fatal


def _tell(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"


async def storm(engine: Engine, *, drain_at_most_ns: int, heal: Callable[[], Awaitable[None]] | None = None) -> Tally:
    """Load, heal, drain: the part of a rehearsal that sends. `heal` is awaited in every case, before the drain."""
    async with engine:
        try:
            await engine.load()
        finally:
            if heal is not None:
                await heal()
        await engine.drain(drain_at_most_ns)
    return engine.tally()
