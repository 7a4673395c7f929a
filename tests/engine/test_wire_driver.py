"""What is true of the wire driver alone: its own clockwork."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest
import uvloop
from yarl import URL

from surgectl.engine.drivers.driver import Mark
from surgectl.engine.drivers.place import Atlas, place
from surgectl.engine.drivers.wire import resolver
from surgectl.engine.drivers.wire.connection import Connection
from surgectl.engine.drivers.wire.deadlines import Deadlines
from surgectl.engine.drivers.wire.fates import Garbled, NotTaken
from surgectl.engine.drivers.wire.request_bytes import request_bytes
from surgectl.engine.drivers.wire.unpack import unpacked
from surgectl.engine.drivers.wire.wire_driver import WireDriver
from surgectl.journey.messages import Wire
from tests.engine.conftest import CLOCK
from tests.engine.rawserver import RawServer, Visit


async def echo(visit: Visit) -> None:
    while True:
        await visit.request()
        await visit.reply()


def get(url: str) -> Wire:
    return Wire(method="GET", url=url, timeout_ns=2_000_000_000)


@pytest.mark.parametrize("loop", [uvloop.new_event_loop, asyncio.new_event_loop])
def test_either_loop(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """It works the same on uvloop and on asyncio's own loop; the other cases here run on uvloop."""

    async def visit() -> list[object]:
        async with RawServer(echo) as server, WireDriver(CLOCK, CLOCK.now_ns()) as driver:
            said: list[object] = [(await driver.session().send(get(server.url), 0)).body for _ in range(3)]
            body = b"x" * 3_000_000
            wire = Wire(method="POST", url=server.url, body=body, timeout_ns=5_000_000_000)
            said.append((await driver.session().send(wire, 0)).status)
            assert server.requests[-1].endswith(body) and server.connections == 1
        while driver.open_sockets:
            await asyncio.sleep(0)
        return said

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(visit()) == [b"ok", b"ok", b"ok", 200]


async def test_the_loop_of_these_tests() -> None:
    """What is proven here is proven on the loop of a real run."""
    assert isinstance(asyncio.get_running_loop(), uvloop.Loop)


class Hears:
    """Who waits for a reply, and what came."""

    def __init__(self) -> None:
        self.said: list[object] = []

    def heard(self, status: int, headers: object, body: bytes, done_ns: int) -> None:
        self.said.append(status)

    def broke(self, why: str, detail: str) -> None:
        self.said.append(why)


async def test_a_fan_who_quits_as_the_connection_breaks() -> None:
    """A connection that breaks in the very moment in which the fan quits says one thing, once."""
    async with WireDriver(CLOCK, CLOCK.now_ns()) as driver:
        where, mark = driver.atlas.find("http://127.0.0.1:1/"), Mark()
        mark.sends = 1
        connection = Connection(where.origin, driver, 1000)
        connection.connection_made(Taking())  # type: ignore[arg-type]
        request = request_bytes("GET", where, (), None)
        for breaks_first in (True, False):
            hears = Hears()
            mark.sends = 1
            connection.ask(request, mark, driver.now_ns() + 10**9, hears)
            if breaks_first:
                connection.connection_lost(ConnectionResetError())
            connection.quit(hears)
            assert hears.said == ["cut" if breaks_first else "quit"] and mark.sent_ns is not None
            connection.connection_made(Taking())  # type: ignore[arg-type]
        driver.went(connection)


class Refusing:
    """A transport whose kernel refuses the first byte, as asyncio's selector loop shows it."""

    def __init__(self) -> None:
        self.closing = False
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.closing = True

    close = abort


class Taking(Refusing):
    """A transport that takes everything."""

    def write(self, data: bytes) -> None:
        self.written.append(bytes(data))


class Failing(Refusing):
    """A transport that takes the head and refuses the body."""

    def write(self, data: bytes) -> None:
        if self.written:
            self.closing = True
        else:
            self.written.append(data)


async def test_a_refused_byte_goes_elsewhere() -> None:
    """A request of which not one byte was written goes out on another connection, and nobody calls that a resend."""
    async with RawServer(echo) as server, WireDriver(CLOCK, CLOCK.now_ns()) as driver:
        origin = driver.atlas.find(server.url).origin
        stale = Connection(origin, driver, 1000)
        stale.connection_made(Refusing())  # type: ignore[arg-type]
        driver.rests(stale)
        reply = await driver.session().send(get(server.url), 0)
        assert reply.broken is None and reply.sent_ns is not None and len(server.requests) == 1
        driver.went(stale)


