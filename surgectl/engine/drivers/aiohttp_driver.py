"""Send a fan's request over a real socket exactly once, and know whether a byte of it left.

aiohttp's ClientSession silently sends GET, HEAD, PUT and DELETE again when a kept-alive connection breaks: poison for
an audit. That is turned off here three times over: `_retry_connection`, a guard in the request itself that refuses to
be sent twice, and a test with a server that counts. Redirects are followed here, hop by hop, never by aiohttp.

All fans share one pool of connections, as fans behind one carrier's NAT and a shop's load balancer do; cookies are
each fan's own.
"""

from __future__ import annotations

import asyncio
import functools
import os
import ssl
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import ContentEncodingError
from yarl import URL

from surgectl import __version__
from surgectl.clock import Clock, since
from surgectl.engine.drivers.browser import Asked, Browser, Listener
from surgectl.engine.drivers.driver import Mark
from surgectl.engine.drivers.limits import KEEPALIVE_S, MOST_BODY_BYTES, MOST_HEADER_BYTES
from surgectl.engine.drivers.place import Atlas, Place
from surgectl.engine.drivers.redirect import Headers
from surgectl.errors import SurgectlError
from surgectl.journey.messages import Broken

current_mark: ContextVar[Mark] = ContextVar("surgectl_mark")

listening: ContextVar[bool] = ContextVar("surgectl_listening", default=False)
"""What is asked for is a connection on which the shop will speak."""


class _Resent(Exception):
    """aiohttp tried to send a request again: stopped before a byte of it left."""


class _TooLong(Exception):
    """The body is over the limit."""


class _WatchedTransport:
    """A transport that notes when the first byte of a request was handed on."""

    __slots__ = ("_handler", "_inner")

    def __init__(self, inner: asyncio.Transport, handler: _Handler) -> None:
        self._inner = inner
        self._handler = handler

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def write(self, data: Any) -> None:
        mark = self._handler.mark
        if mark is None or mark.sent_ns is not None:
            self._inner.write(data)
            return
        now_ns = self._handler.now_ns()
        self._inner.write(data)
        # asyncio tries the kernel at once and closes the transport where it refuses: then no byte left. uvloop writes
        # at the end of the tick: a refusal there still counts as sent, which is the safe side (info, not fail).
        if not self._inner.is_closing():
            mark.sent_ns = now_ns

    def writelines(self, chunks: Any) -> None:
        self.write(b"".join(chunks))


class _Handler(ResponseHandler):
    """aiohttp's client protocol with a watched transport; counted while it is open."""

    def __init__(self, loop: asyncio.AbstractEventLoop, driver: AiohttpDriver) -> None:
        super().__init__(loop)
        self.mark: Mark | None = None
        self.now_ns = driver.now_ns
        self._driver = driver

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._driver.open_sockets += 1
        super().connection_made(cast(asyncio.Transport, _WatchedTransport(cast(asyncio.Transport, transport), self)))

    def connection_lost(self, exc: BaseException | None) -> None:
        self._driver.open_sockets -= 1
        super().connection_lost(exc)


class _Request(aiohttp.ClientRequest):
    """A request that knows its mark and refuses to leave twice."""

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        mark = current_mark.get()
        mark.sends -= 1
        if mark.sends < 0:
            raise _Resent
        conn.protocol.mark = mark
        if listening.get():
            conn.protocol.force_close()  # after this, nobody's: a next one might meet its end
        return await super().send(conn)


