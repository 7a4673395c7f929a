"""Connections that nobody uses just now: the one used last is used next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from surgectl.engine.drivers.limits import KEEPALIVE_S
from surgectl.engine.drivers.place import Origin
from surgectl.engine.drivers.wire.connection import Connection

_Key = tuple[object | None, Origin]
"""Whose, and where to."""


class Pool:
    """Idle connections by owner and origin; each knows since when it is idle, and for how long it may be."""

    __slots__ = ("_idle", "_now_ns", "_timer")

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._idle: dict[_Key, dict[Connection, None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def take(self, whose: object | None, origin: Origin) -> Connection | None:
        """One that was alive when we last heard of it; None where there is none."""
        idle = self._idle.get((whose, origin))
        while idle:
            connection, _ = idle.popitem()
            if not connection.usable:
                continue
            if self._now_ns() - connection.idle_since_ns < connection.keeps_ns:
                return connection
            connection.close()
        return None

    def give_back(self, connection: Connection) -> None:
        """It carried a whole reply and may carry another."""
        key = (connection.whose, connection.origin)
        idle = self._idle.get(key)
        if idle is None:
            idle = self._idle[key] = {}
        idle[connection] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(KEEPALIVE_S / 3, self._tidy)

    def forget(self, connection: Connection) -> None:
        """It is closed."""
        key = (connection.whose, connection.origin)
        idle = self._idle.get(key)
        if idle is not None:
            idle.pop(connection, None)
            if not idle and connection.whose is not None:
                del self._idle[key]  # a fan's own door: nobody else will come through it

    def close(self) -> None:
        """Forget all; whoever made them closes them."""
        self._idle.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tidy(self) -> None:
        """Close what was idle for too long."""
        self._timer = None
        now_ns = self._now_ns()
        for key, idle in list(self._idle.items()):
            for connection in [each for each in idle if now_ns - each.idle_since_ns >= each.keeps_ns]:
                del idle[connection]
                connection.close()
            if not idle:
                del self._idle[key]
        if self._idle:
            self._timer = asyncio.get_running_loop().call_later(KEEPALIVE_S / 3, self._tidy)
