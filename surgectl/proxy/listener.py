"""One proxied address: callers knock here and are put through to the real server."""

from __future__ import annotations

import asyncio
import socket

from surgectl.proxy import address
from surgectl.proxy.chain import Chain
from surgectl.proxy.connection import Connection, End
from surgectl.proxy.stub import Setting

_ACCEPTS_A_TURN = 64
_OUT_OF_FILES_S = 0.1


class Proxy:
    """A named listener with its toxics. While disabled it refuses connections; its toxics survive that."""

    def __init__(self, setting: Setting, name: str, listen: str, upstream: str) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.enabled = False
        self.lock = asyncio.Lock()
        """Held while starting, stopping or updating: two requests must not do so at once."""
        self._setting = setting
        self._connections: set[Connection] = set()
        self.chain = Chain(self._connections)
        self._socket: socket.socket | None = None
        self._accepted = 0
        self._dials: set[asyncio.Task[None]] = set()
        self._dial_lock = asyncio.Lock()

    async def start(self) -> None:
        """Listen; AddressError where that is not possible, and the proxy stays disabled."""
        self._socket, self.listen = await address.listen(self.listen)
        self.enabled = True
        self._watch()

    def stop(self) -> None:
        """Refuse callers and close every connection, at once."""
        self.enabled = False
        if self._socket is not None:
            self._setting.loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
        for dial in self._dials:
            dial.cancel()
        for connection in list(self._connections):
            connection.abort()
        self._connections.clear()

    async def differs(self, listen: str, upstream: str) -> bool:
        """Whether serving these would need another listener. AddressError where `listen` is no address."""
        return self.listen != str(await address.resolve(listen)) or self.upstream != upstream

    async def update(self, listen: str, upstream: str, enabled: bool) -> None:
        """Move, enable or disable. A new address closes all connections; the same, resolved, keeps them."""
        if await self.differs(listen, upstream):
            self.stop()
            self.listen = listen
            self.upstream = upstream
        if enabled and not self.enabled:
            await self.start()
        elif self.enabled and not enabled:
            self.stop()

    # Accepting.

    def _watch(self) -> None:
        if self._socket is not None:
            self._setting.loop.add_reader(self._socket.fileno(), self._accept)

    def _accept(self) -> None:
        assert self._socket is not None
        for _ in range(_ACCEPTS_A_TURN):
            try:
                caller, _ = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError:
                # Out of file descriptors: look again when some may be free, instead of spinning.
                self._setting.loop.remove_reader(self._socket.fileno())
                self._setting.loop.call_later(_OUT_OF_FILES_S, self._watch)
                return
            caller.setblocking(False)
            self._accepted += 1
            dial = self._setting.loop.create_task(self._put_through(caller, self._accepted))
            self._dials.add(dial)
            dial.add_done_callback(self._dials.discard)

    async def _put_through(self, caller: socket.socket, number: int) -> None:
        try:
            if self._setting.strict:
                # Toxiproxy dials within its accept loop: one that hangs holds up everybody behind it.
                async with self._dial_lock:
                    server = await self._dial()
            else:
                server = await self._dial()
        except (OSError, address.AddressError):
            caller.close()  # the caller was accepted already: it sees EOF, not a refusal
            return
        except asyncio.CancelledError:
            caller.close()
            raise
        try:
            _, client = await self._setting.loop.connect_accepted_socket(End, caller)
        except OSError:
            caller.close()
            server.close()
            return
        except asyncio.CancelledError:
            caller.close()
            server.close()
            raise
        connection = Connection(self._setting, self.name, number, client, server, self._connections.discard)
        self._connections.add(connection)
        connection.start(self.chain.by_direction)

    async def _dial(self) -> End:
        host, port = address.split(self.upstream)
        loop = self._setting.loop
        _, end = await loop.create_connection(End, host or "localhost", address.port_number(port))
        return end
