"""What each driver makes of servers that nobody would write on purpose, and that every on-sale meets."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Sequence

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from surgectl.journey.messages import Reply, Wire
from tests.engine.conftest import CLOCK, DRIVERS, Subject
from tests.engine.rawserver import RawServer, Visit

PATIENCE_NS = 1_000_000_000
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = (
    b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b \r\n\r\n"
    b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n"
)


def get(url: str, **more: object) -> Wire:
    return Wire(method="GET", url=url, **{"timeout_ns": PATIENCE_NS, **more})  # type: ignore[arg-type]


def post(url: str, body: bytes = b"x=1", **more: object) -> Wire:
    return Wire(method="POST", url=url, body=body, **{"timeout_ns": PATIENCE_NS, **more})  # type: ignore[arg-type]


async def send(driver: Subject, wire: Wire) -> Reply:
    return await driver.session().send(wire, driver.now_ns())


def not_aiohttp(why: str) -> pytest.MarkDecorator:
    """What the wire driver alone gets right; strict, so that an aiohttp that learns it is noticed."""
    weaker = pytest.param("aiohttp", marks=pytest.mark.xfail(strict=True, reason=f"aiohttp {why}"))
    return pytest.mark.parametrize("make_driver", [weaker, "wire"], indirect=True)


class Says:
    """Reads one request, says each piece alone, and then closes, resets or waits."""

    def __init__(self, pieces: Sequence[bytes], then: str = "wait") -> None:
        self.pieces = pieces
        self.then = then

    async def __call__(self, visit: Visit) -> None:
        await visit.request()
        for number, piece in enumerate(self.pieces):
            if number:
                await asyncio.sleep(0.0005)
            await visit.say(piece)
        if self.then == "wait":
            await asyncio.Event().wait()
        await asyncio.sleep(0.002)  # else the reset overtakes the words
        visit.reset() if self.then == "reset" else visit.close()


async def hears(driver: Subject, *pieces: bytes, then: str = "wait", wire: Wire | None = None) -> Reply:
    async with RawServer(Says(pieces, then)) as server:
        reply = await send(driver, get(server.url) if wire is None else wire)
        assert len(server.requests) == 1
    return reply


async def test_split_at_every_byte(driver: Subject) -> None:
    """Wherever a reply is cut in two, and also where each byte comes alone, it is the same reply."""
    at = 1

    async def cuts(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.say(CHUNKED[:at])
            await asyncio.sleep(0.0005)
            await visit.say(CHUNKED[at:])

    async with RawServer(cuts) as server:
        for at in range(1, len(CHUNKED)):  # noqa: B007 - the server reads it
            reply = await send(driver, get(server.url))
            assert (reply.broken, reply.status, reply.body) == (None, 200, b"abcde"), f"cut at {at}"
            assert reply.headers == (("Transfer-Encoding", "chunked"), ("X-A", "b"))
    reply = await hears(driver, *(CHUNKED[at : at + 1] for at in range(len(CHUNKED))))
    assert (reply.broken, reply.body) == (None, b"abcde")


PHASES = {
    "before": b"",
    "status": b"HTTP/1.",
    "reason": b"HTTP/1.1 200 O",
    "header": b"HTTP/1.1 200 OK\r\nContent-Le",
    "head": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234",
    "chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123",
    "last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\n",
}


@pytest.mark.parametrize("then", ["close", "reset"])
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_end_in_each_phase(driver: Subject, phase: str, then: str, method: str) -> None:
    """A connection that ends within a reply, kindly or not, is cut: sent once, and never a success."""
    said = PHASES[phase]
    async with RawServer(Says((said,) if said else (), then)) as server:
        reply = await send(driver, Wire(method=method, url=server.url, timeout_ns=PATIENCE_NS))
        assert len(server.requests) == server.connections == 1
    assert (reply.broken, reply.status, reply.body) == ("cut", 0, b"") and reply.sent_ns is not None


async def test_body_until_the_end(driver: Subject) -> None:
    """Without any length the body goes to the end of the connection."""
    reply = await hears(driver, b"HTTP/1.1 200 OK\r\nX: y\r\n\r\nabc", b"def", then="close")
    assert (reply.broken, reply.body) == (None, b"abcdef")


@not_aiohttp("takes a reset for the end of a body without length")
async def test_a_reset_is_no_end_of_a_body(driver: Subject) -> None:
    """Without any length a reset cuts the body: nobody knows what was still to come."""
    assert (await hears(driver, b"HTTP/1.1 200 OK\r\nX: y\r\n\r\nabc", b"def", then="reset")).broken == "cut"


@pytest.mark.parametrize(
    "said",
    [
        b"\x00\x01\x02\x03",
        b"<html>hello</html>\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"Content-Length: 2\r\n\r\nok",
    ],
    ids=lambda said: said[:60].decode("latin-1").encode("unicode_escape").decode(),
)
async def test_garbage(driver: Subject, said: bytes) -> None:
    """What is not HTTP, or over a limit, is invalid: it was sent, and nothing is concluded."""
    reply = await hears(driver, said)
    assert (reply.broken, reply.status) == ("invalid", 0) and reply.sent_ns is not None


async def test_large_headers_within_the_limit(driver: Subject) -> None:
    """Cookies of a grown shop are no reason to fail."""
    reply = await hears(driver, b"HTTP/1.1 200 OK\r\nX: " + b"y" * 30_000 + b"\r\nContent-Length: 2\r\n\r\nok")
    assert reply.body == b"ok" and len(dict(reply.headers)["X"]) == 30_000


async def test_headers_without_end(driver: Subject) -> None:
    """A head that never ends is given up, at the latest when patience ends."""
    endless = (b"HTTP/1.1 200 OK\r\n", *(b"X-%d: " % n + b"y" * 8_000 for n in range(60)))
    assert (await hears(driver, *endless)).broken in ("invalid", "timeout")


async def test_interim_replies(driver: Subject) -> None:
    """1xx are not the reply, however many come; their headers are not its headers."""
    reply = await hears(driver, b"HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\n" * 3, b"HTTP/1.1 102 Processing\r\n\r\n" + OK)
    assert (reply.status, reply.body, reply.headers) == (200, b"ok", (("Content-Length", "2"),))


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_replies_without_a_body(driver: Subject, status: str) -> None:
    """204 and 304 have no body, also where they name its length; the connection carries on."""

    async def brief(visit: Visit) -> None:
        for _ in range(2):
            await visit.request()
            length = "Content-Length: 5\r\n" if status.startswith("304") else ""
            await visit.say(f"HTTP/1.1 {status}\r\n{length}\r\n".encode())
        await asyncio.Event().wait()

    async with RawServer(brief) as server:
        for _ in range(2):
            reply = await send(driver, get(server.url))
            assert (reply.broken, reply.status, reply.body) == (None, int(status[:3]), b"")
        assert server.connections == 1


async def test_head(driver: Subject) -> None:
    """HEAD has a length and no body; what follows on the connection is the next reply."""

    async def heads(visit: Visit) -> None:
        await visit.request()
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
        await visit.request()
        await visit.say(OK)
        await asyncio.Event().wait()

    async with RawServer(heads) as server:
        reply = await send(driver, Wire(method="HEAD", url=server.url, timeout_ns=PATIENCE_NS))
        assert (reply.broken, reply.status, reply.body) == (None, 200, b"")
        assert (await send(driver, get(server.url))).body == b"ok"
        assert server.connections == 1


@pytest.mark.parametrize("how", ["Connection: close\r\n", "HTTP/1.0"])
async def test_connection_close(driver: Subject, how: str) -> None:
    """A server that closes after each reply gets a new connection for each request, and no request twice."""

    async def closes(visit: Visit) -> None:
        await visit.request()
        version, header = ("1.0", "") if how == "HTTP/1.0" else ("1.1", how)
        await visit.say(f"HTTP/{version} 200 OK\r\nContent-Length: 2\r\n{header}\r\nok".encode())
        visit.close()

    async with RawServer(closes) as server:
        for _ in range(3):
            assert (await send(driver, post(server.url))).body == b"ok"
        assert server.connections == len(server.requests) == 3


@pytest.mark.parametrize("make", [get, post])
@pytest.mark.parametrize("then", ["close", "reset"])
async def test_idle_connection_ends_between_two_requests(driver: Subject, make: object, then: str) -> None:
    """An idle connection whose end we saw is not used again: the next request goes out on another, once."""

    async def one_each(visit: Visit) -> None:
        await visit.request()
        await visit.reply()
        visit.reset() if then == "reset" else visit.close()

    async with RawServer(one_each) as server:
        for _ in range(3):
            assert (await send(driver, make(server.url))).broken is None  # type: ignore[operator]
            await asyncio.sleep(0.01)
        assert server.connections == len(server.requests) == 3


@pytest.mark.parametrize("more", [OK, b"HTTP/1.1 204 No Content\r\n\r\n"])
async def test_two_replies_at_once(driver: Subject, more: bytes) -> None:
    """A second reply that nobody asked for is never taken for the answer to the next request."""
    await says_more(driver, more)


@not_aiohttp("gives up, or waits in vain, where a whole reply is followed by a piece of nothing")
@pytest.mark.parametrize("more", [b"HT", b"\x00"])
async def test_a_whole_reply_and_some_more(driver: Subject, more: bytes) -> None:
    """A whole reply is a reply, whatever follows it; but its connection is used no more."""
    await says_more(driver, more)


async def says_more(driver: Subject, more: bytes) -> None:
    """Three requests to a shop that says `more` after each reply, in the same breath."""

    async def chatty(visit: Visit) -> None:
        await visit.request()
        number = visit.server.connections
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number + more)
        await asyncio.Event().wait()

    async with RawServer(chatty) as server:
        assert [(await send(driver, get(server.url))).body for _ in range(3)] == [b"1", b"2", b"3"]


@not_aiohttp("takes words from an idle connection for the answer to the next request")
async def test_an_idle_connection_that_speaks(driver: Subject) -> None:
    """Words on an idle connection are nobody's: the next request goes elsewhere."""

    async def mutters(visit: Visit) -> None:
        await visit.request()
        await visit.reply(b"%d" % visit.server.connections)
        await asyncio.sleep(0.005)
        await visit.say(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        await asyncio.Event().wait()

    async with RawServer(mutters) as server:
        assert (await send(driver, get(server.url))).body == b"1"
        await asyncio.sleep(0.02)
        assert (await send(driver, get(server.url))).body == b"2"


async def test_late_reply_is_not_the_next_ones(driver: Subject) -> None:
    """The reply to a request that timed out, or whose fan quit, never reaches another fan."""
    go = asyncio.Event()

    async def slow(visit: Visit) -> None:
        number = visit.server.connections
        await visit.request()
        if number <= 2:
            await go.wait()
        await visit.reply(b"%d" % number)
        await asyncio.Event().wait()

    async with RawServer(slow) as server:
        assert (await send(driver, get(server.url, timeout_ns=50_000_000))).broken == "timeout"
        task = asyncio.create_task(send(driver, get(server.url)))
        while len(server.requests) < 2:
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        go.set()
        await asyncio.sleep(0.01)
        assert (await send(driver, get(server.url))).body == b"3"


async def test_trickled_head(driver: Subject) -> None:
    """A head that trickles past the patience is a timeout."""

    async def trickle(visit: Visit) -> None:
        await visit.request()
        for byte in OK * 100:
            await visit.say(bytes((byte,)))
            await asyncio.sleep(0.02)

    async with RawServer(trickle) as server:
        assert (await send(driver, get(server.url, timeout_ns=150_000_000))).broken == "timeout"


async def test_a_large_body_against_a_slow_reader(driver: Subject) -> None:
    """A body larger than every buffer arrives whole, at the speed of its reader."""
    body = bytes(range(256)) * 16_000

    async def slow(visit: Visit) -> None:
        await asyncio.sleep(0.05)
        await visit.request()
        await visit.reply()

    async with RawServer(slow) as server:
        reply = await send(driver, post(server.url, body, timeout_ns=5_000_000_000))
        assert reply.broken is None and server.requests[0].endswith(b"\r\n\r\n" + body)


async def test_answer_before_the_whole_question(driver: Subject) -> None:
    """A refusal in the middle of an upload is a reply; the rest of it never becomes part of the next request."""

    async def too_large(visit: Visit) -> None:
        if visit.server.connections > 1:
            await visit.request()
            await visit.reply(b"next")
            return
        await visit.reader.readuntil(b"\r\n\r\n")
        await visit.reply(b"too large", "413 Content Too Large")
        await asyncio.sleep(0.3)

    async with RawServer(too_large) as server:
        reply = await send(driver, post(server.url, b"x" * 7_000_000))
        assert (reply.broken, reply.status, reply.body) == (None, 413, b"too large")
        assert (await send(driver, get(server.url))).body == b"next"


async def test_expect_continue(driver: Subject) -> None:
    """Where the target asks first, the body leaves only once the shop wants it."""
    early: list[bytes] = []

    async def asks(visit: Visit) -> None:
        while True:
            head = await visit.reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.02)
            early.append(bytes(visit.reader._buffer))  # type: ignore[attr-defined]
            if b"/no" in head:
                await visit.reply(b"", "417 Expectation Failed")
                continue
            await visit.say(b"HTTP/1.1 100 Continue\r\n\r\n")
            await visit.reply(await visit.reader.readexactly(3))

    async with RawServer(asks) as server:
        headers = (("Expect", "100-continue"),)
        assert (await send(driver, post(server.url, b"x=1", headers=headers))).body == b"x=1"
        assert (await send(driver, post(server.url + "/no", b"x=1", headers=headers))).status == 417
    assert early == [b"", b""]


