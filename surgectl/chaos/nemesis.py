"""Breaks things on time, and mends every one of them, whatever happens to us.

The nemesis (Jepsen's word) plays the plan's faults through Toxiproxy or through commands. `applied` is the proxy's own
read-back; `verified` means that canaries were seen delayed, cut or refused inside the window; `healed` means that the
fault is gone from the proxy and a canary passes again. Leaving the `async with` heals, also on errors and cancellation.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from types import TracebackType

import msgspec

from surgectl.chaos import canary, marks
from surgectl.chaos.brownouts import BROWNOUTS, FLAP_EVERY_NS, Brownout, ToxicSpec
from surgectl.chaos.toxiproxy import Toxiproxy, ToxiproxyError
from surgectl.clock import Clock
from surgectl.errors import UsageError, did_you_mean
from surgectl.plan.model import PlannedFault
from surgectl.recording.rows import FaultRow

Record = Callable[[FaultRow], None]
_HEAL_TRIES = 5
_CANARY_EVERY_NS = 250_000_000
_FLOCK = 4


class LinkHandle(msgspec.Struct, frozen=True, kw_only=True):
    """A link that can be broken: its name in the target, its proxy, and where that proxy listens."""

    link: str
    proxy: str
    listen: str
    made: bool = False
    """We made the proxy for this run, and take it away again."""


def brownout_of(fault: PlannedFault) -> Brownout:
    """The toxics of a planned fault: raw ones, or a preset with its toxicity changed. UsageError for no such name."""
    if fault.toxics:
        return Brownout(name="toxics", toxics=tuple(msgspec.convert(t, ToxicSpec) for t in fault.toxics))
    preset = BROWNOUTS.get(fault.brownout)
    if preset is None:
        raise UsageError(f"{fault.brownout}: no such brownout", hint=did_you_mean(fault.brownout, BROWNOUTS))
    if fault.toxicity is None:
        return preset
    changed = tuple(msgspec.structs.replace(toxic, toxicity=fault.toxicity) for toxic in preset.toxics)
    return msgspec.structs.replace(preset, toxics=changed)


class Nemesis:
    """Plays the timeline of faults on some links. `async with` it: the end of the block is the end of every fault."""

    def __init__(
        self,
        server: Toxiproxy | None,
        links: Mapping[str, LinkHandle],
        *,
        run: str,
        clock: Clock,
        start_ns: int,
        record: Record,
    ) -> None:
        self._server = server
        self._links = links
        self._run = run
        self._clock = clock
        self._start_ns = start_ns
        self._record = record
        self._usual: dict[str, canary.Sighting | None] = {}
        self._open: dict[str, PlannedFault] = {}
        self._door_locks: dict[str, asyncio.Lock] = {}
        self._healing = asyncio.Lock()
        self._heals: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Nemesis:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.heal()

    @property
    def open_faults(self) -> tuple[PlannedFault, ...]:
        """The faults that are on now."""
        return tuple(self._open.values())

    def start_at(self, start_ns: int) -> None:
        """Fix the instant from which planned times count."""
        self._start_ns = start_ns

    async def prepare(self) -> None:
        """Fly canaries over every link before the storm: they show what is usual."""
        for link in self._links.values():
            self._usual[link.link] = canary.slowest([await canary.fly(link.listen, self._clock) for _ in range(3)])

    async def play(self, faults: tuple[PlannedFault, ...]) -> None:
        """Play the timeline to its end. A fault that cannot be applied is recorded as failed, never skipped."""
        async with asyncio.TaskGroup() as group:
            for fault in faults:
                group.create_task(self._play_one(fault), name=f"fault {fault.fault}")

    async def _play_one(self, fault: PlannedFault) -> None:
        await self._clock.sleep_until_ns(self._start_ns + fault.from_ns)
        try:
            await self.apply(fault)
            await self._watch_until(fault, self._start_ns + fault.to_ns)
        except (ToxiproxyError, OSError) as error:
            self._say(fault, "failed", str(error))
        finally:
            await asyncio.shield(self._heal_soon(fault))

    # -- applying ------------------------------------------------------------------------------------------------

    async def apply(self, fault: PlannedFault) -> None:
        """Switch a fault on; records `applied` once the proxy (or the command) confirms it."""
        self._open[fault.fault] = fault
        if fault.run:
            await self._command(fault, fault.run)
            self._say(fault, "applied", " ".join(fault.run))
            return
        server, link = self._server_for(fault), self._links[fault.link]
        brownout = brownout_of(fault)
        for number, toxic in enumerate(brownout.toxics):
            name = marks.toxic_name(self._run, fault.fault, f"{brownout.name}-{number}")
            await server.add_toxic(
                link.proxy,
                name=name,
                type=toxic.type,
                stream=toxic.stream,
                toxicity=toxic.toxicity,
                attributes=toxic.attributes,
            )
        if brownout.door != "open":
            mark = marks.door_mark(self._run, fault.fault)
            await server.add_toxic(link.proxy, name=mark, type="noop", stream="downstream", toxicity=1.0, attributes={})
            await server.enable(link.proxy, False)
        state = (await server.proxies())[link.proxy]
        there = len(
            [n for n in marks.marks(state, self._run) if n.startswith(marks.toxic_name(self._run, fault.fault, ""))]
        )
        wanted = len(brownout.toxics) + (brownout.door != "open")
        if there != wanted or (brownout.door != "open" and state.enabled):
            raise ToxiproxyError(f"the proxy shows {there} of {wanted} toxics of {brownout.name}", where=server.url)
        self._say(
            fault, "applied", ", ".join(f"{t.type} {t.stream} {t.toxicity:g}" for t in brownout.toxics) or brownout.door
        )

    def _server_for(self, fault: PlannedFault) -> Toxiproxy:
        if self._server is None or fault.link not in self._links:
            raise ToxiproxyError(f"{fault.link}: no such link is open", hint="the target's links: name them")
        return self._server

    async def _command(self, fault: PlannedFault, command: tuple[str, ...]) -> None:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, said = await asyncio.wait_for(process.communicate(), fault.exec_timeout_ns / 1e9)
        except TimeoutError as error:
            process.kill()
            await process.wait()
            raise OSError(f"{command[0]}: still running after {fault.exec_timeout_ns / 1e9:g}s, killed") from error
        if process.returncode != 0:
            raise OSError(f"{command[0]}: exit {process.returncode} {said.decode('utf-8', 'replace').strip()[-200:]}")

    # -- seeing --------------------------------------------------------------------------------------------------

    async def _watch_until(self, fault: PlannedFault, end_ns: int) -> None:
        """Fly canaries through the broken link until the window ends; record `verified` at the first that suffers."""
        flapping = not fault.run and brownout_of(fault).door == "flapping"
        watcher = asyncio.create_task(self._verify(fault, end_ns)) if fault.link in self._links else None
        try:
            closed = True
            while flapping and self._clock.now_ns() + FLAP_EVERY_NS < end_ns and fault.fault in self._open:
                await self._clock.sleep_until_ns(self._clock.now_ns() + FLAP_EVERY_NS)
                closed = not closed
                async with self._door_lock(fault.link):
                    if fault.fault in self._open:
                        await self._server_for(fault).enable(self._links[fault.link].proxy, not closed)
            await self._clock.sleep_until_ns(end_ns)
        finally:
            if watcher is not None:
                watcher.cancel()
                await asyncio.gather(watcher, return_exceptions=True)

    async def _verify(self, fault: PlannedFault, end_ns: int) -> None:
        usual = self._usual.get(fault.link)
        if usual is None:
            self._say(fault, "failed", "no canary came back before the fault, so nothing can be compared with it")
            return
        seen: Counter[str] = Counter()
        while self._clock.now_ns() < end_ns:
            begun_ns = self._clock.now_ns()
            patience_ns = min(1_000_000_000, end_ns - begun_ns)
            # Toxicity is drawn per connection: a flock finds a fault that spares most connections.
            listen = self._links[fault.link].listen
            flock = await asyncio.gather(*(canary.fly(listen, self._clock, patience_ns) for _ in range(_FLOCK)))
            if fault.fault not in self._open or self._clock.now_ns() > end_ns + 10_000_000:
                return  # it ended outside the window: proves nothing
            seen.update(canary.fate(sighting, usual) for sighting in flock)
            if any(seen[word] for word in canary.SUFFERED):
                words = ", ".join(f"{seen[word]} {word}" for word in (*canary.SUFFERED, "usual") if seen[word])
                self._say(fault, "verified", f"canaries: {words}", observed=dict(seen))
                return
            await self._clock.sleep_until_ns(begun_ns + _CANARY_EVERY_NS)

    # -- healing -------------------------------------------------------------------------------------------------

    async def heal(self) -> None:
        """End every fault that is on, and wait until all are ended. Called on every way out; safe to call twice.

        Being cancelled does not end it: it is bounded by its own time-outs, and a fault must not outlive us.
        """
        cancelled: asyncio.CancelledError | None = None
        heals = [self._heal_soon(fault) for fault in tuple(self._open.values())]
        heals += [task for task in self._heals.values() if not task.done()]
        while pending := [task for task in heals if not task.done()]:
            try:
                await asyncio.wait(pending)
            except asyncio.CancelledError as error:
                cancelled = error
        for task in heals:
            task.result()
        if cancelled is not None:
            raise cancelled

    def _heal_soon(self, fault: PlannedFault) -> asyncio.Task[None]:
        """The one task that heals this fault; a heal that failed is tried anew."""
        task = self._heals.get(fault.fault)
        if task is None or (task.done() and fault.fault in self._open):
            task = self._heals[fault.fault] = asyncio.create_task(self._heal_one(fault))
        return task

    async def _heal_one(self, fault: PlannedFault) -> None:
        async with self._healing:
            if fault.fault not in self._open:
                return
            trouble = ""
            for attempt in range(_HEAL_TRIES):
                try:
                    await self._undo(fault)
                    del self._open[fault.fault]
                    break
                except (ToxiproxyError, OSError) as error:
                    trouble = str(error)
                    await self._clock.sleep_until_ns(self._clock.now_ns() + 200_000_000 * (attempt + 1))
            else:
                self._say(fault, "failed", f"NOT HEALED: {trouble}")
                return
        if fault.run or fault.link not in self._links:
            self._say(fault, "healed", " ".join(fault.heal))
            return
        usual = self._usual.get(fault.link)
        for _ in range(10):
            sighting = await canary.fly(self._links[fault.link].listen, self._clock)
            if usual is None or canary.fate(sighting, usual) == "usual":
                self._say(fault, "healed", "the fault is gone and a canary passes")
                return
            if self._others_on(fault):
                self._say(fault, "healed", "the fault is gone; another one is still on this link")
                return
            await self._clock.sleep_until_ns(self._clock.now_ns() + 200_000_000)
        self._say(fault, "cleared", "the fault is gone from the proxy, but canaries still suffer")

    def _others_on(self, fault: PlannedFault) -> bool:
        return any(other.link == fault.link for other in self._open.values())

    async def _undo(self, fault: PlannedFault) -> None:
        """Take one fault back. The door opens before its mark goes: dying in between leaves it for `chaos heal`."""
        if fault.run:
            await self._command(fault, fault.heal)
            return
        server = self._server_for(fault)
        link = self._links[fault.link]
        async with self._door_lock(fault.link):
            state = (await server.proxies()).get(link.proxy)
            if state is None:
                return
            mine = [
                n for n in marks.marks(state, self._run) if n.startswith(marks.toxic_name(self._run, fault.fault, ""))
            ]
            door = marks.door_mark(self._run, fault.fault)
            if door in mine and not state.enabled and not self._another_closes(fault):
                await server.enable(link.proxy, True)
            for name in mine:
                await server.remove_toxic(link.proxy, name)

    def _another_closes(self, fault: PlannedFault) -> bool:
        return any(
            other.fault != fault.fault
            and other.link == fault.link
            and not other.run
            and brownout_of(other).door == "closed"
            for other in self._open.values()
        )

    def _door_lock(self, link: str) -> asyncio.Lock:
        return self._door_locks.setdefault(link, asyncio.Lock())

    def _say(self, fault: PlannedFault, event: str, detail: str, observed: dict[str, int] | None = None) -> None:
        self._record(
            msgspec.convert(
                {
                    "t": "fault",
                    "fault": fault.fault,
                    "event": event,
                    "at_ns": self._clock.now_ns() - self._start_ns,
                    "link": fault.link,
                    "brownout": fault.brownout,
                    "detail": detail,
                    "observed": observed or {},
                },
                FaultRow,
            )
        )
