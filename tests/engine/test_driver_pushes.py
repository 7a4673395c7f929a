"""Connections on which the shop speaks by itself: the same on each driver, against real sockets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from surgectl.engine.drivers.driver import Mark
from surgectl.engine.drivers.waiting import heard
from surgectl.journey.messages import QUIET, Push, Reply, Wire, is_message, said_retry_ns
from tests.engine.conftest import CLOCK, Make, Subject
from tests.engine.rawserver import RawServer, Visit
from tests.toxiproxy_binary import free_port

SSE, WS = Push(kind="sse"), Push(kind="ws")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n"


def at(server: RawServer, ms: int = 5000, **more: object) -> Wire:
    return Wire(method="GET", url=server.url + "/events", timeout_ns=ms * 1_000_000, **more)  # type: ignore[arg-type]


async def listen(driver: Subject, wire: Wire, times: int, push: Push = SSE) -> list[Reply]:
    ear = driver.session().ear()
    try:
        return [await heard(ear, wire, push, 0) for _ in range(times)]
    finally:
        ear.close()


def said(replies: list[Reply]) -> list[str]:
    """Messages by name and data, everything else by how it broke, or by its status."""
    return [
        f"{reply.headers[0][1]}={reply.body.decode()}" if is_message(reply) else reply.broken or str(reply.status)
        for reply in replies
    ]


async def stays(visit: Visit) -> None:
    await visit.reader.read()


async def test_messages_come_one_by_one_on_one_connection(driver: Subject) -> None:
    """Each wait is answered by one message, in order, and nothing is asked twice."""

    async def speak(visit: Visit) -> None:
        await visit.request()
        await visit.say(HEAD + b": hello\n\ndata: 1\n\nevent: turn\ndata: 2\n")
        await asyncio.sleep(0.02)
        await visit.say(b"\ndata: 3\n\n")
        await stays(visit)

    async with RawServer(speak) as server:
        replies = await listen(driver, at(server), 3)
        assert len(server.requests) == 1
    assert said(replies) == ["message=1", "turn=2", "message=3"]
    assert b"Accept: text/event-stream" in server.requests[0]
    for reply in replies:
        assert reply.sent_ns is not None and reply.sent_ns <= reply.done_ns


async def test_after_the_end_it_says_what_it_heard_last(driver: Subject) -> None:
    """A stream that ends says how long to wait; the next connection carries Last-Event-ID."""

    async def speak(visit: Visit) -> None:
        await visit.request()
        number = len(visit.server.requests)
        await visit.say(HEAD + b"retry: 40\nid: n%d\ndata: %d\n\n" % (number, number))
        visit.close()

    async with RawServer(speak) as server:
        replies = await listen(driver, at(server), 4)
    assert said(replies) == ["message=1", "cut", "message=2", "cut"]
    assert said_retry_ns(replies[1]) == 40_000_000
    assert b"Last-Event-ID" not in server.requests[0] and b"Last-Event-ID: n1\r\n" in server.requests[1]


async def test_events_that_the_page_does_not_listen_to(driver: Subject) -> None:
    """Only the named events are messages."""

    async def speak(visit: Visit) -> None:
        await visit.request()
        await visit.say(HEAD + b"event: ad\ndata: 1\n\nevent: turn\ndata: 2\n\n")
        await stays(visit)

    async with RawServer(speak) as server:
        assert said(await listen(driver, at(server), 1, Push(kind="sse", events=frozenset({"turn"})))) == ["turn=2"]


async def test_refusals(driver: Subject) -> None:
    """No listener: not sent. Another status, or no event stream: the whole reply, for the rules to judge."""
    assert said(await listen(driver, Wire(method="GET", url=f"http://127.0.0.1:{free_port()}/"), 1)) == ["not-sent"]

    async def refuse(visit: Visit) -> None:
        await visit.request()
        status = "200 OK" if len(visit.server.requests) > 1 else "410 Gone"
        await visit.reply(b'{"code":"SOLD_OUT"}', status, "Content-Type: application/json\r\n")

    async with RawServer(refuse) as server:
        first, second = await listen(driver, at(server), 2)
    assert (first.broken, first.status, first.body) == (None, 410, b'{"code":"SOLD_OUT"}')
    assert (second.broken, second.status) == (None, 200) and not is_message(second)
    for reply in (first, second):
        assert reply.sent_ns is not None


async def test_redirects_are_followed_and_permits_asked(make_driver: Make) -> None:
    """An event stream may be elsewhere, where we may go; where we may not, nothing is sent."""

    async def move(visit: Visit) -> None:
        await visit.request()
        if len(visit.server.requests) == 1:
            await visit.reply(b"", "302 Found", "Location: /there\r\n")
        else:
            await visit.say(HEAD + b"data: x\n\n")
            await stays(visit)

    async with RawServer(move) as server, make_driver(CLOCK, CLOCK.now_ns()) as driver:
        assert said(await listen(driver, at(server), 1)) == ["message=x"]
        assert server.requests[1].startswith(b"GET /there ")
    async with RawServer(move) as server, make_driver(CLOCK, CLOCK.now_ns(), permits=lambda host: False) as driver:
        assert said(await listen(driver, at(server), 1)) == ["not-sent"] and not server.requests


async def test_silence(driver: Subject) -> None:
    """Nothing in time on an open stream is silence; a shop that does not even answer is a time-out."""

    async def mute(visit: Visit) -> None:
        await visit.request()
        await visit.say(HEAD if len(visit.server.requests) == 1 else b"HTTP/1.1 200")
        await stays(visit)

    async with RawServer(mute) as server:
        (quiet,) = await listen(driver, at(server, 150), 1)
        assert (quiet.broken, quiet.detail) == ("timeout", QUIET)
        (slow,) = await listen(driver, at(server), 1, Push(kind="sse", open_ns=100_000_000))
        assert slow.broken == "timeout" and slow.detail != QUIET


async def test_a_fan_who_quits_closes_the_connection(driver: Subject) -> None:
    """Quitting is told at once, and the shop sees the connection go; what is open is counted."""
    gone = asyncio.Event()

    async def speak(visit: Visit) -> None:
        await visit.request()
        await visit.say(HEAD)
        await stays(visit)
        gone.set()

    async with RawServer(speak) as server:
        ear, told = driver.session().ear(), asyncio.get_running_loop().create_future()
        mark = Mark()
        under_way = ear.hear(at(server), SSE, 0, mark, told.set_result)
        async with asyncio.timeout(5):
            while not (server.requests and mark.sent_ns is not None):
                await asyncio.sleep(0.005)
        assert driver.open_sockets == 1
        under_way.quit()
        assert (await told).broken == "quit"
        await asyncio.wait_for(gone.wait(), 5)
        async with asyncio.timeout(5):
            while driver.open_sockets:
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def flooding(size: int, most: int) -> AsyncIterator[tuple[RawServer, list[int]]]:
    """A shop that says events of so many bytes, one after the other, up to `most` → it, and what it could write."""
    written = [0]

    async def flood(visit: Visit) -> None:
        await visit.request()
        await visit.say(HEAD)
        while written[0] < most:
            await visit.say(b"data: " + b"x" * size + b"\n\n")
            written[0] += size + 8

    async with RawServer(flood) as server:
        yield server, written


async def stuck(written: list[int], every_s: float) -> int:
    """What was written once no more is."""
    before = -1
    async with asyncio.timeout(10):
        while before != written[0]:
            before = written[0]
            await asyncio.sleep(every_s)
    return before


async def test_a_flood_waits_in_the_shops_own_socket(driver: Subject) -> None:
    """Whoever listens to nothing more is not sent everything: the queue is bounded."""
    async with flooding(1000, 30_000_000) as (server, written):
        ear = driver.session().ear()
        assert said([await heard(ear, at(server), SSE, 0)])[0].startswith("message=")
        assert await stuck(written, 0.1) < 30_000_000
        ear.close()


async def test_large_events_wait_in_the_shops_own_socket(driver: Subject) -> None:
    """Of events that nobody asked for yet a megabyte is kept, and one more."""
    async with flooding(999_992, 60_000_000) as (server, written):
        ear = driver.session().ear()
        assert len((await heard(ear, at(server), SSE, 0)).body) == 999_992
        assert await stuck(written, 0.2) < 20_000_000  # the rest is in the sockets' own buffers
        ear.close()


async def test_how_long_to_wait_is_remembered(driver: Subject) -> None:
    """What a stream said of it holds for the next connections of that page, also where nobody answers."""

    async def speak(visit: Visit) -> None:
        await visit.request()
        await visit.say(HEAD + b"retry: 40\n\n")
        visit.close()

    ear = driver.session().ear()
    async with RawServer(speak) as server:
        wire = at(server)
        assert said_retry_ns(await heard(ear, wire, SSE, 0)) == 40_000_000
    nobody = await heard(ear, wire, SSE, 0)
    assert (nobody.broken, said_retry_ns(nobody)) == ("not-sent", 40_000_000)


async def test_when_it_was_said(driver: Subject) -> None:
    """Between a message's two instants lies the one at which the shop said it, also where we were busy meanwhile."""
    spoken: list[int] = []

    async def speak(visit: Visit) -> None:
        await visit.request()
        await visit.say(HEAD)
        for n in range(12):
            spoken.append(driver.now_ns())
            await visit.say(b"data: %d\n\n" % n)
            if n % 4 < 2:
                time.sleep(0.03)  # nobody hears anything: the next one lies in the socket beside this one
            else:
                await asyncio.sleep(0.03)
        await stays(visit)

    async with RawServer(speak) as server:
        replies = await listen(driver, at(server), 12)
    for said_ns, reply in zip(spoken, replies, strict=True):
        assert reply.sent_ns is not None and reply.sent_ns <= said_ns <= reply.done_ns
    assert replies[4].sent_ns is not None and replies[4].sent_ns > spoken[0], (
        "each says more than that the page was open"
    )