@pytest.mark.parametrize("pack", ["gzip", "zlib", "raw"])
async def test_packed_bodies(driver: Subject, pack: str) -> None:
    """gzip and both kinds of deflate are unpacked, in whatever pieces they come."""
    raw = zlib.compressobj(wbits=-15)
    packed = {"gzip": gzip.compress(b"hello"), "zlib": zlib.compress(b"hello"), "raw": raw.compress(b"hello")}[pack]
    packed += raw.flush() if pack == "raw" else b""
    name = "gzip" if pack == "gzip" else "deflate"
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {name}\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    assert (await hears(driver, head, packed[:3], packed[3:])).body == b"hello"


@not_aiohttp("takes a packed body that ends early for a whole one")
async def test_packed_body_that_ends_early(driver: Subject) -> None:
    """gzip that lacks its end is a body that lacks its end, whatever its length was said to be."""
    packed = gzip.compress(b"hello")[:-9]
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
    ended = await hears(driver, head + b"\r\n" + packed, then="close")
    counted = await hears(driver, head + b"Content-Length: %d\r\n\r\n" % len(packed) + packed)
    assert ended.broken == counted.broken == "invalid"


WIRES = [
    Wire(method="GET", url="/"),
    Wire(method="get", url="/a/../b?c=d e&f=%20+g#h"),
    Wire(method="POST", url="/ü", body=b"x"),
    Wire(method="POST", url=""),
    Wire(method="POST", url="/?", body=b""),
    Wire(method="DELETE", url="/a"),
    Wire(method="PUT", url="/a", body=b"{}", headers=(("content-type", "application/json"), ("X-E", "é"))),
    Wire(method="GET", url="/a", headers=(("accept", "text/html"), ("X-A", "1"), ("X-A", "2"), ("Host", "shop"))),
    Wire(method="GET", url="/a", headers=(("User-Agent", "me"), ("Accept-Encoding", "identity"))),
    Wire(method="PATCH", url="/a", body=b"abc", headers=(("Content-Length", "3"),)),
    Wire(method="GET", url="/a", headers=(("X-A", "1\n2"),)),
]


