"""Send a fan's request on a socket of our own, exactly once, and know whether a byte of it left.

HTTP/1.1 over asyncio.Protocol with llhttp: a tenth of what a general client costs, and nothing between us and the
socket that might send again. All fans share one pool of connections, as fans behind one carrier's NAT and a shop's
load balancer do; cookies are each fan's own. HTTP proxies are the aiohttp driver's business.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import Callable

import aiohappyeyeballs
from yarl import URL

from surgectl.clock import Clock
from surgectl.engine.drivers import redirect
from surgectl.engine.drivers.cookies import Jar, set_cookies
from surgectl.engine.drivers.driver import Mark
from surgectl.engine.drivers.limits import MOST_BODY_BYTES
from surgectl.engine.drivers.wire.connection import Connection
from surgectl.engine.drivers.wire.deadlines import Deadlines
from surgectl.engine.drivers.wire.fates import FATES, NotTaken, broken, say
from surgectl.engine.drivers.wire.origin import Atlas, Origin, Place, place
from surgectl.engine.drivers.wire.pool import Pool
from surgectl.engine.drivers.wire.reply import Heard
from surgectl.engine.drivers.wire.request_bytes import RequestBytes, request_bytes
from surgectl.engine.drivers.wire.resolver import Resolver
from surgectl.engine.drivers.wire.trust import Trust, tls_context
from surgectl.errors import SurgectlError
from surgectl.journey.messages import Reply, Wire

_NEXT_ADDRESS_S = 0.25
"""How long one address may stay silent before the next is tried beside it (RFC 8305)."""


class WireDriver:
    """`async with WireDriver(clock, start_ns) as driver: session = driver.session()`.

    `permits(host)` says which hosts may be sent to (see guard.py): a URL that a reply supplied, or a redirect, that
    leads elsewhere is not sent. None permits all. `tls` None: certificates are verified as the system does.
    """

    def __init__(
        self,
        clock: Clock,
        start_ns: int,
        *,
        permits: Callable[[str], bool] | None = None,
        most_body_bytes: int = MOST_BODY_BYTES,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.most_body_bytes = most_body_bytes
        self.atlas = Atlas()
        self.deadlines = Deadlines(self.now_ns)
        self._permits = permits
        self._permitted: dict[str, bool] = {}
        self._clock = clock
        self._start_ns = start_ns
        self._tls = tls
        self._pool = Pool(self.now_ns)
        self._resolver = Resolver()
        self._connections: set[Connection] = set()
        self._open = False

    def __repr__(self) -> str:
        return f"<WireDriver sockets={self.open_sockets}>"

    @property
    def open_sockets(self) -> int:
        """Connections open now."""
        return len(self._connections)

    def now_ns(self) -> int:
        """Nanoseconds since the run's start."""
        return self._clock.now_ns() - self._start_ns

    async def __aenter__(self) -> WireDriver:
        self._open = True
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._open = False
        self._pool.close()
        await self._resolver.close()
        for connection in list(self._connections):
            connection.abort()
        await asyncio.sleep(0)  # the loop closes sockets in its next turn
        self.deadlines.close()

    def session(self, *, cookies: bool = True) -> WireSession:
        """A new, empty session. Does no I/O."""
        return WireSession(self, cookies=cookies)

    def permitted(self, host: str) -> bool:
        """May this host be sent to?"""
        if self._permits is None:
            return True
        said = self._permitted.get(host)
        if said is None:
            said = self._permitted[host] = self._permits(host)
        return said

    async def ask(self, origin: Origin, request: RequestBytes, mark: Mark, deadline_ns: int) -> Heard:
        """One request and its whole reply. Raises what fates.py names."""
        if not self._open:
            raise SurgectlError("the driver is not open")
        if self.now_ns() >= deadline_ns:
            raise TimeoutError  # on a later hop of redirects
        # Not one byte was written to a connection that says NotTaken, so that another may be tried.
        while (connection := self._pool.take(origin)) is not None:
            try:
                return await connection.ask(request, mark, deadline_ns)
            except NotTaken:
                continue
        left_ns = deadline_ns - self.now_ns()
        async with asyncio.timeout(max(left_ns, 0) / 1e9):
            connection = await self._dial(origin)
        return await connection.ask(request, mark, deadline_ns)

    async def _dial(self, origin: Origin) -> Connection:
        """A new connection. OSError where nobody answers, ssl.SSLError where nobody is to be believed."""
        loop = asyncio.get_running_loop()
        make = functools.partial(Connection, origin, self, self.most_body_bytes)
        if origin.tls and self._tls is None:
            self._tls = tls_context(Trust())
        tls = self._tls if origin.tls else None
        named = origin.host if origin.tls else None
        found = await self._resolver.addresses(origin.host, origin.port)
        if len(found) == 1:
            host, port = found[0][4][:2]
            _, connection = await loop.create_connection(make, str(host), int(port), ssl=tls, server_hostname=named)
            return connection
        sock = await aiohappyeyeballs.start_connection(found, happy_eyeballs_delay=_NEXT_ADDRESS_S, interleave=1)
        try:
            _, connection = await loop.create_connection(make, sock=sock, ssl=tls, server_hostname=named)
        except BaseException:
            sock.close()
            raise
        return connection

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


