"""Stands where a link would stand, passes everything on, and counts: does the shop come this way at all?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from surgectl.chaos.address import address_of
from surgectl.profile.link import Link

_DIAL_S = 5.0


class Relay:
    """One link for the length of a purchase."""

    def __init__(self, upstream: str) -> None:
        self.connections = 0
        """That carried anything: whoever only looks whether somebody listens is no shop that pays."""
        self.sent = 0
        """Bytes from the shop to whoever stands behind the link."""
        self._upstream = upstream
        self._tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<Relay to {self._upstream}: {self.connections} connections>"

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[Relay]:
        """OSError where it cannot listen there."""
        server = await asyncio.start_server(self._visit, host, port)
        try:
            yield self
        finally:
            server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        onward: asyncio.StreamWriter | None = None
        try:
            host, port = address_of(self._upstream)
            async with asyncio.timeout(_DIAL_S):
                back, onward = await asyncio.open_connection(host, port)
            await asyncio.gather(self._pump(reader, onward, counted=True), self._pump(back, writer, counted=False))
        except (OSError, TimeoutError):
            pass  # cut on one side: cut on the other
        finally:
            self._tasks.discard(task)
            for each in (writer, onward):
                if each is not None:
                    each.transport.abort() if each.is_closing() else each.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool) -> None:
        first = counted
        while chunk := await reader.read(65_536):
            self.connections += first
            first = False
            self.sent += len(chunk) if counted else 0
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


@asynccontextmanager
async def relays(links: Mapping[str, Link], *, countable: bool = True) -> AsyncIterator[dict[str, Relay | None]]:
    """A relay at each listener; None where there can be none: another's proxy stands there, or no port is named."""
    async with AsyncExitStack() as stack:
        standing: dict[str, Relay | None] = {}
        for name, link in links.items():
            host, port = address_of(link.listen)
            standing[name] = None
            if countable and link.proxy is None and link.upstream and port:
                try:
                    standing[name] = await stack.enter_async_context(Relay(link.upstream).listening(host, port))
                except OSError:
                    continue  # somebody listens there: said by the look at the link itself
        yield standing
