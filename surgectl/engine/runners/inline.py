"""One shard, in this very process: enough for a few thousand fans, and the simplest thing to debug."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path

from surgectl.clock import Clock
from surgectl.engine.barrier import Barriers
from surgectl.engine.dispatch import Behind
from surgectl.engine.drivers.admitted import Admitted
from surgectl.engine.drivers.driver import Driver
from surgectl.engine.logins import Logins
from surgectl.engine.probe import Probe
from surgectl.engine.run import Engine
from surgectl.engine.runners.messages import Aside
from surgectl.engine.scene import Casting, Counts, Scene
from surgectl.live.tap import Tap
from surgectl.plan.model import Arrival
from surgectl.recording.folder import Folder
from surgectl.recording.journal import Journal, LineFile
from surgectl.recording.manifest import Tally
from surgectl.recording.redaction import Redact
from surgectl.recording.rows import VitalsRow


class InlineRunner:
    """Opens the shard's journal, vitals and drivers in the recording's folder and plays it here."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock,
        start_ns: int,
        arrivals: Iterable[Arrival],
        load_ns: int,
        casting: Casting,
        driver: Driver,
        late_at_most_ns: int = 1_000_000_000,
        behind: Behind = "drop",
        probing: Probe | None = None,
        probe_driver: Driver | None = None,
        logins: Logins | None = None,
        tap: Tap | None = None,
        redact: Redact | None = None,
        shard: int = 0,
        of: int = 1,
    ) -> None:
        """`driver` and `probe_driver` are entered here: pass them unopened. `redact`: None = there are no secrets.

        `logins`: what both drivers' requests may need; made over the fans' own connections.
        """
        self._logins = logins
        if logins is not None:
            admitted = driver = Admitted(driver, logins)
            probe_driver = None if probe_driver is None else Admitted(probe_driver, logins, keeps=False)
        self._journal = Journal(folder, shard, tap=tap.publish_all if tap is not None else None, redact=redact)
        self._vitals = LineFile(Folder(folder).vitals_file(shard), tap=tap.publish if tap is not None else None)
        self._drivers = [driver] if probe_driver is None else [driver, probe_driver]
        self._scene = Scene(
            clock=clock,
            start_ns=start_ns,
            journal=self._journal,
            driver=driver,
            barriers=Barriers(shard=shard, of=of),
        )
        if logins is not None:
            logins.open(self._scene, admitted.visit)
        write_vitals: Callable[[VitalsRow], None] = self._vitals.append
        self._engine = Engine(
            self._scene,
            arrivals=arrivals,
            load_ns=load_ns,
            casting=casting,
            late_at_most_ns=late_at_most_ns,
            behind=behind,
            vitals=write_vitals,
            probing=probing,
            probe_driver=probe_driver,
        )
        self._open = AsyncExitStack()

    def __repr__(self) -> str:
        return f"<InlineRunner {self._engine.tally()}>"

    async def __aenter__(self) -> InlineRunner:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._journal)
            await stack.enter_async_context(self._vitals)
            for driver in self._drivers:
                await stack.enter_async_context(driver)
            await stack.enter_async_context(self._engine)
            self._open = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._open.aclose()

    @property
    def counts(self) -> Counts:
        """The counters, live."""
        return self._scene.counts

    @property
    def stopped(self) -> bool:
        """Were the arrivals stopped before their time?"""
        return self._engine.stopped

    def now_ns(self) -> int:
        """Nanoseconds since the run's start."""
        return self._scene.now_ns()

    async def load(self) -> None:
        await self._engine.load()

    def stop_arrivals(self) -> None:
        self._engine.stop_arrivals()

    def pause_arrivals(self, on: bool) -> None:
        self._engine.pause_arrivals(on)

    def share_logins(self, say: Callable[[Aside], None]) -> None:
        """Other workers play the other shards; `say` reaches them. Before this one is entered."""
        if self._logins is not None:
            self._logins.share(say)

    def hear_of_login(self, word: Aside) -> None:
        """What another worker says of a login that all share."""
        if self._logins is not None:
            self._logins.hear(word)

    async def drain(self, at_most_ns: int) -> None:
        await self._engine.drain(at_most_ns)

    async def read_statuses(self, at_most_ns: int) -> None:
        await self._engine.read_statuses(at_most_ns)

    def tally(self) -> Tally:
        return self._engine.tally()
