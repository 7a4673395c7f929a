"""Hold fans at a line until enough have come, so that they all start at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from surgectl.engine.timers import Sleeper, Timers

Opened = Callable[[bool], None]
"""Hears whether enough had come in time."""


class _Line:
    """One barrier, and who stands at it."""

    def __init__(self, need: int, come: int) -> None:
        self.need = need
        self.come = come
        self.waiting: dict[_Waiter, None] = {}

    @property
    def open(self) -> bool:
        return self.come >= self.need

    def look(self) -> None:
        if self.open and self.waiting:
            waiting, self.waiting = self.waiting, {}
            for waiter in waiting:
                asyncio.get_running_loop().call_soon(waiter.then, True)


class _Waiter(Sleeper):
    """One who stands there, for a while."""

    __slots__ = ("line", "then")

    def __init__(self, line: _Line, then: Opened) -> None:
        self.line = line
        self.then = then

    def wake(self) -> None:
        if self.line.waiting.pop(self, self) is None:
            self.then(False)


class Barriers:
    """The barriers of one shard. Each shard waits for its share of the fans: the shares add up to the whole."""

    def __init__(self, *, shard: int = 0, of: int = 1) -> None:
        self._shard = shard
        self._of = of
        self._lines: dict[str, _Line] = {}
        self._gone = 0

    def share(self, fans: int) -> int:
        """How many of `fans` this shard waits for; at least one."""
        return max(1, fans // self._of + (1 if self._shard < fans % self._of else 0))

    def meet(self, name: str, fans: int, timers: Timers, until_ns: int, then: Opened) -> None:
        """Call `then`, later, once enough have come, or at `until_ns` where they have not."""
        line = self._lines.get(name)
        if line is None:
            # Fans that ended before anybody came here never will: they count as arrived.
            line = self._lines[name] = _Line(self.share(fans), self._gone)
        waiter = _Waiter(line, then)
        line.waiting[waiter] = None
        line.come += 1
        line.look()
        if waiter in line.waiting:
            timers.at(until_ns, waiter)

    def gone(self, met: Collection[str]) -> None:
        """A fan ended, having met these: at every other barrier it counts as arrived."""
        self._gone += 1
        for name, line in self._lines.items():
            if name not in met:
                line.come += 1
                line.look()
