"""A shop inside this process: for tests and simulations, where ten minutes pass in a second on a virtual clock."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable

import msgspec

from surgectl.clock import Clock
from surgectl.engine.drivers.driver import Mark, Then
from surgectl.engine.drivers.waiting import sent
from surgectl.journey.messages import Push, Reply, Wire

Handler = Callable[[Wire], Awaitable[Reply]]
"""Answers a request, in its own time. A Reply with `broken` breaks in that way; the driver fills in the instants."""


class MemoryDriver:
    """`MemoryDriver(handler, clock, start_ns)`: no sockets, the same contract."""

    def __init__(self, handler: Handler, clock: Clock, start_ns: int = 0) -> None:
        self.open_sockets = 0
        self.handler = handler
        self._clock = clock
        self._start_ns = start_ns

    def now_ns(self) -> int:
        return self._clock.now_ns() - self._start_ns

    async def __aenter__(self) -> MemoryDriver:
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    def session(self, *, cookies: bool = True, fan: int = 0) -> MemorySession:
        """A new session. Cookies are the handler's own business: it sees whole requests."""
        return MemorySession(self)


class MemorySession:
    """One fan's way to the handler."""

    __slots__ = ("_driver",)

    def __init__(self, driver: MemoryDriver) -> None:
        self._driver = driver

    def close(self) -> None:
        return None

    def ear(self) -> MemoryEar:
        """The handler answers each wait: with a message (messages.EVENT), or with the connection's refusal or end."""
        return MemoryEar(self)

    def start(self, wire: Wire, due_ns: int, mark: Mark, then: Then) -> Handled:
        """Send once and only once; see Session.start."""
        return Handled(self._driver, wire, due_ns, mark, then)

    async def send(self, wire: Wire, due_ns: int, mark: Mark | None = None) -> Reply:
        """The same, for one who waits."""
        return await sent(self, wire, due_ns, mark)


class MemoryEar:
    """One page that listens to the handler."""

    __slots__ = ("_session",)

    def __init__(self, session: MemorySession) -> None:
        self._session = session

    def hear(self, wire: Wire, push: Push, due_ns: int, mark: Mark, then: Then) -> Handled:
        return self._session.start(wire, due_ns, mark, then)

    def close(self) -> None:
        return None


class Handled:
    """A request that the handler is at."""

    __slots__ = ("_mark", "_now_ns", "_task", "_then")

    def __init__(self, driver: MemoryDriver, wire: Wire, due_ns: int, mark: Mark, then: Then) -> None:
        self._mark = mark
        self._now_ns = driver.now_ns
        self._then: Then | None = then
        mark.sent_ns = driver.now_ns()
        driver.open_sockets += 1
        self._task = asyncio.create_task(self._answer(driver, wire, due_ns))
        # Here and not in the task: one that is cancelled before its first step never runs.
        self._task.add_done_callback(functools.partial(self._over, driver))

    def quit(self) -> None:
        """See UnderWay.quit."""
        if self._then is not None:
            self._task.cancel()
            self._end(Reply(broken="quit", sent_ns=self._mark.sent_ns, done_ns=self._now_ns()))

    async def _answer(self, driver: MemoryDriver, wire: Wire, due_ns: int) -> None:
        now_ns, mark = driver.now_ns(), self._mark
        try:
            async with asyncio.timeout((max(due_ns, now_ns) + wire.timeout_ns - now_ns) / 1e9):
                reply = await driver.handler(wire)
        except TimeoutError:
            reply = Reply(broken="timeout", detail="timeout")
        if reply.broken == "not-sent":
            mark.sent_ns = None
        self._end(
            msgspec.structs.replace(reply, sent_ns=mark.sent_ns, done_ns=driver.now_ns(), url=reply.url or wire.url)
        )

    def _over(self, driver: MemoryDriver, task: asyncio.Task[None]) -> None:
        driver.open_sockets -= 1
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._mark.failure = error
            self._end(Reply(broken="invalid", sent_ns=self._mark.sent_ns, done_ns=self._now_ns()))

    def _end(self, reply: Reply) -> None:
        then, self._then = self._then, None
        if then is not None:
            then(reply)
