"""Links that could not be put up, and providers who are not there, on a proxy server of the test's own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from surgectl.chaos import marks
from surgectl.chaos.address import leads_back
from surgectl.chaos.canary import Sighting
from surgectl.chaos.toxiproxy import Toxiproxy
from surgectl.clock import SystemClock
from surgectl.doctor.checkup import Checkup
from surgectl.doctor.links import PREFIX, Line, _compared, _of_listener, look_at_links
from surgectl.doctor.tunnel import look_at_tunnel
from surgectl.profile.link import Link
from surgectl.proxy.server import serving as proxy_serving
from tests.certificates import HAVE_OPENSSL, NO_OPENSSL, Authority
from tests.chaos.test_tls import authority, provider  # noqa: F401  # a fixture
from tests.doctor.patients import said, shop, wrong

CLOCK = SystemClock()
needs_openssl = pytest.mark.skipif(not HAVE_OPENSSL, reason=NO_OPENSSL)


@pytest.fixture
async def server() -> AsyncIterator[Toxiproxy]:
    """The embedded proxy, in this process."""
    async with proxy_serving("127.0.0.1:0", 7, False, CLOCK) as url:
        yield Toxiproxy(url)


@pytest.fixture
def closed() -> Any:
    """A port that nobody listens on, and nobody else is given."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


async def look(server: Toxiproxy, link: dict[str, Any], folder: Path = Path()) -> list[Checkup]:
    before = await server.proxies()
    found = await look_at_links(shop(links={"pay": link}), folder, CLOCK, toxiproxy=server.url)
    assert await server.proxies() == before, "a look leaves nothing behind"
    return found


async def test_nobody_is_behind_the_link(server: Toxiproxy, closed: str) -> None:
    """A provider that does not answer is found out before a brownout is played on it."""
    found = await look(server, {"upstream": closed, "listen": f"127.0.0.1:{free_port()}"})
    assert wrong(found) == ["pay upstream"]
    assert f"nobody answers at {closed}" in said(found, "pay upstream")[1]


async def test_a_taken_listener(server: Toxiproxy) -> None:
    """Somebody else's port, and a proxy that somebody else made there: its name is told."""
    async with provider(None) as (upstream, _):
        async with provider(None) as (taken, _):
            found = await look(server, {"upstream": upstream, "listen": taken})
        assert wrong(found) == ["pay listener"] and f"{taken} cannot be listened on" in said(found, "pay listener")[1]
        assert said(found, "pay upstream")[0] == "pass"
        found = await look(server, {"upstream": upstream, "listen": "127.0.0.1:0"})
        assert "name a port" in said(found, "pay listener")[1]
        theirs = await server.create("theirs", upstream, "127.0.0.1:0")
        found = await look(server, {"upstream": upstream, "listen": theirs.listen})
        assert said(found, "pay listener")[0] == "fail" and "{proxy: theirs}" in said(found, "pay listener")[1]


async def test_what_a_killed_doctor_left_behind(server: Toxiproxy) -> None:
    """Its proxy on the link's own address is taken away, and no reason to worry."""
    async with provider(None) as (upstream, _):
        old = await server.create(f"{PREFIX}pay-0", upstream, "127.0.0.1:0")
        link = {"pay": {"upstream": upstream, "listen": old.listen}}
        found = await look_at_links(shop(links=link), Path(), CLOCK, toxiproxy=server.url)
        assert wrong(found) == [] and await server.proxies() == {}


async def test_a_proxy_found_by_name(server: Toxiproxy) -> None:
    """One that is missing, closed, faulty or another run's is named; one in order is used as it stands."""
    async with provider(None) as (upstream, _):
        assert wrong(await look(server, {"proxy": "theirs"})) == ["pay proxy"]
        await server.create("theirs", upstream, "127.0.0.1:0")
        assert wrong(await look(server, {"proxy": "theirs"})) == []
        await server.add_toxic(
            "theirs", name="t", type="latency", stream="upstream", toxicity=1.0, attributes={"latency": 1}
        )
        assert "not ours: t" in said(await look(server, {"proxy": "theirs"}), "pay listener")[1]
        await server.remove_toxic("theirs", "t")
        await server.add_toxic(
            "theirs", name=marks.claim("r9"), type="noop", stream="upstream", toxicity=1.0, attributes={}
        )
        assert "chaos heal" in said(await look(server, {"proxy": "theirs"}), "pay listener")[1]
        await server.remove_toxic("theirs", marks.claim("r9"))
        await server.enable("theirs", False)
        assert "disabled" in said(await look(server, {"proxy": "theirs"}), "pay listener")[1]


async def test_a_link_in_order(server: Toxiproxy) -> None:
    """The same answer through a proxy as without, and no more than a handful of questions."""
    async with provider(None) as (upstream, asked):
        found = await look(server, {"upstream": upstream, "listen": f"127.0.0.1:{free_port()}"})
    assert wrong(found) == [] and len(asked) <= 6
    assert said(found, "pay through the proxy")[0] == "pass"


