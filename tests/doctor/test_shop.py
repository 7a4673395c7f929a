"""A shop that is there, and the ways in which it is not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from surgectl.clock import SystemClock
from surgectl.doctor.certificates import look_at_certificates, of_handshake
from surgectl.doctor.checkup import Checkup
from surgectl.doctor.doors import knock
from surgectl.doctor.handshake import Handshake
from surgectl.doctor.shop import look_at_doors, look_at_probes
from surgectl.engine.drivers.wire.trust import Trust, tls_context
from surgectl.engine.drivers.wire.wire_driver import WireDriver
from surgectl.journey.compile import compile_target
from tests.certificates import HAVE_OPENSSL, NO_OPENSSL, Authority
from tests.chaos.test_tls import authority  # noqa: F401  # a fixture
from tests.doctor.patients import said, shop, wrong
from tests.engine.rawserver import RawServer, Script, Visit, second_closes

CLOCK = SystemClock()
needs_openssl = pytest.mark.skipif(not HAVE_OPENSSL, reason=NO_OPENSSL)


def driver() -> WireDriver:
    return WireDriver(CLOCK, CLOCK.now_ns())


async def rung(url: str) -> list[Checkup]:
    return look_at_doors([await knock(driver, "base_url", url, CLOCK)])


async def closes(visit: Visit) -> None:
    await visit.request()
    await visit.reply(headers="Connection: close\r\n")


async def babbles(visit: Visit) -> None:
    await visit.request()
    await visit.say(b"220 mail.example ESMTP\r\n")


async def keeps(visit: Visit) -> None:
    while True:
        await visit.request()
        await visit.reply()


async def is_ill(visit: Visit) -> None:
    while True:
        await visit.request()
        await visit.reply(status="503 Service Unavailable")


@pytest.mark.parametrize(
    ("script", "verdict", "words"),
    [
        (babbles, "fail", "does this port speak HTTP"),
        (second_closes, "fail", "keep-alive time-outs"),
        (is_ill, "note", "answers 503"),
        (closes, "note", "closes the connection after each reply"),
        (keeps, "pass", "answers 200"),
    ],
)
async def test_how_a_shop_answers(script: Script, verdict: str, words: str) -> None:
    """Something else than HTTP, a broken promise to keep connections, an error, no keep-alive, and all well."""
    async with RawServer(script) as server:
        found = said(await rung(server.url), "base_url")
    assert found[0] == verdict and words in found[1]
    assert len(server.requests) <= 2


async def counts(visit: Visit) -> None:
    while True:
        await visit.request()
        await visit.reply(headers="RateLimit-Limit: 300\r\nRateLimit-Policy: 300;w=60\r\n")


async def test_a_shop_that_counts_says_so() -> None:
    """A limit for each client is repeated as the shop told it; where none is told nothing is said."""
    async with RawServer(counts) as server:
        verdict, what = said(await rung(server.url), "base_url limit")
    assert verdict == "note" and "(RateLimit-Policy: 300;w=60)" in what
    async with RawServer(keeps) as server:
        assert [one.name for one in await rung(server.url)] == ["base_url"]


async def test_nobody_is_there() -> None:
    """A closed port is named with its address."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        verdict, words = said(await rung(f"http://127.0.0.1:{port}"), "base_url")
    assert verdict == "fail" and f"nobody answers at 127.0.0.1:{port}" in words


@needs_openssl
async def test_a_certificate_that_fans_would_not_believe(authority: Authority) -> None:  # noqa: F811
    """An unknown authority and another host's name are named; with the right authority the days left are told."""
    server = await asyncio.start_server(lambda _, __: None, "127.0.0.1", 0, ssl=authority.serving("localhost"))
    port = server.sockets[0].getsockname()[1]
    ours = tls_context(Trust(ca=authority.ca))
    try:
        here, elsewhere = {"base_url": f"https://localhost:{port}/"}, {"base_url": f"https://127.0.0.1:{port}/"}
        unknown = said(await look_at_certificates(here, tls_context(Trust()), CLOCK), "base_url certificate")
        another = said(await look_at_certificates(elsewhere, ours, CLOCK), "base_url certificate")
        right = said(await look_at_certificates(here, ours, CLOCK), "base_url certificate")
    finally:
        server.close()
    assert unknown[0] == "fail" and "tls: {ca: FILE}" in unknown[1]
    assert another[0] == "fail" and "127.0.0.1" in another[1] and "mismatch" in another[1]
    assert right[0] == "note" and "2 days left -> renew it" in right[1]


def test_a_port_without_tls_and_a_fresh_certificate() -> None:
    """What is no TLS is no certificate; one with months to go needs no word."""
    plain = of_handshake(Handshake(why="no TLS is spoken there"), "base_url", "shop")
    assert plain.verdict == "fail" and "https port" in plain.fix
    assert of_handshake(Handshake(days_left=80.0), "base_url", "shop").verdict == "pass"


def answering(status: str) -> Callable[[Visit], object]:
    async def script(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.reply(status=status)

    return script


async def test_probes_are_judged_by_their_own_rules() -> None:
    """One that is not ok while all is quiet would count as an outage; one that needs the setup is unknown."""
    probes = {"about": {"get": "/about"}, "gig": {"get": "/gig/{setup.gig}"}}
    for status, fails in (("404 Not Found", ["probe about"]), ("200 OK", [])):
        async with RawServer(answering(status)) as server:  # type: ignore[arg-type]
            target = shop(server.url, probes=probes, setup={"run": ["true"]})
            async with driver() as with_:
                found = await look_at_probes(compile_target(target).probes, {"run": "r"}, with_, CLOCK)
        assert wrong(found) == fails
        assert said(found, "probe gig")[0] == "unknown"