async def test_cookies_travel(driver: Subject) -> None:
    """What the shop set before goes along, and what the stream sets stays."""

    async def street(visit: Visit) -> None:
        first = await visit.request()
        if b"/events" not in first:
            await visit.reply(headers="Set-Cookie: pass=1\r\n")
            await street(visit)
        else:
            await visit.say(HEAD.replace(b"\r\n\r\n", b"\r\nSet-Cookie: turn=2\r\n\r\ndata: ok\n\n"))
            await stays(visit)

    async with RawServer(street) as server:
        session = driver.session()
        await session.send(Wire(method="GET", url=server.url + "/"), 0)
        ear = session.ear()
        await heard(ear, at(server), SSE, 0)
        ear.close()
        await session.send(Wire(method="GET", url=server.url + "/"), 0)
    assert b"Cookie: pass=1\r\n" in server.requests[1]
    assert b"pass=1" in server.requests[2] and b"turn=2" in server.requests[2]


# -- WebSocket


def frame(data: bytes, opcode: int = 1, *, fin: bool = True) -> bytes:
    """One frame of a server (RFC 6455 §5.2): not masked."""
    size = bytes([len(data)]) if len(data) < 126 else b"\x7e" + struct.pack(">H", len(data))
    return bytes([(0x80 if fin else 0) | opcode]) + size + data