async def test_a_half_written_request_goes_nowhere() -> None:
    """Once its first byte was taken, a request that fails is in doubt: no other connection may try it."""
    async with WireDriver(CLOCK, CLOCK.now_ns()) as driver:
        where = driver.atlas.find("http://127.0.0.1:1/")
        for transport, fate in ((Refusing(), NotTaken), (Failing(), ConnectionResetError)):
            connection, mark = Connection(where.origin, driver, 1000), Mark()
            mark.sends = 1
            connection.connection_made(transport)  # type: ignore[arg-type]
            request = request_bytes("POST", where, (), b"x" * 200_000)
            hears = Hears()
            if fate is NotTaken:
                with pytest.raises(NotTaken):
                    connection.ask(request, mark, driver.now_ns() + 10**9, hears)
            else:
                connection.ask(request, mark, driver.now_ns() + 10**9, hears)
                connection.connection_lost(ConnectionResetError())
            assert hears.said == ([] if fate is NotTaken else ["cut"])
            assert (mark.sent_ns is None, mark.sends) == ((True, 1) if fate is NotTaken else (False, 0))
            driver.went(connection)


async def test_back_pressure() -> None:
    """While the kernel takes no more, no more is handed on."""

    class Slow(Refusing):
        def write(self, data: bytes) -> None:
            self.written.append(bytes(data))
            if len(self.written) == 3:
                connection.pause_writing()

    async with WireDriver(CLOCK, CLOCK.now_ns()) as driver:
        where, transport, mark = driver.atlas.find("http://127.0.0.1:1/"), Slow(), Mark()
        mark.sends = 1
        connection = Connection(where.origin, driver, 1000)
        connection.connection_made(transport)  # type: ignore[arg-type]
        request = request_bytes("POST", where, (), b"x" * 300_000)
        hears = Hears()
        connection.ask(request, mark, driver.now_ns() + 10**9, hears)
        assert len(transport.written) == 3
        connection.resume_writing()
        assert b"".join(transport.written) == request.head + request.body
        connection.data_received(b"HTTP/1.1 204 N\r\n\r\n")
        assert hears.said == [204]
        driver.went(connection)


