"""Hold fans at a line until enough have come, so that they all start at once."""

from __future__ import annotations

import asyncio
from collections.abc import Collection


class _Line:
    def __init__(self, need: int, come: int) -> None:
        self.need = need
        self.come = come
        self.open = asyncio.Event()
        self.look()

    def look(self) -> None:
        if self.come >= self.need:
            self.open.set()


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

    async def meet(self, name: str, fans: int, within_ns: int) -> bool:
        """Wait until enough have come. False where they had not come in time."""
        line = self._lines.get(name)
        if line is None:
            # Fans that ended before anybody came here never will: they count as arrived.
            line = self._lines[name] = _Line(self.share(fans), self._gone)
        line.come += 1
        line.look()
        if line.open.is_set():
            return True
        try:
            async with asyncio.timeout(within_ns / 1e9):
                await line.open.wait()
        except TimeoutError:
            return line.open.is_set()
        return True

    def gone(self, met: Collection[str]) -> None:
        """A fan ended, having met these: at every other barrier it counts as arrived."""
        self._gone += 1
        for name, line in self._lines.items():
            if name not in met:
                line.come += 1
                line.look()
