"""What each driver says of every way in which a request can end: the same, against real sockets."""

from __future__ import annotations

import asyncio
import gzip
import socket

import pytest

from surgectl.engine.drivers.driver import Mark
from surgectl.engine.guard import Permit
from surgectl.journey.messages import Reply, Wire
from tests.engine.conftest import CLOCK, Make, Subject
from tests.engine.rawserver import RawServer, Visit, second_closes
from tests.toxiproxy_binary import free_port


def get(url: str, **more: object) -> Wire:
    return Wire(method="GET", url=url, **more)  # type: ignore[arg-type]


def post(url: str, body: bytes = b"x=1", **more: object) -> Wire:
    return Wire(method="POST", url=url, body=body, **more)  # type: ignore[arg-type]


async def once(driver: Subject, wire: Wire) -> Reply:
    return await driver.session().send(wire, 0)


async def echo(visit: Visit) -> None:
    while True:
        await visit.request()
        await visit.reply()


async def test_whole_reply(driver: Subject) -> None:
    """A whole reply comes with status, headers, body, and its instants in order."""
    async with RawServer(echo) as server:
        due = driver.now_ns()
        reply = await once(driver, get(server.url + "/a?b=c%20d"))
    assert (reply.broken, reply.status, reply.body) == (None, 200, b"ok")
    assert ("Content-Length", "2") in reply.headers
    assert reply.url == server.url + "/a?b=c%20d"
    assert reply.sent_ns is not None and due <= reply.sent_ns <= reply.done_ns <= driver.now_ns()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "POST", "PATCH", "OPTIONS"])
async def test_never_resent_on_a_dropped_kept_alive_connection(driver: Subject, method: str) -> None:
    """A kept-alive connection that closes on its second request saw exactly one send of it, whatever the method."""

    async with RawServer(second_closes) as server:
        session = driver.session()
        first = await session.send(get(server.url), 0)
        reply = await session.send(Wire(method=method, url=server.url), 0)
        assert first.broken is None and server.connections == 1, (
            "the connection was not reused: this test proves nothing"
        )
        assert len(server.requests) == 2
    assert reply.broken == "cut" and reply.sent_ns is not None


async def test_refused(driver: Subject) -> None:
    """A refused connection is not sent: no byte left."""
    reply = await once(driver, post(f"http://127.0.0.1:{free_port()}/"))
    assert (reply.broken, reply.sent_ns) == ("not-sent", None)
    assert "refused" in reply.detail.lower()


async def test_no_such_name(driver: Subject) -> None:
    """A name without an address is not sent."""
    reply = await once(driver, get("http://no-such-host.invalid/"))
    assert (reply.broken, reply.sent_ns) == ("not-sent", None)


async def test_not_a_url(driver: Subject) -> None:
    """What is no URL, or a header that HTTP cannot carry, is not sent."""
    assert (await once(driver, get("http://"))).broken == "not-sent"
    assert (await once(driver, get("ftp://127.0.0.1/"))).broken == "not-sent"
    async with RawServer(echo) as server:
        reply = await once(driver, get(server.url, headers=(("X-A", "one\r\nX-B: two"),)))
        assert (reply.broken, reply.sent_ns, server.requests) == ("not-sent", None, [])