async def test_no_toxiproxy_there(closed: str) -> None:
    """`--toxiproxy` with nobody behind it is one line."""
    found = await look_at_links(shop(links={"pay": {"upstream": closed}}), Path(), CLOCK, toxiproxy=f"http://{closed}")
    assert wrong(found) == ["proxy"]
    assert (await look_at_links(shop(), Path(), CLOCK))[0].verdict == "note"


@needs_openssl
@pytest.mark.parametrize(
    ("tls", "fails", "words"),
    [
        ({"server_name": "other.test", "ca": "ca.pem"}, ["pay upstream"], "Hostname mismatch"),
        ({"server_name": "pay.test"}, ["pay upstream"], "not believed"),
        ({"server_name": "pay.test", "ca": "none.pem"}, ["pay certificate"], "no such file"),
        ({"server_name": "pay.test", "ca": "ca.pem"}, [], ""),
    ],
)
async def test_a_provider_behind_tls(
    server: Toxiproxy,
    authority: Authority,  # noqa: F811
    tls: dict[str, str],
    fails: list[str],
    words: str,
) -> None:
    """Its own certificate comes through the proxy; a wrong name and an unknown authority are told apart."""
    async with provider(authority.serving("pay.test")) as (upstream, _):
        link = {"upstream": upstream, "listen": f"127.0.0.1:{free_port()}", "tls": tls}
        found = await look(server, link, authority.folder)
    assert wrong(found) == fails
    if fails:
        assert words in said(found, fails[0])[1]
    else:
        assert "pay.test is believed, 2 days left" in said(found, "pay certificate")[1]
        assert "hosts file" in said(found, "pay shop's client")[1]


def test_a_toxiproxy_elsewhere() -> None:
    """Its loopback is nobody else's; a provider whom it alone reaches is no mistake; a closed port proves nothing.

    One late answer among several is a busy machine; all of them late is the link.
    """
    line = Line(
        name="pay",
        link=Link(upstream="pay:9100", listen="127.0.0.1:9101"),
        server=Toxiproxy("http://toxi.example:8474"),
        ours=False,
        folder=Path(),
    )
    listener = _of_listener(line, None, {})
    assert listener.verdict == "fail" and 'listen: "0.0.0.0:9101"' in listener.fix
    nobody = Sighting(connected=False, first_byte_ns=None, whole_ns=None, size=0)
    cut = Sighting(connected=True, first_byte_ns=None, whole_ns=None, size=0)
    well = Sighting(connected=True, first_byte_ns=1, whole_ns=1, size=9)
    assert [one.verdict for one in _compared(line, "pay:9100", [nobody], [well])] == ["pass"]
    assert [one.verdict for one in _compared(line, "pay:9100", [nobody], [cut])] == ["fail"]
    assert [one.verdict for one in _compared(line, "pay:9100", [nobody], [nobody])] == ["unknown"]
    assert [one.verdict for one in _compared(line, "pay:9100", [well], [nobody])] == ["pass", "unknown"]
    assert [one.verdict for one in _compared(line, "pay:9100", [well], [cut])] == ["pass", "fail"]
    late = Sighting(connected=True, first_byte_ns=1, whole_ns=400_000_000, size=9)
    assert [one.verdict for one in _compared(line, "pay:9100", [well], [late, late])] == ["pass", "fail"]
    assert [one.verdict for one in _compared(line, "pay:9100", [well], [late, well])] == ["pass", "pass"]


def test_a_name_that_leads_back_to_the_link() -> None:
    """The hosts file that points the shop to the link must not point the proxy there, too."""
    assert leads_back("localhost:9101", "127.0.0.1:9101")
    assert not leads_back("localhost:9100", "127.0.0.1:9101")


async def test_who_is_cut_off_in_the_middle_takes_its_proxy_away(server: Toxiproxy) -> None:
    """Cancelled while it asks through its own proxy, a look removes it."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        if len(asked) <= 3:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            writer.close()
        elif len(asked) == 4:
            looking.cancel()

    asked: list[bytes] = []
    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    upstream = f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    target = shop(links={"pay": {"upstream": upstream, "listen": f"127.0.0.1:{free_port()}"}})
    looking = asyncio.create_task(look_at_links(target, Path(), CLOCK, toxiproxy=server.url))
    with pytest.raises(asyncio.CancelledError):
        await looking
    listener.close()
    assert len(asked) == 4 and await server.proxies() == {}


@needs_openssl
async def test_a_link_that_does_not_say_that_it_speaks_tls(authority: Authority) -> None:  # noqa: F811
    """Behind port 443 canaries would ask in plain HTTP and see nothing: what to write is told."""
    async with provider(authority.serving("pay.test")) as (address, _):
        (found,) = await look_at_tunnel("pay", Link(upstream="pay.test:443"), "pay.test:443", address, None, CLOCK)
        assert found.verdict == "fail" and found.fix == "tls: {server_name: pay.test}"
    plain = await asyncio.start_server(lambda _, writer: writer.write(b"220 mail\r\n"), "127.0.0.1", 0)
    address = f"127.0.0.1:{plain.sockets[0].getsockname()[1]}"
    assert await look_at_tunnel("pay", Link(upstream="pay.test:443"), "pay.test:443", address, None, CLOCK) == []
    plain.close()
