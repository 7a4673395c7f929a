"""Send a fan's request on a socket of our own, exactly once, and know whether a byte of it left.

HTTP/1.1 over asyncio.Protocol with llhttp: a tenth of what a general client costs, and nothing between us and the
socket that might send again. Fans share one pool of connections, as fans behind one carrier's NAT and a shop's load
balancer do, or have connections of their own, as the target says.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import aiohappyeyeballs
import msgspec

from surgectl.clock import Clock, since
from surgectl.engine.drivers.browser import Asked, Browser, Listener
from surgectl.engine.drivers.driver import Mark
from surgectl.engine.drivers.limits import MOST_BODY_BYTES
from surgectl.engine.drivers.place import Atlas, Origin, Place
from surgectl.engine.drivers.redirect import Headers
from surgectl.engine.drivers.sources import connected
from surgectl.engine.drivers.wire.connection import Connection
from surgectl.engine.drivers.wire.deadlines import Deadlines
from surgectl.engine.drivers.wire.fates import FATES, NotTaken, broken, say
from surgectl.engine.drivers.wire.pool import Pool
from surgectl.engine.drivers.wire.request_bytes import RequestBytes, request_bytes
from surgectl.engine.drivers.wire.resolver import Resolver
from surgectl.engine.drivers.wire.trust import Trust, tls_context
from surgectl.errors import SurgectlError

if TYPE_CHECKING:
    from surgectl.engine.drivers.aiohttp_driver import AiohttpDriver

_NEXT_ADDRESS_S = 0.25
"""How long one address may stay silent before the next is tried beside it (RFC 8305)."""


class WireDriver:
    """`async with WireDriver(clock, start_ns) as driver: session = driver.session()`.

    `permits(host)` says which hosts may be sent to (see guard.py): a URL that a reply supplied, or a redirect, that
    leads elsewhere is not sent. None permits all. `tls` None: certificates are verified as the system does.
    `own_connections`: each session has its own, closed when it is; else all share one pool. `sources`: addresses of
    ours that fans come from, each always from the same one (sources.py); none: the system chooses.
    """

    def __init__(
        self,
        clock: Clock,
        start_ns: int,
        *,
        permits: Callable[[str], bool] | None = None,
        most_body_bytes: int = MOST_BODY_BYTES,
        tls: ssl.SSLContext | None = None,
        own_connections: bool = False,
        sources: Sequence[str] = (),
    ) -> None:
        self.most_body_bytes = most_body_bytes
        self.now_ns = since(clock, start_ns)
        """Nanoseconds since the run's start."""
        self.atlas = Atlas()
        self.deadlines = Deadlines(self.now_ns)
        self._permits = permits
        self._permitted: dict[str, bool] = {}
        self._clock = clock
        self._tls = tls
        self._own_connections = own_connections
        self._pool = Pool(self.now_ns)
        self._resolver = Resolver()
        self._sides = [Side(self, source) for source in sources]
        self._nobodys = Browser(self, cookies=False)
        self._connections: set[Connection] = set()
        self._open = False
        self._pushes: dict[str, AiohttpDriver] = {}
        """By source, each made for the first fan who listens."""

    def __repr__(self) -> str:
        return f"<WireDriver sockets={self.open_sockets}>"

    @property
    def open_sockets(self) -> int:
        """Connections open now."""
        return len(self._connections) + sum(pushes.open_sockets for pushes in self._pushes.values())

    async def __aenter__(self) -> WireDriver:
        self._open = True
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._open = False
        for pushes in self._pushes.values():
            await pushes.__aexit__()
        self._pool.close()
        await self._resolver.close()
        for connection in list(self._connections):
            connection.abort()
        await asyncio.sleep(0)  # the loop closes sockets in its next turn
        self.deadlines.close()

    def session(self, *, cookies: bool = True, fan: int = 0) -> Browser:
        """A new, empty session. Does no I/O."""
        if self._sides:
            return Browser(self._sides[fan % len(self._sides)], cookies=cookies, own=self._own_connections)
        if not cookies and not self._own_connections:
            return self._nobodys  # it has nothing of its own: all may use the same one
        return Browser(self, cookies=cookies, own=self._own_connections)

    def wall_s(self) -> float:
        """Seconds since the epoch."""
        return self._clock.wall().timestamp()

    def permitted(self, host: str) -> bool:
        """May this host be sent to?"""
        if self._permits is None:
            return True
        said = self._permitted.get(host)
        if said is None:
            said = self._permitted[host] = self._permits(host)
        return said

    def ask(
        self,
        owner: object | None,
        place: Place,
        method: str,
        headers: Headers,
        body: bytes | None,
        mark: Mark,
        deadline_ns: int,
        listener: Listener,
    ) -> Asked:
        """One request and its whole reply; see Asker.ask."""
        if not self._open:
            raise SurgectlError("the driver is not open")
        try:
            request = request_bytes(method, place, headers, body)
            if mark.sent_ns is not None and self.now_ns() >= deadline_ns:
                raise TimeoutError  # on a later hop of redirects
        except (ValueError, TimeoutError) as error:
            return Dialling.in_vain(listener, mark, error)
        # Not one byte was written to a connection that says NotTaken, so that another may be tried.
        while (connection := self._pool.take(owner, place.origin)) is not None:
            try:
                connection.ask(request, mark, deadline_ns, listener)
            except NotTaken:
                continue
            except FATES as error:
                return Dialling.in_vain(listener, mark, error)
            return connection
        return Dialling(self, owner, place.origin, request, mark, deadline_ns, listener)

    def left(self, owner: object) -> None:
        """Close what was this fan's alone."""
        self._pool.left(owner)

    async def pushing(self, source: str = "") -> AiohttpDriver:
        """Who opens the connections on which the shop speaks by itself: each has its own, which nobody else uses."""
        pushes = self._pushes.get(source)
        if pushes is None:
            from surgectl.engine.drivers.aiohttp_driver import AiohttpDriver

            start_ns = self._clock.now_ns() - self.now_ns()
            made = AiohttpDriver(
                self._clock, start_ns, most_body_bytes=self.most_body_bytes, tls=self._tls, source=source
            )
            pushes = self._pushes[source] = await made.__aenter__()  # which never waits: two cannot both come here
        return pushes

    async def dial(self, owner: object | None, origin: Origin) -> Connection:
        """A new connection. OSError where nobody answers, ssl.SSLError where nobody is to be believed."""
        connection = Connection(origin, self, self.most_body_bytes, owner)
        try:
            await self._connect(connection, origin)
        except BaseException:
            # uvloop closes one that nobody waits for any more without a word to it.
            self.went(connection)
            raise
        return connection

    async def _connect(self, connection: Connection, origin: Origin) -> None:
        loop = asyncio.get_running_loop()
        if origin.tls and self._tls is None:
            self._tls = tls_context(Trust())
        tls = self._tls if origin.tls else None
        named = origin.host if origin.tls else None
        found = await self._resolver.addresses(origin.host, origin.port)
        if origin.source:
            sock = await connected(origin.source, [(str(each[4][0]), int(each[4][1])) for each in found])
            await self._over(sock, connection, tls, named)
            return
        if len(found) == 1:
            host, port = found[0][4][:2]
            await loop.create_connection(lambda: connection, str(host), int(port), ssl=tls, server_hostname=named)
            return
        sock = await aiohappyeyeballs.start_connection(found, happy_eyeballs_delay=_NEXT_ADDRESS_S, interleave=1)
        await self._over(sock, connection, tls, named)

    async def _over(
        self, sock: socket.socket, connection: Connection, tls: ssl.SSLContext | None, named: str | None
    ) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: connection, sock=sock, ssl=tls, server_hostname=named)
        except BaseException:
            sock.close()
            raise

    # -- what connections tell

    def came(self, connection: Connection) -> None:
        self._connections.add(connection)

    def rests(self, connection: Connection) -> None:
        if self._open:
            self._pool.give_back(connection)
        else:
            connection.abort()

    def went(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._pool.forget(connection)


class Side:
    """The same driver, for those fans who come from one address: their connections are not the others'."""

    __slots__ = ("_driver", "_origins", "_source", "atlas", "now_ns", "permitted", "wall_s")

    def __init__(self, driver: WireDriver, source: str) -> None:
        self._driver = driver
        self._source = source
        self._origins: dict[Origin, Origin] = {}
        self.atlas = driver.atlas
        self.now_ns, self.wall_s, self.permitted = driver.now_ns, driver.wall_s, driver.permitted

    def __repr__(self) -> str:
        return f"<Side {self._source} of {self._driver!r}>"

    def ask(
        self,
        owner: object | None,
        place: Place,
        method: str,
        headers: Headers,
        body: bytes | None,
        mark: Mark,
        deadline_ns: int,
        listener: Listener,
    ) -> Asked:
        """One request and its whole reply; see Asker.ask."""
        origin = self._origins.get(place.origin)
        if origin is None:
            origin = self._origins[place.origin] = msgspec.structs.replace(place.origin, source=self._source)
        there = Place(origin, place.path, place.text)
        return self._driver.ask(owner, there, method, headers, body, mark, deadline_ns, listener)

    def left(self, owner: object) -> None:
        """See Asker.left."""
        self._driver.left(owner)

    async def pushing(self) -> AiohttpDriver:
        """See Asker.pushing."""
        return await self._driver.pushing(self._source)


class Dialling:
    """A request that waits for a connection of its own."""

    __slots__ = ("_connection", "_listener", "_mark", "_task")

    def __init__(
        self,
        driver: WireDriver,
        owner: object | None,
        origin: Origin,
        request: RequestBytes,
        mark: Mark,
        deadline_ns: int,
        listener: Listener,
    ) -> None:
        self._listener = listener
        self._mark = mark
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = asyncio.create_task(
            self._dial(driver, owner, origin, request, deadline_ns)
        )

    @classmethod
    def in_vain(cls, listener: Listener, mark: Mark, error: Exception) -> Dialling:
        """One that is over before it began; the listener hears why, later."""
        made = cls.__new__(cls)
        made._listener, made._mark, made._connection, made._task = listener, mark, None, None
        asyncio.get_running_loop().call_soon(listener.broke, broken(error, mark), say(error))
        return made

    def quit(self, listener: Listener) -> None:
        """See Asked.quit."""
        if self._connection is not None:
            self._connection.quit(listener)
        elif self._task is not None and self._task.cancel():
            self._task = None
            listener.broke("quit", "")

    async def _dial(
        self, driver: WireDriver, owner: object | None, origin: Origin, request: RequestBytes, deadline_ns: int
    ) -> None:
        mark, listener = self._mark, self._listener
        try:
            async with asyncio.timeout(max(deadline_ns - driver.now_ns(), 0) / 1e9):
                connection = await driver.dial(owner, origin)
            connection.ask(request, mark, deadline_ns, listener)
        except FATES as error:
            self._task = None
            listener.broke(broken(error, mark), say(error))
        except asyncio.CancelledError:
            if self._task is not None:  # nobody of ours quit: the driver closes
                self._task = None
                listener.broke("quit", "")
            raise
        except Exception as error:  # noqa: BLE001 - whoever waits is told, and says what it means
            self._task = None
            mark.failure = error
            listener.broke("not-sent" if mark.sent_ns is None else "invalid", type(error).__name__)
        else:
            self._task, self._connection = None, connection