async def test_connect_timeout(driver: Subject) -> None:
    """Patience that ends before the connection stands is not sent."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = []
        for _ in range(4):  # fill the accept queue: further SYNs get no answer
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        reply = await once(driver, post(f"http://127.0.0.1:{port}/", timeout_ns=300_000_000))
        for filler in fillers:
            filler.close()
    assert (reply.broken, reply.sent_ns) == ("not-sent", None)


async def test_timeout_after_sending(driver: Subject) -> None:
    """Patience that ends after a byte left is a timeout: the shop may have done it."""

    async def never(visit: Visit) -> None:
        await visit.request()
        await asyncio.Event().wait()

    async with RawServer(never) as server:
        began = driver.now_ns()
        reply = await driver.session().send(post(server.url, timeout_ns=200_000_000), began)
        assert reply.broken == "timeout" and reply.sent_ns is not None
        assert 150_000_000 <= reply.done_ns - began < 2_000_000_000


async def test_trickle_is_cut_by_patience(driver: Subject) -> None:
    """A body that trickles past the patience is a timeout, not a success."""

    async def trickle(visit: Visit) -> None:
        await visit.request()
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            await visit.say(b".")
            await asyncio.sleep(0.02)

    async with RawServer(trickle) as server:
        reply = await once(driver, get(server.url, timeout_ns=200_000_000))
    assert reply.broken == "timeout"


async def before_reply(visit: Visit) -> None:
    await visit.request()
    visit.reset()


async def eof_before_reply(visit: Visit) -> None:
    await visit.request()
    visit.close()


async def after_headers(visit: Visit) -> None:
    await visit.request()
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
    visit.reset()


async def in_headers(visit: Visit) -> None:
    await visit.request()
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Le")
    visit.close()


async def truncated(visit: Visit) -> None:
    await visit.request()
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
    visit.close()


async def truncated_chunked(visit: Visit) -> None:
    await visit.request()
    await visit.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n")
    visit.close()


@pytest.mark.parametrize(
    "script", [before_reply, eof_before_reply, after_headers, in_headers, truncated, truncated_chunked]
)
@pytest.mark.parametrize("make", [get, post])
async def test_cut(driver: Subject, script: object, make: object) -> None:
    """A connection that ends before the reply is whole is cut, sent once, and never a success."""
    async with RawServer(script) as server:  # type: ignore[arg-type]
        reply = await once(driver, make(server.url))  # type: ignore[operator]
        assert len(server.requests) == 1
    assert reply.broken == "cut" and reply.sent_ns is not None and reply.body == b""


async def garbage(visit: Visit) -> None:
    await visit.request()
    await visit.say(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
    visit.close()


async def bad_gzip(visit: Visit) -> None:
    await visit.request()
    await visit.reply(b"not gzip at all", headers="Content-Encoding: gzip\r\n")


async def oversize(visit: Visit) -> None:
    await visit.request()
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n")
    for _ in range(20):
        await visit.say(b"x" * 1_000_000)


async def bomb(visit: Visit) -> None:
    await visit.request()
    await visit.reply(gzip.compress(b"0" * 12_000_000), headers="Content-Encoding: gzip\r\n")


@pytest.mark.parametrize("script", [garbage, bad_gzip, oversize, bomb])
async def test_invalid(driver: Subject, script: object) -> None:
    """What is not HTTP, or over a limit even only once unpacked, is invalid, and it was sent."""
    async with RawServer(script) as server:  # type: ignore[arg-type]
        reply = await once(driver, get(server.url))
    assert reply.broken == "invalid" and reply.sent_ns is not None


async def test_bad_chunk(driver: Subject) -> None:
    """A garbled chunk is broken after the byte left, never a reply."""

    async def bad_chunk(visit: Visit) -> None:
        await visit.request()
        await visit.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\nabc\r\n")
        await asyncio.Event().wait()

    async with RawServer(bad_chunk) as server:
        reply = await once(driver, get(server.url, timeout_ns=1_000_000_000))
    assert reply.broken in ("invalid", "cut") and reply.sent_ns is not None


async def test_a_talker_that_speaks_first_is_never_sent_to(driver: Subject) -> None:
    """A port that greets like another protocol is no reply: whatever it is called, nothing is concluded from it."""

    async def banner(visit: Visit) -> None:
        await visit.say(b"SSH-2.0-OpenSSH_9.6\r\n")
        await asyncio.Event().wait()

    async with RawServer(banner) as server:
        reply = await once(driver, post(server.url, timeout_ns=1_000_000_000))
    assert reply.broken is not None


async def test_gzip(driver: Subject) -> None:
    """A compressed body is unpacked."""

    async def packed(visit: Visit) -> None:
        await visit.request()
        await visit.reply(gzip.compress(b"hello"), headers="Content-Encoding: gzip\r\n")

    async with RawServer(packed) as server:
        reply = await once(driver, get(server.url))
    assert reply.body == b"hello"


async def test_cookies_are_each_fans_own_and_work_on_an_ip(driver: Subject) -> None:
    """A cookie set on 127.0.0.1 comes back verbatim from that fan alone, and not where the wire says no cookies."""

    async def sets(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.reply(headers='Set-Cookie: sid="a b=c=="; Path=/\r\nSet-Cookie: csrf=t0k; Path=/\r\n')

    async with RawServer(sets) as server:
        one, two = driver.session(), driver.session()
        first = await one.send(get(server.url), 0)
        await one.send(get(server.url, headers=(("Cookie", "own=1"),)), 0)
        await two.send(get(server.url), 0)
        await one.send(get(server.url, cookies=False), 0)
        one.close()
        await one.send(get(server.url), 0)
        lines = [
            [line for line in request.split(b"\r\n") if line.lower().startswith(b"cookie:")]
            for request in server.requests
        ]
    assert first.cookies["csrf"] == "t0k"
    assert lines[0] == lines[2] == lines[3] == lines[4] == []
    assert lines[1] == [b'Cookie: own=1; sid="a b=c=="; csrf=t0k']


async def test_cancelled_send_leaves_its_mark(driver: Subject) -> None:
    """A fan that quits closes the socket; the mark says that a byte had left, and the shop sees the end."""
    arrived, ended = asyncio.Event(), asyncio.Event()

    async def waits(visit: Visit) -> None:
        await visit.request()
        arrived.set()
        assert await visit.reader.read() == b""
        ended.set()

    async with RawServer(waits) as server:
        mark = Mark()
        task = asyncio.create_task(driver.session().send(post(server.url), 0, mark))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(ended.wait(), 5)
    assert mark.sent_ns is not None


async def test_follow(driver: Subject) -> None:
    """A followed 303 becomes a GET without body, a 307 keeps both; `until` stops before fetching; False never goes."""

    async def shop(visit: Visit) -> None:
        while True:
            request = await visit.request()
            path = request.split(b" ")[1]
            if path == b"/see-other":
                await visit.reply(b"", "303 See Other", "Location: /basket?a=1\r\nSet-Cookie: c=1\r\n")
            elif path == b"/again":
                await visit.reply(b"", "307 Temporary Redirect", "Location: /basket\r\n")
            elif path.startswith(b"/basket"):
                await visit.reply(b"", "302 Found", "Location: thank-you\r\n")
            elif path == b"/loop":
                await visit.reply(b"", "302 Found", "Location: /loop\r\n")
            else:
                await visit.reply(b"done")

    async with RawServer(shop) as server:
        headers = (("Content-Type", "text/x"), ("Referer", server.url + "/page"), ("Authorization", "Bearer s"))
        reply = await once(driver, post(server.url + "/see-other", follow=True, headers=headers))
        assert (reply.status, reply.body, reply.url) == (200, b"done", server.url + "/thank-you")
        assert reply.cookies == {"c": "1"}
        sent = server.requests
        assert [request.split(b" ")[0] for request in sent] == [b"POST", b"GET", b"GET"]
        assert b"text/x" not in sent[1] and sent[1].endswith(b"\r\n\r\n")
        assert b"Cookie: c=1" in sent[1] and b"Referer: " in sent[1] and b"Bearer s" in sent[1]

        server.requests.clear()
        reply = await once(driver, post(server.url + "/again", follow=True))
        assert [request.split(b" ")[0] for request in server.requests] == [b"POST", b"POST", b"GET"]
        assert server.requests[1].endswith(b"x=1")

        server.requests.clear()
        reply = await once(driver, post(server.url + "/see-other", follow="thank-you"))
        assert (reply.status, reply.url, len(server.requests)) == (302, server.url + "/basket?a=1", 2)

        reply = await once(driver, post(server.url + "/see-other"))
        assert reply.status == 303

        reply = await once(driver, get(server.url + "/loop", follow=True))
        assert reply.broken == "invalid" and reply.detail == "too many redirects"


async def test_redirect_abroad(driver: Subject) -> None:
    """Another origin gets neither Authorization nor Cookie, and of the Referer the origin alone."""
    async with RawServer(echo) as other:

        async def away(visit: Visit) -> None:
            await visit.request()
            await visit.reply(b"", "302 Found", f"Location: {other.url}/x\r\n")

        async with RawServer(away) as server:
            headers = (
                ("Authorization", "Bearer s"),
                ("Cookie", "a=1"),
                ("Referer", server.url + "/secret?token=1"),
                ("X-Intent", "i1"),
            )
            reply = await once(driver, get(server.url, headers=headers, follow=True))
    assert reply.url == f"{other.url}/x"
    request = other.requests[0]
    assert b"Bearer" not in request and b"a=1" not in request and b"token" not in request
    assert f"Referer: {server.url}/\r\n".encode() in request and b"X-Intent: i1" in request


async def test_redirect_to_a_host_that_nobody_allowed_is_not_followed(make_driver: Make) -> None:
    """A redirect out of the permitted hosts sends nothing there, and stays open: the first request had left."""

    async def away(visit: Visit) -> None:
        await visit.request()
        await visit.reply(b"", "302 Found", "Location: http://192.0.2.1/x\r\n")

    async with (
        make_driver(CLOCK, CLOCK.now_ns(), permits=Permit(frozenset())) as driver,
        RawServer(away) as server,
    ):
        reply = await once(driver, get(server.url, follow=True))
        assert reply.broken == "cut" and "192.0.2.1" in reply.detail
        reply = await once(driver, get("http://192.0.2.1/"))
        assert (reply.broken, reply.sent_ns) == ("not-sent", None)


async def test_second_hop_refused_is_cut_not_unsent(driver: Subject) -> None:
    """A redirect to a dead port is never `not-sent`: the first request reached the shop."""
    dead = free_port()

    async def away(visit: Visit) -> None:
        await visit.request()
        await visit.reply(b"", "302 Found", f"Location: http://127.0.0.1:{dead}/\r\n")

    async with RawServer(away) as server:
        reply = await once(driver, post(server.url, follow=True))
    assert reply.broken == "cut" and reply.sent_ns is not None


async def test_no_proxy_from_the_environment(driver: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that the environment names is not used."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    async with RawServer(echo) as server:
        assert (await once(driver, get(server.url))).status == 200


async def test_details_hold_no_url(driver: Subject) -> None:
    """What goes into the recording as detail never holds the URL: it may carry a secret."""
    for url in (
        f"http://127.0.0.1:{free_port()}/?key=s3cret",
        "http://u:s3cret@",
        "http://no-such.invalid/?key=s3cret",
    ):
        reply = await once(driver, get(url))
        assert reply.broken == "not-sent" and "s3cret" not in reply.detail


async def test_sockets_are_counted(driver: Subject) -> None:
    """Open connections are counted while they are open."""
    async with RawServer(echo) as server:
        assert driver.open_sockets == 0
        await asyncio.gather(*(once(driver, get(server.url)) for _ in range(5)))
        assert 1 <= driver.open_sockets <= 5
        await driver.__aexit__(None, None, None)
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert driver.open_sockets == 0
