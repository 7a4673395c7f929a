"""Which addresses a name has: asked once a run, so that a slow name server is never mistaken for a slow shop."""

from __future__ import annotations

import asyncio
import socket

from aiohappyeyeballs import AddrInfoType


class Resolver:
    """Remembers what was found; a failure is asked again."""

    __slots__ = ("_asked",)

    def __init__(self) -> None:
        self._asked: dict[tuple[str, int], asyncio.Task[list[AddrInfoType]]] = {}

    async def addresses(self, host: str, port: int) -> list[AddrInfoType]:
        """In the system's order. OSError where there is none."""
        key = (host, port)
        task = self._asked.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._asked[key] = asyncio.create_task(_look_up(host, port))
            task.add_done_callback(_seen)
        if task.done():
            return task.result()
        # The fan who asked first may lose patience: the others still want to know.
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Forget everything."""
        tasks = list(self._asked.values())
        self._asked.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _seen(task: asyncio.Task[list[AddrInfoType]]) -> None:
    """A failure that everybody was too impatient to wait for is no error of ours."""
    if not task.cancelled():
        task.exception()


async def _look_up(host: str, port: int) -> list[AddrInfoType]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if not found:
        raise OSError("no address")
    return list(found)
