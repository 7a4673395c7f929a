"""Connections that nobody uses just now: the one used last is used next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from surgectl.engine.drivers.limits import KEEPALIVE_S
from surgectl.engine.drivers.wire.connection import Connection
from surgectl.engine.drivers.wire.origin import Origin

_KEEPALIVE_NS = int(KEEPALIVE_S * 1e9)


class Pool:
    """Idle connections by origin, each with the instant since when it is idle."""

    __slots__ = ("_idle", "_now_ns", "_timer")

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._idle: dict[Origin, dict[Connection, int]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def take(self, origin: Origin) -> Connection | None:
        """One that was alive when we last heard of it; None where there is none."""
        idle = self._idle.get(origin)
        while idle:
            connection, since_ns = idle.popitem()
            if not connection.usable:
                continue
            if self._now_ns() - since_ns < _KEEPALIVE_NS:
                return connection
            connection.close()
        return None

    def give_back(self, connection: Connection) -> None:
        """It carried a whole reply and may carry another."""
        self._idle.setdefault(connection.origin, {})[connection] = self._now_ns()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(KEEPALIVE_S / 3, self._tidy)

    def forget(self, connection: Connection) -> None:
        """It is closed."""
        idle = self._idle.get(connection.origin)
        if idle is not None:
            idle.pop(connection, None)

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
        for origin, idle in list(self._idle.items()):
            for connection, since_ns in list(idle.items()):
                if now_ns - since_ns < _KEEPALIVE_NS:
                    break  # those behind it are younger
                del idle[connection]
                connection.close()
            if not idle:
                del self._idle[origin]
        if self._idle:
            self._timer = asyncio.get_running_loop().call_later(KEEPALIVE_S / 3, self._tidy)
