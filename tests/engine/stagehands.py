"""Small hand-written scripts and a scene for them: what a fan does, without any target file."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

from surgectl.clock import LoopClock, VirtualLoop
from surgectl.engine.drivers.memory_driver import MemoryDriver
from surgectl.engine.fan import Fan
from surgectl.engine.runners.inline import InlineRunner
from surgectl.engine.scene import Part, Scene
from surgectl.fans.dialogue import Answer, Leave, Script, Send, Think, Told
from surgectl.journey.messages import Reply, Verdict, Wire
from surgectl.plan.model import Arrival
from surgectl.recording.journal import JournalError
from surgectl.recording.repair import read_rows
from surgectl.recording.rows import IntentRow

MS = 1_000_000
S = 1_000_000_000
CLOCK = LoopClock()


def judge(reply: Reply) -> Verdict:
    """2xx is confirmed, 409 sold out, not-sent a failure, anything else unknown."""
    if reply.broken == "not-sent":
        return Verdict(outcome="fail", why="not-sent", then="unknown")
    if reply.broken is not None:
        return Verdict(outcome="info", why=reply.broken, then="unknown")
    if 200 <= reply.status < 300:
        return Verdict(outcome="ok", why="confirmed", then="end", to="confirmed", claims={"order": "o1"})
    if reply.status == 409:
        return Verdict(outcome="fail", why="sold-out", then="end", to="sold-out")
    return Verdict(outcome="info", why="unmatched", then="unknown")


def wire(url: str, attempt: str, **more: Any) -> Wire:
    return Wire(method="POST", url=url, headers=(("X-Attempt", attempt),), body=b"{}", **more)


def send(url: str, attempt: str, *, role: str = "pay", op: int = 1, **more: Any) -> Send:
    given = {"step": role, "judge": judge, "wire": wire(url, attempt), **more}
    return Send(attempt=attempt, role=role, op=op, **given)


def buy(url: str, name: str, *, browse: int = 0, think_ns: int = 0) -> Script:
    """Look around, then pay once; believe what the shop says."""
    for number in range(browse):
        yield send(url, f"{name}-b{number}", role="browse", op=number)
        if think_ns:
            yield Think(ns=think_ns)
    answer = yield send(url, f"{name}-pay", op=browse + 1)
    assert isinstance(answer, Answer)
    verdict = answer.verdict
    end = verdict.to or "unknown"
    yield Told(op=browse + 1, step="pay", role="pay", outcome=verdict.outcome, end=end, claims=verdict.claims)
    yield Leave(end=end, outcome=verdict.outcome)


def part(
    arrival: Arrival, now_ns: int, script: Script, status: Callable[[Script], Script | None] | None = None
) -> Part:
    intent = IntentRow(
        intent=f"i{arrival.fan}",
        fan=arrival.fan,
        profile=arrival.profile,
        phase=arrival.phase,
        qty=arrival.qty,
        price_minor=8900,
        currency="EUR",
        due_ns=arrival.due_ns,
        at_ns=now_ns,
    )
    return Part(intent=intent, script=script, status=status)


class Life:
    """A fan's life, for one who waits for its end: cancelled, the fan is cut off."""

    def __init__(self, scene: Scene, part: Part) -> None:
        self.fan = Fan(scene, part, self._home)
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def _home(self, fan: Fan, broken: JournalError | None) -> None:
        if broken is not None:
            self._over.set_exception(broken)
        else:
            self._over.set_result(None)

    async def live(self, due_ns: int) -> None:
        """From arrival to the last tab's end. Raises JournalError."""
        self.fan.arrive(due_ns)
        try:
            await asyncio.shield(self._over)
        except asyncio.CancelledError:
            self.fan.cut_off()
            await self._over
            raise


def arrivals(number: int, *, every_ns: int, first_ns: int = 0) -> Iterator[Arrival]:
    return (Arrival(fan, first_ns + fan * every_ns, "all", "patient", 1) for fan in range(number))


def rows(path: Path) -> list[Any]:
    return [row for _, row in read_rows(path)]


def virtually(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Play on a clock that does not wait."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


def in_memory(
    folder: Path,
    shop: Callable[[Wire], Awaitable[Reply]],
    casting: Callable[[Arrival, int], Part],
    *,
    fans: int,
    every_ns: int,
    lasts_ns: int,
    overdue_ns: int = 0,
    **more: Any,
) -> InlineRunner:
    """So many fans, so far apart, at a shop that is a function; on the virtual clock, from now or since so long."""
    start = CLOCK.now_ns() - overdue_ns
    return InlineRunner(
        folder,
        clock=CLOCK,
        start_ns=start,
        arrivals=arrivals(fans, every_ns=every_ns),
        load_ns=lasts_ns,
        casting=casting,
        driver=MemoryDriver(shop, CLOCK, start),
        **more,
    )
