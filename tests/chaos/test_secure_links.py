"""Links to a provider behind TLS, and to proxies that somebody else made, on both Toxiproxies."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from surgectl.chaos.links import opened, reached_at
from surgectl.chaos.nemesis import Nemesis
from surgectl.chaos.toxiproxy import Toxiproxy
from surgectl.clock import SystemClock
from surgectl.errors import UsageError
from surgectl.plan.model import PlannedFault
from surgectl.profile.link import Link, LinkTls
from surgectl.recording.rows import FaultRow
from tests.certificates import HAVE_OPENSSL, NO_OPENSSL, Authority
from tests.chaos.test_nemesis import server  # noqa: F401  # a fixture
from tests.chaos.test_tls import authority, provider  # noqa: F401  # a fixture

pytestmark = [pytest.mark.real, pytest.mark.quiet]
needs_openssl = pytest.mark.skipif(not HAVE_OPENSSL, reason=NO_OPENSSL)
CLOCK = SystemClock()
MS = 1_000_000


async def pay(address: str, context: ssl.SSLContext) -> str:
    """What becomes of a shop that pays over this link: it believes the real host's certificate alone."""
    try:
        async with asyncio.timeout(1):
            host, _, port = address.rpartition(":")
            reader, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname="payments.test")
            writer.write(b"POST /v1/charges HTTP/1.1\r\n\r\n")
            said = await reader.read()
            writer.transport.abort()
            return "charged" if said else "cut"
    except TimeoutError:
        return "no answer"
    except OSError as error:
        return "cut" if not isinstance(error, ssl.SSLCertVerificationError) else "not believed"


@needs_openssl
async def test_brownouts_behind_tls_are_seen_and_healed(server: Toxiproxy, authority: Authority) -> None:  # noqa: F811
    """Late, unanswered, cut, dripping and refused are each verified through TLS, and healed; a charge in it is cut.

    What `truncate` cuts is the reply, not the handshake.
    """
    names = ("slow", "lost-reply", "lost-request", "reset", "truncate", "trickle", "down")
    rows: list[FaultRow] = []
    theirs = ssl.create_default_context(cafile=authority.ca)
    async with provider(authority.serving("payments.test")) as (upstream, asked):
        tls = LinkTls(server_name="payments.test", ca="ca.pem")
        links = {name: Link(upstream=f"localhost:{upstream.rpartition(':')[2]}", tls=tls) for name in names}
        async with opened(server, links, "r1", print, authority.folder) as handles:
            async with Nemesis(server, handles, run="r1", clock=CLOCK, start_ns=0, record=rows.append) as nemesis:
                await nemesis.prepare()
                nemesis.start_at(CLOCK.now_ns())
                planned = [
                    PlannedFault(fault=name, from_ns=0, to_ns=1_600 * MS, link=name, brownout=name) for name in names
                ]
                playing = asyncio.create_task(nemesis.play(tuple(planned)))
                async with asyncio.timeout(10):
                    while sum(row.event == "applied" for row in rows) < len(names):
                        await asyncio.sleep(0.01)
                assert await pay(handles["reset"].listen, theirs) == "cut"
                assert not any(question.startswith(b"POST") for question in asked)
                assert await pay(handles["truncate"].listen, theirs) == "cut"
                assert any(question.startswith(b"POST") for question in asked)  # it arrived: the reply is what was lost
                await playing
            assert await pay(handles["reset"].listen, theirs) == "charged"
    told = {name: [row.event for row in rows if row.fault == name] for name in names}
    assert {name: events for name, events in told.items() if events != ["applied", "verified", "healed"]} == {}
    assert not any(question.startswith(b"GET") and b"Host: payments.test\r\n" not in question for question in asked)


@needs_openssl
async def test_another_provider_than_expected_stops_before_the_storm(
    server: Toxiproxy,  # noqa: F811
    authority: Authority,  # noqa: F811
) -> None:
    """A wrong name and an authority that nobody knows are mistakes, each named with its link."""
    async with provider(authority.serving("payments.test")) as (upstream, _):
        for tls, why in (
            (LinkTls(server_name="api.stripe.com", ca="ca.pem"), "Hostname mismatch.*api.stripe.com"),
            (LinkTls(server_name="payments.test"), "unable to get local issuer"),
        ):
            async with opened(
                server, {"pay": Link(upstream=upstream, tls=tls)}, "r1", print, authority.folder
            ) as handles:
                nemesis = Nemesis(server, handles, run="r1", clock=CLOCK, start_ns=0, record=print)
                with pytest.raises(UsageError, match=f"link pay: .*{why}") as refused:
                    await nemesis.prepare()
            assert refused.value.where == "links.pay.tls"
        assert await server.proxies() == {}


async def test_a_proxy_that_another_tool_made(server: Toxiproxy) -> None:  # noqa: F811
    """Found by its name, whatever that is, it is claimed for the run and left as it was; its upstream is on record."""
    made = await server.create("svc:payments@eu 100%?#1", "127.0.0.1:1", "127.0.0.1:0")
    async with opened(server, {"pay": Link(proxy="svc:payments@eu 100%?#1")}, "r1", print) as links:
        assert (links["pay"].listen, links["pay"].upstream, links["pay"].made) == (made.listen, "127.0.0.1:1", False)
        assert [toxic.type for toxic in (await server.proxies())[made.name].toxics] == ["noop"]
    assert (await server.proxies())[made.name] == made


async def test_proxies_that_cannot_be_meant(server: Toxiproxy) -> None:  # noqa: F811
    """One that is disabled, one that is not there, a listener that is taken, and one that would call itself."""
    made = await server.create("theirs", "127.0.0.1:1", "127.0.0.1:0")
    await server.create("svc/pay", "127.0.0.1:1", "127.0.0.1:0")
    port = made.listen.rpartition(":")[2]
    wrong = {
        "listens on .* already, for 127.0.0.1:1": Link(upstream="127.0.0.1:9", listen=made.listen),
        "no proxy named thiers": Link(proxy="thiers"),
        "no address for svc/pay": Link(proxy="svc/pay"),
        "leads back to": Link(upstream=f"localhost:{port}", listen=f"127.0.0.1:{port}"),
    }
    for why, link in wrong.items():
        with pytest.raises(UsageError, match=why):
            async with opened(server, {"pay": link}, "r1", print):
                pass
    await server.enable("theirs", False)
    with pytest.raises(UsageError, match="theirs .* is disabled"):
        async with opened(server, {"pay": Link(proxy="theirs")}, "r1", print):
            pass
    assert (await server.proxies())["theirs"].toxics == []


@pytest.mark.parametrize(("listen", "called"), [("[::]:9101", "toxi.example:9101"), ("10.0.0.7:9101", "10.0.0.7:9101")])
def test_a_listener_on_every_interface_is_called_where_its_server_is(listen: str, called: str) -> None:
    """A Toxiproxy on another machine that listens on 0.0.0.0 is not looked for here."""
    assert reached_at(Toxiproxy("http://toxi.example:8474"), listen) == called
