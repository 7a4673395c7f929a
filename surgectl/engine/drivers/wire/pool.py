"""Connections that nobody uses just now: the one used last is used next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from surgectl.engine.drivers.limits import KEEPALIVE_S
from surgectl.engine.drivers.place import Origin
from surgectl.engine.drivers.wire.connection import Connection


class Pool:
    """Idle connections: everybody's by origin, and each fan's own; each knows since when, and for how long."""

    __slots__ = ("_now_ns", "_own", "_shared", "_timer")

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._shared: dict[Origin, dict[Connection, None]] = {}
        self._own: dict[object, tuple[Connection, ...]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def take(self, whose: object | None, origin: Origin) -> Connection | None:
        """One that was alive when we last heard of it; None where there is none."""
        if whose is not None:
            return self._take_own(whose, origin)
        idle = self._shared.get(origin)
        while idle:
            connection, _ = idle.popitem()
            if self._good(connection):
                return connection
        return None

    def _take_own(self, whose: object, origin: Origin) -> Connection | None:
        for connection in self._own.get(whose, ()):
            if connection.origin == origin:
                self.forget(connection)
                if self._good(connection):
                    return connection
        return None

    def _good(self, connection: Connection) -> bool:
        if not connection.usable:
            return False
        if self._now_ns() - connection.idle_since_ns < connection.keeps_ns:
            return True
        connection.close()
        return False

    def give_back(self, connection: Connection) -> None:
        """It carried a whole reply and may carry another."""
        if connection.whose is not None:
            self._own[connection.whose] = (*self._own.get(connection.whose, ()), connection)
        else:
            idle = self._shared.get(connection.origin)
            if idle is None:
                idle = self._shared[connection.origin] = {}
            idle[connection] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(KEEPALIVE_S / 3, self._tidy)

    def forget(self, connection: Connection) -> None:
        """It is closed, or in use."""
        if connection.whose is None:
            idle = self._shared.get(connection.origin)
            if idle is not None:
                idle.pop(connection, None)
            return
        kept = tuple(each for each in self._own.get(connection.whose, ()) if each is not connection)
        if kept:
            self._own[connection.whose] = kept
        else:
            self._own.pop(connection.whose, None)

    def left(self, whose: object) -> None:
        """This fan comes no more: close what was theirs alone."""
        for connection in self._own.pop(whose, ()):
            connection.close()

    def close(self) -> None:
        """Forget all; whoever made them closes them."""
        self._shared.clear()
        self._own.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tidy(self) -> None:
        """Close what was idle for too long."""
        self._timer = None
        now_ns = self._now_ns()
        idle = [each for connections in (*self._shared.values(), *self._own.values()) for each in connections]
        for connection in idle:
            if now_ns - connection.idle_since_ns >= connection.keeps_ns:
                self.forget(connection)
                connection.close()
        if idle:
            self._timer = asyncio.get_running_loop().call_later(KEEPALIVE_S / 3, self._tidy)
