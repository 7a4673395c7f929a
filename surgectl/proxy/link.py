"""One direction of one connection: where bytes come from, the faults they pass, where they go.

Without toxics a link is two lines of code: what was read is written. With toxics it is a row of stubs.
Every change of the row happens within one turn of the event loop, so no byte can slip through a gap.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from surgectl.proxy.pipe import CHUNK_BYTES, Chunk, Direction, Placed
from surgectl.proxy.stub import Setting, Sink, Stub


class Socket(Protocol):
    """One end of a connection, as a link sees it."""

    @property
    def writable(self) -> bool:
        """All that was written has reached the kernel."""
        ...

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...

    def hold(self) -> None:
        """Read no more until `release`."""
        ...

    def release(self) -> None: ...


class Outlet:
    """The end of a link: the socket that is written to, and closed once everything has been written.

    There is no half-close, as in Toxiproxy: when one direction ends, its whole destination is closed.
    """

    def __init__(self, dest: Socket, on_closed: Callable[[], None]) -> None:
        self.ending = False
        self.closed = False
        self._dest = dest
        self._on_closed = on_closed

    @property
    def ready(self) -> bool:
        return self.closed or self._dest.writable

    def push(self, chunk: Chunk) -> None:
        if not self.ending:
            self._dest.write(chunk.data)

    def push_end(self) -> None:
        self.ending = True
        self.drained()

    def drained(self) -> None:
        if self.ending and not self.closed and self._dest.writable:
            self.closed = True
            self._dest.close()
            self._on_closed()


class Link:
    """A row of stubs between two sockets."""

    def __init__(
        self,
        setting: Setting,
        proxy_name: str,
        connection_number: int,
        direction: Direction,
        source: Socket,
        dest: Socket,
        on_closed: Callable[[Link], None],
        on_reset: Callable[[], None],
    ) -> None:
        self.setting = setting
        self.proxy_name = proxy_name
        self.connection_number = connection_number
        self.direction = direction
        self.outlet = Outlet(dest, self._closed)
        self._source = source
        self._dest = dest
        self._stubs: list[Stub] = []
        self._stubs_ever = 0
        self._on_closed = on_closed
        self._on_reset = on_reset
        self._input_ended = False

    def start(self, chain: Sequence[Placed]) -> None:
        """Lay out the chain of a new connection; every stub draws."""
        for placed in chain:
            self._append(placed)
        for stub in reversed(self._stubs):
            stub.run()
        self._settle()

    # Data.

    def feed(self, data: bytes) -> None:
        """Bytes read from the source."""
        if not self._stubs:
            # Nothing is in the way: straight to the other socket.
            if not self.outlet.ending:
                self._dest.write(data)
            return
        first = self._stubs[0]
        now_ns = self.setting.clock.now_ns()
        if len(data) <= CHUNK_BYTES:
            first.push(Chunk(bytes(data), now_ns))
        else:
            for at in range(0, len(data), CHUNK_BYTES):
                first.push(Chunk(bytes(data[at : at + CHUNK_BYTES]), now_ns))
        if not first.ready:
            self._source.hold()

    def end_input(self) -> None:
        """The source has closed, or has been closed."""
        if not self._input_ended:
            self._input_ended = True
            self._head.push_end()

    def dest_full(self) -> None:
        """The destination takes no more for now."""
        if not self._stubs:
            self._source.hold()

    def dest_drained(self) -> None:
        """The destination takes more again."""
        self.outlet.drained()
        if self._stubs:
            self._stubs[-1].pump()
        self._settle()

    def room_before(self, stub: Stub) -> None:
        at = self._stubs.index(stub)
        if at > 0:
            self._stubs[at - 1].pump()
        else:
            self._settle()

    def reset(self) -> None:
        self._on_reset()

    # Changes of the chain. Each returns what to wait for until the change is complete, or None.

    def add(self, placed: Placed) -> asyncio.Future[None] | None:
        """Put a toxic at the end of the row; the one before it draws again."""
        last = self._stubs[-1] if self._stubs else None
        if self.outlet.ending or (last is not None and last.closed):
            return None  # nothing will come along here any more
        if last is not None and (deaf := last.interrupt()) is not None:
            return deaf
        stub = self._append(placed)
        stub.run()
        if last is not None:
            last.run()
        self._settle()
        return None

    def update(self, placed: Placed) -> asyncio.Future[None] | None:
        """Run a toxic anew with other attributes; it draws again."""
        stub = self._find(placed)
        if stub is None or stub.closed:
            return None
        if (deaf := stub.interrupt()) is not None:
            return deaf
        stub.placed = placed
        stub.run()
        self._settle()
        return None

    def remove(self, placed: Placed) -> asyncio.Future[None] | None:
        """Take a toxic out; what it or its queue still held goes on, in order. The one before it draws again."""
        stub = self._find(placed)
        if stub is None or stub.closed:
            return None
        if (deaf := stub.interrupt()) is not None:
            return deaf
        if placed.toxic.closes_when_removed:
            stub.close()
            return None
        at = self._stubs.index(stub)
        before = self._stubs[at - 1] if at > 0 else None
        deaf = before.interrupt() if before is not None else None
        # Between its interrupt and our flush, what the one before still held went into our queue.
        stub.flush()
        if stub.closed:
            return deaf  # the sender had closed: the end has been passed on, and the link goes with it
        if before is not None:
            before.after = stub.after
        del self._stubs[at]
        stub.kill()
        if before is not None and deaf is None and not before.closed:
            before.run()
        self._settle()
        return deaf

    def kill(self) -> None:
        """The connection is gone: stop every toxic at once."""
        self.outlet.ending = self.outlet.closed = True
        for stub in self._stubs:
            stub.kill()

    # The rest.

    @property
    def _head(self) -> Sink:
        return self._stubs[0] if self._stubs else self.outlet

    def _append(self, placed: Placed) -> Stub:
        stub = Stub(self, placed, self._stubs_ever, self.outlet)
        if self._stubs:
            self._stubs[-1].after = stub
        self._stubs.append(stub)
        self._stubs_ever += 1
        return stub

    def _find(self, placed: Placed) -> Stub | None:
        return next((stub for stub in self._stubs if stub.placed.serial == placed.serial), None)

    def _settle(self) -> None:
        if self._head.ready:
            self._source.release()
        else:
            self._source.hold()

    def _closed(self) -> None:
        self.kill()
        self._on_closed(self)
