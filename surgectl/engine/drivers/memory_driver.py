"""A shop inside this process: for tests and simulations, where ten minutes pass in a second on a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from surgectl.clock import Clock
from surgectl.engine.drivers.driver import Mark
from surgectl.journey.messages import Reply, Wire

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

    def session(self, *, cookies: bool = True) -> MemorySession:
        """A new session. Cookies are the handler's own business: it sees whole requests."""
        return MemorySession(self)


class MemorySession:
    """One fan's way to the handler."""

    __slots__ = ("_driver",)

    def __init__(self, driver: MemoryDriver) -> None:
        self._driver = driver

    async def close(self) -> None:
        return None

    async def send(self, wire: Wire, due_ns: int, mark: Mark | None = None) -> Reply:
        """Send once and only once; see Session.send."""
        driver = self._driver
        mark = Mark() if mark is None else mark
        now_ns = driver.now_ns()
        driver.open_sockets += 1
        mark.sent_ns = now_ns
        try:
            async with asyncio.timeout((max(due_ns, now_ns) + wire.timeout_ns - now_ns) / 1e9):
                reply = await driver.handler(wire)
        except TimeoutError:
            return Reply(broken="timeout", sent_ns=mark.sent_ns, done_ns=driver.now_ns(), detail="timeout")
        finally:
            driver.open_sockets -= 1
        if reply.broken == "not-sent":
            mark.sent_ns = None
        return msgspec.structs.replace(reply, sent_ns=mark.sent_ns, done_ns=driver.now_ns(), url=reply.url or wire.url)
