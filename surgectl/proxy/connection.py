"""One caller and the server it is put through to."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import cast

from surgectl.proxy.link import Link
from surgectl.proxy.pipe import Direction, Placed
from surgectl.proxy.stub import Setting

# l_onoff 1, l_linger 0: closing discards what is unsent and sends RST instead of FIN.
_LINGER_ZERO = struct.pack("ii", 1, 0)


class End(asyncio.Protocol):
    """One of the two sockets of a connection. It reads into one link and is written to by the other."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.writable = True
        self.lost = False
        self._into: Link | None = None
        self._from: Link | None = None
        self._held: bool | None = None  # None: nobody has said yet
        self._early = bytearray()
        self._ended_early = False

    def join(self, into: Link, written_by: Link) -> None:
        """Say where data goes and comes from. `begin` follows once those links have started."""
        self._into = into
        self._from = written_by

    def begin(self) -> None:
        """Hand over what came before the other side was there."""
        assert self._into is not None
        if self._early:
            self._into.feed(bytes(self._early))
            self._early.clear()
        if self._ended_early or self.lost:
            self._into.end_input()

    # What the event loop tells us.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.pause_reading()
        # High water 0: "writable" then means that the kernel has it all, as after Go's blocking write.
        self.transport.set_write_buffer_limits(high=0)
        self._setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        if self._into is not None:
            self._into.feed(data)
        else:
            # uvloop begins to read after connection_made, whatever was asked for in there.
            self.transport.pause_reading()
            self._early += data

    def eof_received(self) -> bool:
        if self._into is not None:
            self._into.end_input()
        else:
            self._ended_early = True
        return True  # it stays open for writing until the other direction has ended

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self.writable = True  # whoever waits to write here must not wait for ever
        if self._into is not None and self._from is not None:
            self._into.end_input()
            self._from.dest_drained()

    def pause_writing(self) -> None:
        self.writable = False
        if self._from is not None:
            self._from.dest_full()

    def resume_writing(self) -> None:
        self.writable = True
        if self._from is not None:
            self._from.dest_drained()

    # What the links ask of us.

    def write(self, data: bytes) -> None:
        if not self.lost and not self.transport.is_closing():
            self.transport.write(data)

    def close(self) -> None:
        # By then everything is written, so that "abort" loses nothing and the close is immediate.
        self.lost = True
        self.transport.abort()
        if self._into is not None:
            self._into.end_input()

    def hold(self) -> None:
        if not self._held and not self.lost:
            self._held = True
            self.transport.pause_reading()

    def release(self) -> None:
        if self._held is not False and not self.lost:
            self._held = False
            self.transport.resume_reading()

    def arm_reset(self) -> None:
        """Let the close be an RST."""
        if not self.lost:
            self._setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)

    def _setsockopt(self, level: int, option: int, value: int | bytes) -> None:
        # The peer may have vanished a moment ago; then there is nothing left to set.
        with suppress(OSError):
            self.transport.get_extra_info("socket").setsockopt(level, option, value)


class Connection:
    """Two ends and the two links between them. It is over when both links have closed."""

    def __init__(
        self,
        setting: Setting,
        proxy_name: str,
        number: int,
        client: End,
        server: End,
        on_over: Callable[[Connection], None],
    ) -> None:
        def link(direction: Direction, source: End, dest: End) -> Link:
            return Link(setting, proxy_name, number, direction, source, dest, self._link_closed, self._reset)

        self._setting = setting
        self._client = client
        self._server = server
        self._on_over = on_over
        self._open = 2
        self.links = (
            link(Direction.UPSTREAM, client, server),
            link(Direction.DOWNSTREAM, server, client),
        )

    def start(self, chains: Sequence[Sequence[Placed]]) -> None:
        """Carry data through those chains, one for each direction."""
        upstream, downstream = self.links
        self._client.join(into=upstream, written_by=downstream)
        self._server.join(into=downstream, written_by=upstream)
        if self._setting.strict and any(placed.toxic.arms_reset for chain in chains for placed in chain):
            self._arm_reset()
        for link in self.links:
            link.start(chains[link.direction])
        for end in (self._client, self._server):
            end.begin()

    def abort(self) -> None:
        """Close both sockets at once, whatever is still on its way."""
        for link in self.links:
            link.kill()
        for end in (self._client, self._server):
            end.close()

    def _reset(self) -> None:
        # Toxiproxy has set the linger when the connection was opened, drawn or not, and never later.
        if not self._setting.strict:
            self._arm_reset()

    def _arm_reset(self) -> None:
        self._client.arm_reset()
        self._server.arm_reset()

    def _link_closed(self, link: Link) -> None:
        self._open -= 1
        if self._open == 0:
            self._on_over(self)