class WireSession:
    """One fan's browser: its cookies over the shared pool of connections."""

    __slots__ = ("_cookies", "_driver", "_jar")

    def __init__(self, driver: WireDriver, *, cookies: bool) -> None:
        self._driver = driver
        self._cookies = cookies
        self._jar: Jar | None = None

    async def close(self) -> None:
        """Forget the cookies. Idle connections stay in the shared pool."""
        self._jar = None

    async def send(self, wire: Wire, due_ns: int, mark: Mark | None = None) -> Reply:
        """Send once and only once; see Session.send."""
        driver = self._driver
        mark = Mark() if mark is None else mark
        deadline_ns = max(due_ns, driver.now_ns()) + wire.timeout_ns
        try:
            return await self._follow(wire, mark, deadline_ns)
        except FATES as error:
            return Reply(broken=broken(error, mark), sent_ns=mark.sent_ns, done_ns=driver.now_ns(), detail=say(error))

    async def _follow(self, wire: Wire, mark: Mark, deadline_ns: int) -> Reply:
        """The request, and those that its redirects ask for."""
        driver = self._driver
        where = driver.atlas.find(wire.url)
        method, headers, body = wire.method, wire.headers, wire.body
        hop: redirect.Hop | None = None
        for _ in range(redirect.MOST_HOPS + 1):
            if not driver.permitted(where.origin.named):
                return redirect.astray(where.origin.named, mark.sent_ns, driver.now_ns())
            reply = await self._hop(wire, where, method, headers, body, mark, deadline_ns)
            location = redirect.location(reply.status, reply.headers)
            if not location or not redirect.wanted(wire.follow, location):
                return reply
            hop = hop or redirect.Hop(method=method, url=URL(wire.url), headers=headers, body=body)
            hop = redirect.next_hop(hop, reply.status, location)
            if hop is None:
                return reply
            where, method, headers, body = place(hop.url), hop.method, hop.headers, hop.body
        return redirect.endless(mark.sent_ns, driver.now_ns())

    async def _hop(
        self,
        wire: Wire,
        where: Place,
        method: str,
        headers: redirect.Headers,
        body: bytes | None,
        mark: Mark,
        deadline_ns: int,
    ) -> Reply:
        """One request and its whole reply."""
        jar = self._jar if self._cookies and wire.cookies else None
        if jar is not None:
            headers = jar.onto(headers, URL(where.text))
        mark.sends = 1
        heard = await self._driver.ask(where.origin, request_bytes(method, where, headers, body), mark, deadline_ns)
        if self._cookies and wire.cookies and (said := set_cookies(heard.headers)):
            jar = self._jar = self._jar or Jar()
            jar.fill(said, URL(where.text))
        return Reply(
            status=heard.status,
            headers=heard.headers,
            body=heard.body,
            url=where.text,
            cookies=jar.values(URL(where.text)) if jar is not None else {},
            sent_ns=mark.sent_ns,
            done_ns=heard.done_ns,
        )
