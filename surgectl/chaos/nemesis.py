"""Breaks things on time, and mends every one of them, whatever happens to us.

The nemesis (Jepsen's word) plays the plan's faults through Toxiproxy or through commands. `applied` is the proxy's own
read-back, or the command's exit 0; `verified` means that canaries were seen delayed, cut or refused inside the window,
or that the fault's own check said "broken" in it; `healed` means that the fault is gone and a canary passes again, or
the check says "not broken" (lookout.py sees both). Leaving the `async with` heals, also on errors and cancellation.
Each fault is healed by itself: none waits for another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType

import msgspec

from surgectl.chaos import marks
from surgectl.chaos.brownouts import FLAP_EVERY_NS, Brownout, ToxicSpec, brownout_of
from surgectl.chaos.commands import Commands
from surgectl.chaos.links import LinkHandle
from surgectl.chaos.lookout import Lookout
from surgectl.chaos.toxiproxy import Toxiproxy, ToxiproxyError
from surgectl.clock import Clock
from surgectl.plan.model import PlannedFault
from surgectl.recording.rows import FaultRow

Record = Callable[[FaultRow], None]
_HEAL_TRIES = 5
_APPLIED_WITHIN_S = 5.0
"""So long a heal waits for toxics that are just being added."""
_LOOK_AHEAD_NS = 1_500_000_000
"""So long before a command breaks something its check is asked whether it is broken already."""


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
        commands: Commands | None = None,
    ) -> None:
        self._server = server
        self._links = links
        self._run = run
        self._clock = clock
        self._start_ns = start_ns
        self._record = record
        self._commands = commands or Commands()
        self._open: dict[str, PlannedFault] = {}
        self._lookout = Lookout(links, self._open, clock=clock, commands=self._commands, say=self._say)
        self._door_locks: dict[str, asyncio.Lock] = {}
        self._heals: dict[str, asyncio.Task[None]] = {}
        self._applying: dict[str, asyncio.Task[None]] = {}
        self._ends: dict[str, asyncio.Event] = {}
        """Of each fault that is being played: set by whoever wants its end before its time."""
        self._hands: list[asyncio.Task[None]] = []
        """The faults by hand, each being played."""
        self._over = False

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

    @property
    def links(self) -> tuple[str, ...]:
        """The links that can be broken."""
        return tuple(self._links) if self._server is not None else ()

    def start_at(self, start_ns: int) -> None:
        """Fix the instant from which planned times count."""
        self._start_ns = start_ns

    async def prepare(self) -> None:
        """Fly canaries over every link before the storm: they show what is usual.

        UsageError where a link speaks TLS and somebody else answers than the target says.
        """
        await self._lookout.learn_what_is_usual()

    async def play(self, faults: tuple[PlannedFault, ...]) -> None:
        """Play the timeline to its end. A fault that cannot be applied is recorded as failed, never skipped."""
        async with asyncio.TaskGroup() as group:
            for fault in faults:
                group.create_task(self._play_one(fault), name=f"fault {fault.fault}")

    def inject(self, fault: PlannedFault) -> bool:
        """Play a fault that nobody planned, from now until `clear`, its end or the end of everything; returns at once.

        It is recorded and healed like every other. False: all is over, and nothing is broken any more.
        """
        if self._over:
            return False
        self._hands.append(asyncio.create_task(self._play_one(fault), name=f"fault {fault.fault}"))
        return True

    def clear(self, fault: str) -> bool:
        """End a fault before its time; returns at once. False: it is not on."""
        if fault not in self._open:
            return False
        if fault in self._ends:
            self._ends[fault].set()
        else:  # a heal that failed is tried anew
            self._heal_soon(self._open[fault])
        return True

    async def _play_one(self, fault: PlannedFault) -> None:
        begin_ns = self._start_ns + fault.from_ns
        self._ends[fault.fault] = asyncio.Event()
        try:
            if fault.check:
                await self._clock.sleep_until_ns(begin_ns - _LOOK_AHEAD_NS)
                if await self._commands.says_yes(fault.check, fault.exec_timeout_ns):
                    raise OSError("its check says that it is broken already, so it was not run and nothing is proved")
            await self._clock.sleep_until_ns(begin_ns)
            await self._apply_whole(fault)
            await self._watch_until(fault, self._start_ns + fault.to_ns)
        except (ToxiproxyError, OSError) as error:
            self._say(fault, "failed", str(error))
        finally:
            del self._ends[fault.fault]
            await asyncio.shield(self._heal_soon(fault))

    async def _apply_whole(self, fault: PlannedFault) -> None:
        """Cancelled half-way, the toxic that is on its way still arrives: its heal waits for it, or would miss it."""
        if fault.run:
            await self.apply(fault)
            return
        applying = self._applying[fault.fault] = asyncio.create_task(self.apply(fault))
        await asyncio.shield(applying)

    # -- applying ------------------------------------------------------------------------------------------------

    async def apply(self, fault: PlannedFault) -> None:
        """Switch a fault on; records `applied` once the proxy (or the command) confirms it."""
        self._open[fault.fault] = fault
        if fault.run:
            # Written down before it runs: whoever finds our remains knows what to mend, and how.
            self._say(fault, "begun", " ".join(fault.run), heal=self._commands.kept(fault.heal))
            await self._commands.run(fault.run, fault.exec_timeout_ns)
            self._say(fault, "applied", " ".join(fault.run))
            return
        server, link = self._server_for(fault), self._links[fault.link]
        brownout = brownout_of(fault)
        for number, toxic in enumerate(self._on_the_wire(fault, brownout)):
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

    def _on_the_wire(self, fault: PlannedFault, brownout: Brownout) -> tuple[ToxicSpec, ...]:
        """The toxics of a fault. What a brownout of ours says of the reply's bytes counts from where the reply begins:
        behind TLS, after as many as a canary saw before it."""
        usual = self._lookout.usual(fault.link)
        if fault.toxics or usual is None or not usual.before_reply:
            return brownout.toxics
        return tuple(
            msgspec.structs.replace(toxic, attributes={"bytes": toxic.attributes["bytes"] + usual.before_reply})
            if toxic.type == "limit_data"
            else toxic
            for toxic in brownout.toxics
        )

    def _server_for(self, fault: PlannedFault) -> Toxiproxy:
        if self._server is None or fault.link not in self._links:
            raise ToxiproxyError(f"{fault.link}: no such link is open", hint="the target's links: name them")
        return self._server

    # -- until its end -----------------------------------------------------------------------------------------------

    async def _watch_until(self, fault: PlannedFault, end_ns: int) -> None:
        """Have it watched until its window ends; a door that flaps is opened and closed meanwhile."""
        flapping = not fault.run and brownout_of(fault).door == "flapping"
        watcher = asyncio.create_task(self._lookout.watch(fault, end_ns))
        try:
            closed = True
            while flapping and self._clock.now_ns() + FLAP_EVERY_NS < end_ns and fault.fault in self._open:
                if await self._over_by(fault, self._clock.now_ns() + FLAP_EVERY_NS):
                    break
                closed = not closed
                async with self._door_lock(fault.link):
                    # A door that another fault keeps closed stays closed.
                    if fault.fault in self._open and not self._another_closes(fault):
                        await self._server_for(fault).enable(self._links[fault.link].proxy, not closed)
            await self._over_by(fault, end_ns)
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)

    async def _over_by(self, fault: PlannedFault, at_ns: int) -> bool:
        """Wait until then, no longer than until somebody clears the fault: whether somebody did."""
        ended = self._ends[fault.fault]
        waiting = [
            asyncio.ensure_future(self._clock.sleep_until_ns(at_ns)),
            asyncio.ensure_future(ended.wait()),
        ]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        return ended.is_set()

    # -- healing -------------------------------------------------------------------------------------------------

    async def heal(self) -> None:
        """End every fault that is on, and wait until all are ended. Called on every way out; safe to call twice.

        Being cancelled does not end it: it is bounded by its own time-outs, and a fault must not outlive us.
        """
        cancelled: asyncio.CancelledError | None = None
        self._over = True
        hands, self._hands = self._hands, []
        for hand in hands:
            hand.cancel()
        heals = [self._heal_soon(fault) for fault in tuple(self._open.values())]
        heals += [task for task in self._heals.values() if not task.done()]
        # One that is just being switched on may not be among those yet: whoever plays it heals it, and ends then.
        while pending := [task for task in (*hands, *heals) if not task.done()]:
            try:
                await asyncio.wait(pending)
            except asyncio.CancelledError as error:
                cancelled = error
        for task in heals:
            task.result()
        for hand in hands:
            if not hand.cancelled():
                hand.result()
        if cancelled is not None:
            raise cancelled

    def _heal_soon(self, fault: PlannedFault) -> asyncio.Task[None]:
        """The one task that heals this fault; a heal that failed is tried anew."""
        task = self._heals.get(fault.fault)
        if task is None or (task.done() and fault.fault in self._open):
            task = self._heals[fault.fault] = asyncio.create_task(self._heal_one(fault))
        return task

    async def _heal_one(self, fault: PlannedFault) -> None:
        if (applying := self._applying.pop(fault.fault, None)) is not None:
            await asyncio.wait({applying}, timeout=_APPLIED_WITHIN_S)
            if applying.done() and not applying.cancelled():
                applying.exception()  # whoever played it has said it
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
        await self._lookout.see_gone(fault)

    async def _undo(self, fault: PlannedFault) -> None:
        """Take one fault back. The door opens before its mark goes: dying in between leaves it for `chaos heal`."""
        if fault.run:
            await self._commands.run(fault.heal, fault.exec_timeout_ns)
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

    def _say(
        self,
        fault: PlannedFault,
        event: str,
        detail: str,
        observed: dict[str, int] | None = None,
        heal: tuple[str, ...] = (),
    ) -> None:
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
                    "heal": list(heal),
                    "timeout_ns": fault.exec_timeout_ns if heal else 0,
                },
                FaultRow,
            )
        )
