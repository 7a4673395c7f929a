"""The faults of one proxy, in order, and their arrival at every connection that is already open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from surgectl.proxy.connection import Connection
from surgectl.proxy.link import Link
from surgectl.proxy.pipe import Direction, Placed


class Chain:
    """The toxics of a proxy by direction. A change reaches all live links before it returns."""

    def __init__(self, connections: Iterable[Connection]) -> None:
        self.by_direction: tuple[list[Placed], list[Placed]] = ([], [])
        self._connections = connections
        self._serial = 0

    def all(self) -> list[Placed]:
        """First upstream's, then downstream's, each in the order in which bytes meet them."""
        return [*self.by_direction[Direction.UPSTREAM], *self.by_direction[Direction.DOWNSTREAM]]

    def find(self, name: str) -> Placed | None:
        """Names are unique over both directions."""
        return next((placed for placed in self.all() if placed.name == name), None)

    def next_serial(self) -> int:
        self._serial += 1
        return self._serial

    async def add(self, placed: Placed) -> None:
        self.by_direction[placed.direction].append(placed)
        await self._everywhere(placed.direction, lambda link: link.add(placed))

    async def update(self, placed: Placed) -> None:
        """`placed` replaces the one of the same serial."""
        self.amend(placed)
        await self._everywhere(placed.direction, lambda link: link.update(placed))

    def amend(self, placed: Placed) -> None:
        """As `update`, but live links only learn of it when they next run the toxic."""
        row = self.by_direction[placed.direction]
        row[[old.serial for old in row].index(placed.serial)] = placed

    async def remove(self, placed: Placed) -> None:
        if placed not in self.by_direction[placed.direction]:
            return  # somebody else was quicker
        self.by_direction[placed.direction].remove(placed)
        await self._everywhere(placed.direction, lambda link: link.remove(placed))

    async def clear(self) -> None:
        for placed in self.all():
            await self.remove(placed)

    async def _everywhere(self, direction: Direction, change: Callable[[Link], asyncio.Future[None] | None]) -> None:
        # A toxic may close connections on removal, which takes them off the list: hence a copy.
        deaf = [future for connection in list(self._connections) if (future := change(connection.links[direction]))]
        if deaf:
            await asyncio.wait(deaf)