async def test_names_are_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is asked for once a run, however many fans want it at once; a failure is asked again."""
    asked: list[str] = []
    look_up = resolver._look_up

    async def counted(host: str, port: int) -> Any:
        asked.append(host)
        if len(asked) == 1:
            raise OSError("no answer")
        return await look_up(host, port)

    monkeypatch.setattr(resolver, "_look_up", counted)
    async with RawServer(echo) as server, WireDriver(CLOCK, CLOCK.now_ns()) as driver:
        assert (await driver.session().send(get(server.url), 0)).broken == "not-sent"
        replies = await asyncio.gather(*(driver.session().send(get(server.url), 0) for _ in range(5)))
        assert all(reply.broken is None for reply in replies)
    assert asked == ["127.0.0.1"] * 2


async def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a name has several addresses, one that is dead costs nobody the request."""

    async def two(host: str, port: int) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ("127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(resolver, "_look_up", two)
    async with RawServer(echo) as server, WireDriver(CLOCK, CLOCK.now_ns()) as driver:
        reply = await driver.session().send(get(f"http://shop.test:{server.port}/"), 0)
        assert (reply.broken, reply.body) == (None, b"ok")


async def test_deadlines_are_never_early() -> None:
    """Patience ends when it is over, at most a tick later, and who was served in time is left alone."""
    now_ns = 0
    deadlines = Deadlines(lambda: now_ns)
    ended: dict[int, int] = {}

    class Waits:
        def __init__(self, until_ns: int) -> None:
            self.until_ns = until_ns

        def expire(self) -> None:
            ended[self.until_ns] = now_ns

    waiting = range(0, 60_000_000, 1_700_000)
    for until_ns in waiting:
        deadlines.add(until_ns, Waits(until_ns))
    served = Waits(-1)
    deadlines.remove(deadlines.add(30_000_000, served), served)
    for now_ns in range(0, 80_000_000, 500_000):  # noqa: B007 - the clock that they read
        deadlines._sweep()
    assert sorted(ended) == list(waiting)
    assert all(until <= at <= until + 10_500_000 for until, at in ended.items())
    deadlines.close()


async def test_the_sweep_rests_while_nobody_waits() -> None:
    """Its timer runs only while somebody waits, and wakes for the next who does."""
    deadlines = Deadlines(CLOCK.now_ns)
    over = asyncio.Event()

    class Waits:
        def expire(self) -> None:
            over.set()

    for _ in range(2):
        over.clear()
        deadlines.add(CLOCK.now_ns() + 1_000_000, Waits())
        await asyncio.wait_for(over.wait(), 5)
        assert deadlines._timer is None
        await asyncio.sleep(0.03)


async def test_idle_connections_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that nobody used for long is closed, by the pool's own look and by the next fan's."""
    from surgectl.engine.drivers.wire import pool, reply

    monkeypatch.setattr(reply, "_KEEPALIVE_NS", 20_000_000)
    monkeypatch.setattr(pool, "KEEPALIVE_S", 0.06)
    async with RawServer(echo) as server, WireDriver(CLOCK, CLOCK.now_ns()) as driver:
        await driver.session().send(get(server.url), 0)
        assert driver.open_sockets == 1
        await asyncio.sleep(0.1)
        assert driver.open_sockets == 0
        await driver.session().send(get(server.url), 0)
        assert server.connections == 2


async def test_a_shop_that_says_how_long_it_keeps_a_connection() -> None:
    """Keep-Alive: timeout=1 is obeyed with half a second to spare: the shop's own closing never meets a request."""

    async def brief(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.reply(headers="Keep-Alive: timeout=1, max=100\r\n")

    async with RawServer(brief) as server, WireDriver(CLOCK, CLOCK.now_ns()) as driver:
        session = driver.session()
        await session.send(get(server.url), 0)
        await session.send(get(server.url), 0)
        assert server.connections == 1
        await asyncio.sleep(0.6)
        await session.send(get(server.url), 0)
        assert server.connections == 2 and len(server.requests) == 3


async def test_fans_with_connections_of_their_own() -> None:
    """Where the target says so no connection is shared, and those of a fan who leaves are closed."""
    async with RawServer(echo) as server, WireDriver(CLOCK, CLOCK.now_ns(), own_connections=True) as driver:
        one, two = driver.session(), driver.session()
        for _ in range(3):
            await one.send(get(server.url), 0)
            await two.send(get(server.url), 0)
        assert server.connections == driver.open_sockets == 2
        one.close()
        while driver.open_sockets > 1:
            await asyncio.sleep(0.001)
        await two.send(get(server.url), 0)
        assert server.connections == 2


async def test_a_crowd_on_one_pool() -> None:
    """A thousand requests at once: each gets its own answer, and no connection carries two."""

    async def own(visit: Visit) -> None:
        while True:
            request = await visit.request()
            await visit.reply(request.split(b" ")[1])

    async with RawServer(own) as server, WireDriver(CLOCK, CLOCK.now_ns()) as driver:

        async def fan(number: int) -> None:
            for step in range(4):
                reply = await driver.session().send(get(f"{server.url}/{number}/{step}"), 0)
                assert reply.body == f"/{number}/{step}".encode()

        await asyncio.gather(*(fan(number) for number in range(100)))
        assert server.connections <= 100


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.test",
        "http://shop.test/",
        "http://Shop.Test:80/a",
        "https://shop.test:443/a?b=c",
        "http://127.0.0.1:8080/a/./b/../c",
        "http://[::1]:8080/a",
        "http://shop.test/ü?x=%20&y=a+b",
        "http://shop.test?a=1",
        "http://shop.test/?",
        "http://münchen.test/a",
    ],
)
def test_urls_are_read_alike(url: str) -> None:
    """The quick way of reading a URL and the general one say the same, again and again."""
    atlas = Atlas()
    assert atlas.find(url) == atlas.find(url) == place(URL(url))


def test_unpacking_has_its_limits() -> None:
    """What ends early, is no such thing, or swells beyond the limit is garbled; several members are one body."""
    import gzip

    packed = gzip.compress(b"hello")
    assert unpacked(packed + packed, "GZip", 100) == b"hellohello"
    for body, encoding in ((packed[:-9], "gzip"), (b"x", "deflate"), (gzip.compress(b"0" * 101), "gzip"), (b"x", "br")):
        with pytest.raises(Garbled):
            unpacked(body, encoding, 100)