@pytest.mark.parametrize("wire", WIRES, ids=range(len(WIRES)))
async def test_the_same_bytes_leave(wire: Wire) -> None:
    """Both drivers send the same request: the same line, the same headers in some order, the same body."""

    async def echo(visit: Visit) -> None:
        await visit.request()
        await visit.reply()

    async with RawServer(echo) as server:
        said = []
        for make in DRIVERS.values():
            async with make(CLOCK, CLOCK.now_ns()) as driver:
                before = len(server.requests)
                reply = await send(
                    driver,
                    Wire(method=wire.method, url=server.url + wire.url, headers=wire.headers, body=wire.body),
                )
            sent = server.requests[before:]
            heads = [request.partition(b"\r\n\r\n") for request in sent]
            lines = [(head.split(b"\r\n")[0], sorted(head.split(b"\r\n")[1:]), body) for head, _, body in heads]
            said.append((reply.broken, reply.url, lines))
    assert said[0] == said[1]


names = st.sampled_from(["X-A", "Set-Cookie", "ETag", "x-b"])
values = st.text('abc=;, \tÄ"', max_size=12)


@st.composite
def replies(draw: st.DrawFn) -> bytes:
    """A valid reply, in one of the shapes that HTTP allows."""
    status = draw(st.sampled_from([200, 201, 204, 302, 304, 404, 503]))
    body = draw(st.binary(max_size=60))
    lines = [f"{name}: {value}" for name, value in draw(st.lists(st.tuples(names, values), max_size=4))]
    shape = draw(st.sampled_from(["length", "chunked", "end"]))
    if shape != "end" and draw(st.booleans()):  # test_packed_body_that_ends_early: there the two differ
        body = gzip.compress(body, mtime=0)
        lines.append("Content-Encoding: gzip")
    if status in (204, 304):
        shape, body = "none", b""
    if shape == "length":
        lines.append(f"Content-Length: {len(body)}")
    if shape == "chunked":
        lines.append("Transfer-Encoding: chunked")
        size = draw(st.integers(1, 20))
        chunks = [body[at : at + size] for at in range(0, len(body), size)]
        body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    interim = b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" * draw(st.integers(0, 2))
    head = "\r\n".join([f"HTTP/1.1 {status} R", *lines, "", ""])
    return interim + head.encode() + body


@settings(max_examples=60, deadline=None)
@given(reply=replies(), data=st.data())
def test_random_pieces(reply: bytes, data: st.DataObject) -> None:
    """However a valid reply is cut into pieces, and wherever it ends, both drivers say the same of it."""
    cuts = sorted(data.draw(st.sets(st.integers(1, len(reply)), max_size=5), "cuts"))
    until = data.draw(st.just(len(reply)) | st.integers(0, len(reply)), "until")
    pieces = [reply[a:b] for a, b in zip([0, *cuts], [*cuts, until], strict=True) if a < b and b <= until]

    async def both() -> list[object]:
        said: list[object] = []
        async with RawServer(Says(pieces, "close")) as server:
            for make in DRIVERS.values():
                async with make(CLOCK, CLOCK.now_ns()) as driver:
                    heard = await send(driver, get(server.url))
                said.append((heard.broken, heard.status, heard.headers, heard.body, heard.url, heard.cookies))
        return said

    one, other = uvloop.run(both())
    assert one == other