class AiohttpDriver:
    """The driver over aiohttp: `async with AiohttpDriver(clock, start_ns) as driver: session = driver.session()`.

    `permits(host)` says which hosts may be sent to (see guard.py): a URL that a reply supplied, or a redirect, that
    leads elsewhere is not sent. None permits all. `tls` None: certificates are verified as the system does. `source`:
    the address of ours that all its connections come from.
    """

    def __init__(
        self,
        clock: Clock,
        start_ns: int,
        *,
        permits: Callable[[str], bool] | None = None,
        most_body_bytes: int = MOST_BODY_BYTES,
        tls: ssl.SSLContext | None = None,
        source: str = "",
    ) -> None:
        self.now_ns = since(clock, start_ns)
        """Nanoseconds since the run's start."""
        self.open_sockets = 0
        self.streams: set[asyncio.Task[None] | None] = set()
        """Those who listen on a connection of ours."""
        self.most_body_bytes = most_body_bytes
        self._permits = permits
        self.atlas = Atlas()
        self._clock = clock
        self._tls = tls
        self._source = source
        self._http: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"<AiohttpDriver sockets={self.open_sockets}>"

    async def __aenter__(self) -> AiohttpDriver:
        connector = aiohttp.TCPConnector(
            limit=0,
            limit_per_host=0,
            keepalive_timeout=KEEPALIVE_S,
            ttl_dns_cache=300,
            ssl=self._tls or True,
            local_addr=(self._source, 0) if self._source else None,
        )
        http = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None),
            headers={"User-Agent": f"surgectl/{__version__}"},
            request_class=_Request,
            trust_env=False,
            max_line_size=MOST_HEADER_BYTES,
            max_field_size=MOST_HEADER_BYTES,
        )
        if not hasattr(http, "_retry_connection") or not hasattr(connector, "_factory"):
            await http.close()
            raise SurgectlError(
                f"aiohttp {aiohttp.__version__} resends requests in a way that we do not know how to turn off",
                hint="install aiohttp 3.14, or a newer surgectl",
            )
        http._retry_connection = False
        factory = functools.partial(_Handler, driver=self, loop=asyncio.get_running_loop())
        connector._factory = cast("functools.partial[ResponseHandler]", factory)
        self._http = http
        return self

    async def __aexit__(self, *exc: object) -> None:
        listening = [task for task in self.streams if task is not None]
        for task in listening:
            task.cancel()
        if listening:
            await asyncio.wait(listening)
        if self._http is not None:
            await self._http.close()
            self._http = None

    @property
    def http(self) -> aiohttp.ClientSession:
        if self._http is None:
            raise SurgectlError("the driver is not open")
        return self._http

    def session(self, *, cookies: bool = True, fan: int = 0) -> Browser:
        """A new, empty session. Does no I/O."""
        return Browser(self, cookies=cookies)

    def wall_s(self) -> float:
        """Seconds since the epoch."""
        return self._clock.wall().timestamp()

    def permitted(self, host: str) -> bool:
        """May this host be sent to?"""
        return self._permits is None or self._permits(host)

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
        url = URL(place.text, encoded=True)
        return _Asking(self._ask(method, url, headers, body, mark, deadline_ns, listener), mark, listener)

    def left(self, owner: object) -> None:
        """All connections are everybody's."""

    async def pushing(self) -> AiohttpDriver:
        """Who opens the connections on which the shop speaks by itself."""
        return self

    async def _ask(
        self,
        method: str,
        url: URL,
        headers: Headers,
        body: bytes | None,
        mark: Mark,
        deadline_ns: int,
        listener: Listener,
    ) -> None:
        current_mark.set(mark)
        try:
            async with asyncio.timeout((deadline_ns - self.now_ns()) / 1e9):
                status, answer, packed = await _exchange(self, method, url, headers, body)
        except (aiohttp.ClientError, OSError, ValueError, _Resent, _TooLong) as error:
            # TimeoutError is an OSError. ValueError: a URL or a header that HTTP cannot carry.
            listener.broke(how_broken(error, mark), say(error))
            return
        if mark.sent_ns is None:
            # An answer before the question; or an aiohttp that hides its writes from us. What left is not known.
            mark.sent_ns = self.now_ns()
            listener.broke("invalid", "answered before it was asked")
            return
        listener.heard(status, answer, packed, self.now_ns())


class _Asking:
    """One request that aiohttp is at."""

    __slots__ = ("_task",)

    def __init__(self, asking: Coroutine[Any, Any, None], mark: Mark, listener: Listener) -> None:
        self._task = asyncio.create_task(asking)
        # Here and not in the task: one that is cancelled before its first step never runs.
        self._task.add_done_callback(functools.partial(_over, mark, listener))

    def quit(self, listener: Listener) -> None:
        """See Asked.quit. What had left is known once the task has ended."""
        self._task.cancel()


def _over(mark: Mark, listener: Listener, task: asyncio.Task[None]) -> None:
    """The task has ended: whoever waits is told also of what nobody foresaw, and says what it means."""
    if task.cancelled():
        listener.broke("quit", "")
    elif isinstance(error := task.exception(), Exception):
        mark.failure = error
        listener.broke("not-sent" if mark.sent_ns is None else "invalid", type(error).__name__)


async def _exchange(
    driver: AiohttpDriver, method: str, url: URL, headers: Headers, body: bytes | None
) -> tuple[int, Headers, bytes]:
    """Status, headers and body of the whole reply."""
    response = await driver.http.request(method, url, headers=headers, data=body, allow_redirects=False)
    try:
        content = await _read(response, driver.most_body_bytes)
    except BaseException:
        response.close()
        raise
    if current_mark.get().sent_ns is None:
        response.close()
    answer = tuple((name.decode("latin-1"), value.decode("utf-8", "replace")) for name, value in response.raw_headers)
    return response.status, answer, content


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The whole body, decompressed. _TooLong beyond `most` bytes."""
    pieces: list[bytes] = []
    size = 0
    while piece := await response.content.readany():
        size += len(piece)
        if size > most:
            raise _TooLong(f"a body of more than {most} bytes")
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def how_broken(error: Exception, mark: Mark) -> Broken:
    """What an error means, given whether a byte had left."""
    if mark.sent_ns is None:
        return "not-sent"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, _TooLong | aiohttp.ClientResponseError):
        return "invalid"
    if isinstance(error, aiohttp.ClientPayloadError):
        # aiohttp says the same of a body that ended early and of one that is garbled: the cause tells.
        return "invalid" if isinstance(error.__cause__, ContentEncodingError) else "cut"
    if isinstance(error, aiohttp.ClientError | OSError | _Resent):
        return "cut"
    return "invalid"


def say(error: Exception) -> str:
    """The error for the recording: its kind and the system's word. Never a URL, which may hold a secret."""
    if isinstance(error, _TooLong):
        return str(error)
    if isinstance(error, TimeoutError):
        return "timeout"
    words = [type(error).__name__]
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number > 0:
        words.append(os.strerror(number))
    if isinstance(error, aiohttp.ClientResponseError):
        words.append(error.message.split("\n")[0][:120])
    return ": ".join(words)
