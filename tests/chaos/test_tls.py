"""Canaries inside TLS: the certificate of the real host, and nobody else's."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from surgectl.chaos import canary
from surgectl.chaos.asks import Speaks
from surgectl.chaos.tls import Conversation, Doubted, Secured, secured
from surgectl.clock import SystemClock
from surgectl.errors import UsageError
from surgectl.profile.link import Link, LinkTls
from tests.certificates import HAVE_OPENSSL, NO_OPENSSL, Authority

pytestmark = pytest.mark.skipif(not HAVE_OPENSSL, reason=NO_OPENSSL)
CLOCK = SystemClock()
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\nConnection: close\r\n\r\n" + b"x" * 400


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@asynccontextmanager
async def provider(context: ssl.SSLContext | None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Something that answers a request and hangs up: where it listens, and what it was asked."""
    asked: list[bytes] = []

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(REPLY)
            await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(visit, "127.0.0.1", 0, ssl=context)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()


def expecting(authority: Authority | None, name: str = "payments.test") -> Secured:
    link = Link(upstream="payments.test:443", tls=LinkTls(server_name=name, ca=None if authority is None else "ca.pem"))
    found = secured(link, Path() if authority is None else authority.folder, "links.payments")
    assert found is not None
    return found


async def fly(address: str, tls: Secured, speaks: Speaks = "http") -> canary.Sighting:
    return await canary.fly(address, CLOCK, speaks=speaks, tls=tls)


async def test_the_real_hosts_name_and_certificate(authority: Authority) -> None:
    """The canary asks inside TLS, with the host's own name in SNI and Host, and hears the whole reply."""
    named: list[str] = []
    context = authority.serving("payments.test")
    context.sni_callback = lambda _, name, __: named.append(name)
    async with provider(context) as (address, asked):
        seen = await fly(address, expecting(authority))
    assert (seen.connected, seen.size, seen.doubt) == (True, len(REPLY), "") and seen.whole_ns is not None
    assert named == ["payments.test"] and b"\r\nHost: payments.test\r\n" in asked[0]
    assert 500 < seen.before_reply < 8_000


async def test_somebody_else_is_named(authority: Authority, tmp_path: Path) -> None:
    """A certificate for another name, one from an unknown authority, and no TLS at all are each said in words."""
    async with provider(authority.serving("payments.test")) as (address, asked):
        other_name = await fly(address, expecting(authority, "api.stripe.com"))
        unknown = await fly(address, expecting(None))
        another = await fly(address, expecting(Authority(tmp_path, "somebody")))
    async with provider(None) as (address, _):
        plain = await canary.fly(address, CLOCK, 500_000_000, tls=expecting(authority))
    assert "Hostname mismatch" in other_name.doubt and "api.stripe.com" in other_name.doubt
    assert "unable to get local issuer certificate" in unknown.doubt
    assert "unable to get local issuer certificate" in another.doubt
    assert [seen.whole_ns for seen in (other_name, unknown, another, plain)] == [None] * 4 and asked == []
    assert plain.doubt == "" and plain.first_byte_ns is None  # it waits for a request that never ends


async def test_an_answer_that_is_no_tls(authority: Authority) -> None:
    """A server that answers a handshake in its own words does not speak TLS."""
    talk = Conversation(expecting(authority))
    assert talk.begin()[0] == 22
    with pytest.raises(Doubted, match="does not speak TLS"):
        talk.heard(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def test_plain_tcp_inside_tls_asks_for_the_handshake(authority: Authority) -> None:
    """Of a service that waits for its client, the handshake says that it is there."""
    async with provider(authority.serving("payments.test")) as (address, asked):
        seen = await fly(address, expecting(authority), "tcp")
    assert seen.whole_ns is not None and asked == []


def test_authorities_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is not there, or is no certificate, is named with the link that wants it."""
    (tmp_path / "ca.pem").write_text("hello")
    for file, why in (("none.pem", "there is no such file"), ("ca.pem", "no authorities can be read from it")):
        with pytest.raises(UsageError, match=why) as refused:
            secured(Link(upstream="a:1", tls=LinkTls(ca=file)), tmp_path, "links.pay")
        assert refused.value.where == "links.pay.tls.ca"


def test_a_doubtful_canary_proves_nothing() -> None:
    """Somebody else's answer is neither the work of a fault nor a sign that it is gone."""
    usual = canary.Sighting(connected=True, first_byte_ns=1, whole_ns=2, size=9)
    seen = canary.Sighting(connected=True, first_byte_ns=1, whole_ns=None, size=0, doubt="who is that?")
    assert canary.fate(seen, usual) == "doubted"
    assert "doubted" not in canary.SUFFERED
