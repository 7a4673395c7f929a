"""Whom each driver believes to be the shop: the right certificate for the right name, and nobody else."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from surgectl.engine.drivers.wire.trust import Trust, tls_context
from surgectl.errors import UsageError
from surgectl.journey.messages import Wire
from tests.engine.conftest import CLOCK, Make

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make certificates with")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that vouches for itself, for 127.0.0.1, with its key."""
    folder = tmp_path_factory.mktemp("tls")
    key, pem = folder / "key.pem", folder / "both.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    command += [
        "-days",
        "2",
        "-subj",
        "/CN=shop",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(key),
        "-out",
        str(pem),
    ]
    subprocess.run(command, check=True, capture_output=True)
    pem.write_bytes(pem.read_bytes() + key.read_bytes())
    return pem


@asynccontextmanager
async def shop(certificate: Path, *, asks_back: bool = False) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A shop behind TLS: its port, and what it was sent."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    if asks_back:
        context.load_verify_locations(certificate)
        context.verify_mode = ssl.CERT_REQUIRED
    heard: list[bytes] = []

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                heard.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    server = await asyncio.start_server(visit, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()


def get(port: int, host: str = "127.0.0.1") -> Wire:
    return Wire(method="GET", url=f"https://{host}:{port}/", timeout_ns=2_000_000_000)


async def test_nobody_is_believed_without_reason(make_driver: Make, certificate: Path) -> None:
    """A certificate that no authority vouches for, or one for another name, is not sent to."""
    async with shop(certificate) as (port, heard):
        async with make_driver(CLOCK, CLOCK.now_ns()) as driver:
            reply = await driver.session().send(get(port), 0)
        assert (reply.broken, reply.sent_ns) == ("not-sent", None) and "certificate" in reply.detail.lower()
        trusting = tls_context(Trust(ca=certificate))
        async with make_driver(CLOCK, CLOCK.now_ns(), tls=trusting) as driver:
            reply = await driver.session().send(get(port, "localhost"), 0)
        assert (reply.broken, reply.sent_ns, heard) == ("not-sent", None, [])


async def test_an_authority_of_ones_own(make_driver: Make, certificate: Path) -> None:
    """With the shop's authority it works, and connections are kept."""
    async with shop(certificate) as (port, heard):
        async with make_driver(CLOCK, CLOCK.now_ns(), tls=tls_context(Trust(ca=certificate))) as driver:
            for _ in range(3):
                reply = await driver.session().send(get(port), 0)
                assert (reply.broken, reply.body) == (None, b"ok") and reply.sent_ns is not None
            assert driver.open_sockets == 1 and len(heard) == 3


async def test_a_shop_that_asks_who_we_are(make_driver: Make, certificate: Path) -> None:
    """A client certificate is shown where there is one; without it nothing is concluded."""
    async with shop(certificate, asks_back=True) as (port, heard):
        async with make_driver(CLOCK, CLOCK.now_ns(), tls=tls_context(Trust(ca=certificate))) as driver:
            assert (await driver.session().send(get(port), 0)).broken in ("cut", "not-sent")
        ours = tls_context(Trust(ca=certificate, certificate=certificate))
        async with make_driver(CLOCK, CLOCK.now_ns(), tls=ours) as driver:
            assert (await driver.session().send(get(port), 0)).body == b"ok"
    assert len(heard) == 1


def test_a_file_that_is_no_certificate(tmp_path: Path) -> None:
    """A file that cannot be used is refused by name."""
    (tmp_path / "ca.pem").write_text("hello")
    for trust in (Trust(ca=tmp_path / "ca.pem"), Trust(ca=tmp_path / "none"), Trust(certificate=tmp_path / "ca.pem")):
        with pytest.raises(UsageError, match="certificate"):
            tls_context(trust)