async def hears(visit: Visit) -> tuple[int, bytes]:
    """One frame of a client: masked, and short."""
    opcode, size = await visit.reader.readexactly(2)
    assert size & 0x80, "a client's frames are masked"
    mask = await visit.reader.readexactly(4)
    data = await visit.reader.readexactly(size & 0x7F)
    return opcode & 15, bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


def over_ws(talk: Callable[[Visit], Awaitable[None]], before: bytes = b"") -> Callable[[Visit], Awaitable[None]]:
    async def visited(visit: Visit) -> None:
        head = await visit.request()
        key = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
        accept = hashlib.sha1(key.split(b": ")[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        await visit.say(
            before + b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(accept) + b"\r\n\r\n"
        )
        await talk(visit)

    return visited


async def test_a_websocket_speaks(driver: Subject) -> None:
    """Our words go first; pings are answered, fragments put together, bytes taken as they are, a close is an end."""
    pongs: list[tuple[int, bytes]] = []

    async def talk(visit: Visit) -> None:
        assert await hears(visit) == (1, b'{"watch":"p1"}')
        await visit.say(frame(b'{"position":', fin=False) + frame(b"hey", 9) + frame(b"3}", 0))
        pongs.append(await hears(visit))
        await visit.say(frame(b"\x00\x01", 2) + frame(struct.pack(">H", 1001), 8))
        pongs.append(await hears(visit))

    async with RawServer(over_ws(talk)) as server:
        replies = await listen(driver, at(server, body=b'{"watch":"p1"}'), 3, WS)
        assert said(replies) == ['message={"position":3}', "message=\x00\x01", "cut"]
        assert "1001" in replies[2].detail
        assert pongs[0] == (10, b"hey") and pongs[1][0] == 8
    assert b"Origin: " + server.url.encode() + b"\r\n" in server.requests[0]


async def test_no_websocket_there(driver: Subject) -> None:
    """A handshake that is refused is a whole reply, for the rules to judge; no listener is not sent."""

    async def refuse(visit: Visit) -> None:
        await visit.request()
        await visit.say(b"HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 15\r\n\r\n")
        await asyncio.sleep(0.02)
        await visit.say(b'{"code":')
        await asyncio.sleep(0.02)
        await visit.say(b'"BUSY"}')
        await stays(visit)

    async with RawServer(refuse) as server:
        for push in (WS, SSE):
            (reply,) = await listen(driver, at(server), 1, push)
            assert (reply.broken, reply.status, reply.body) == (None, 503, b'{"code":"BUSY"}')
            assert ("Retry-After", "2") in reply.headers and not is_message(reply)
    nowhere = Wire(method="GET", url=f"http://127.0.0.1:{free_port()}/")
    assert said(await listen(driver, nowhere, 1, WS)) == ["not-sent"]


async def test_an_upgrade_is_not_redirected(driver: Subject) -> None:
    """As in browsers: the redirect is the reply, and nothing is sent where it leads."""

    async def move(visit: Visit) -> None:
        await visit.request()
        await visit.reply(b"", "302 Found", "Location: /there\r\n")

    async with RawServer(move) as server:
        assert said(await listen(driver, at(server), 1, WS)) == ["302"]
        assert len(server.requests) == 1


async def test_hints_before_the_answer(driver: Subject) -> None:
    """103 Early Hints come before either kind of answer, and mean nothing."""
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"

    async def stream(visit: Visit) -> None:
        await visit.request()
        await visit.say(hints + HEAD + b"data: x\n\n")
        await stays(visit)

    async def talk(visit: Visit) -> None:
        await visit.say(frame(b"x"))
        await stays(visit)

    for visited, push in ((stream, SSE), (over_ws(talk, hints), WS)):
        async with RawServer(visited) as server:
            assert said(await listen(driver, at(server), 1, push)) == ["message=x"]


async def test_who_is_no_websocket_says_so_in_vain(driver: Subject) -> None:
    """A 101 that does not answer our key, and a frame compressed though nobody offered it: no message."""

    async def wrong(visit: Visit) -> None:
        await visit.request()
        await visit.say(
            b"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"
        )
        await stays(visit)

    async def squeezed(visit: Visit) -> None:
        await visit.say(bytes([0xC1]) + frame(b"\xf2H\xcd\xc9\xc9\x07\x00")[1:])
        await stays(visit)

    for visited in (wrong, over_ws(squeezed)):
        async with RawServer(visited) as server:
            (reply,) = await listen(driver, at(server), 1, WS)
            assert reply.broken == "invalid" and b"sec-websocket-extensions" not in server.requests[0].lower()


async def test_a_garbled_frame(driver: Subject) -> None:
    """What is no WebSocket any more ends the connection, and nothing raises."""

    async def talk(visit: Visit) -> None:
        await visit.say(b"\xff\xff" + b"garbage" * 50)
        await stays(visit)

    async with RawServer(over_ws(talk)) as server:
        (reply,) = await listen(driver, at(server), 1, WS)
    assert reply.broken in ("cut", "invalid")
