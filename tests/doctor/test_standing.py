"""Proxies of somebody else's: what passed through them, as far as their server counts, and what was left on them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from surgectl.chaos.toxiproxy import ProxyState, Toxiproxy
from surgectl.clock import SystemClock
from surgectl.doctor.patient import Bought
from surgectl.doctor.standing import Standing, counted, of_standing, standing
from surgectl.profile.link import Link
from surgectl.proxy.server import serving as proxy_serving
from tests.doctor.patients import said, shop, wrong
from tests.toxiproxy_binary import NOT_FOUND, find_toxiproxy, running_toxiproxy

CLOCK = SystemClock()
BOUGHT = Bought(run="r", intent="i", end="confirmed", outcome="ok", requests=3, minted={}, claims={})
METRICS = """\
# HELP toxiproxy_proxy_received_bytes_total
# TYPE toxiproxy_proxy_received_bytes_total counter
toxiproxy_proxy_received_bytes_total{direction="downstream",listener="127.0.0.1:1",proxy="pay",upstream="u:1"} 900
toxiproxy_proxy_received_bytes_total{direction="upstream",listener="127.0.0.1:1",proxy="pay",upstream="u:1"} 1.2e+03
toxiproxy_proxy_received_bytes_total{direction="upstream",listener="127.0.0.1:2",proxy="mail",upstream="u:2"} 7
toxiproxy_proxy_sent_bytes_total{direction="upstream",listener="127.0.0.1:1",proxy="pay",upstream="u:1"} 1200
"""


def stands(received: int | None = None, *toxics: str) -> Standing:
    named = [
        {"name": name, "type": "latency", "stream": "downstream", "toxicity": 1.0, "attributes": {}} for name in toxics
    ]
    state = {"name": "pay", "listen": "127.0.0.1:1", "upstream": "u:1", "enabled": True, "toxics": named}
    return Standing(proxy=msgspec.convert(state, ProxyState), received=received)


def test_bytes_of_the_shop_are_counted_by_proxy() -> None:
    """Those that came from clients, not the replies; a server that counted nothing has no line."""
    assert counted(METRICS) == {"pay": 1200, "mail": 7}
    assert counted("") == counted("<html>404") == {}


@pytest.mark.parametrize(
    ("before", "after", "verdict", "words"),
    [
        (stands(1000), stands(1700), "pass", "700 bytes came this way"),
        (stands(1000), stands(1000), "unknown", "only once it has ended"),
        (stands(), stands(), "unknown", "does not count -> start it with -proxy-metrics"),
    ],
    ids=["it grew", "it did not", "nobody counts"],
)
def test_the_way_through_a_proxy_of_yours(before: Standing, after: Standing, verdict: str, words: str) -> None:
    """A number that grew is proof; one that did not is none, for open connections are not counted yet."""
    found = of_standing("payments", before, after, BOUGHT)
    assert said(found, "payments the shop's way")[0] == verdict and words in said(found, "payments the shop's way")[1]
    assert wrong(found) == [] and said(found, "payments faults")[1].startswith("no toxic on proxy pay")


def test_a_fault_that_was_left_on_it() -> None:
    """Before or after, of ours or of theirs: to be put right, and by which command."""
    found = of_standing("payments", stands(), stands(None, "surgectl-old-f1-slow"), BOUGHT)
    assert wrong(found) == ["payments faults"] and "chaos heal" in said(found, "payments faults")[1]
    found = of_standing("payments", stands(None, "theirs"), stands(), BOUGHT)
    assert wrong(found) == ["payments faults"] and "theirs" in said(found, "payments faults")[1]


def test_a_proxy_that_is_taken_away_meanwhile() -> None:
    """To be put right: the next purchase would find nobody there."""
    assert wrong(of_standing("payments", stands(), None, BOUGHT)) == ["payments the shop's way"]


async def test_found_by_name_or_as_ours(tmp_path: Path) -> None:
    """On a server that was there before: the proxy that is named, and the one that a stage put up for us."""
    async with proxy_serving("127.0.0.1:0", 7, False, CLOCK) as url:
        server = Toxiproxy(url)
        for name in ("pay", "surgectl-cache", "other"):
            await server.create(name, "127.0.0.1:9", "127.0.0.1:0")
        target = shop(
            links={
                "payments": {"proxy": "pay"},
                "cache": {"upstream": "127.0.0.1:9"},
                "mail": {"upstream": "127.0.0.1:25"},
            }
        )
        found = await standing(url, target.links)
        assert {name: one.proxy.name for name, one in found.items()} == {"payments": "pay", "cache": "surgectl-cache"}
        assert {one.received for one in found.values()} == {None}, "this server counts nothing"
        assert await standing(None, target.links) == await standing("http://127.0.0.1:1", target.links) == {}


@pytest.mark.real
async def test_the_original_counts_what_came_through(tmp_path: Path) -> None:
    """A toxiproxy-server that was started with -proxy-metrics: 123 bytes, once their connection has ended."""
    binary = find_toxiproxy()
    if binary is None:
        pytest.skip(NOT_FOUND)
    links = {"payments": Link(proxy="pay")}

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    with running_toxiproxy(binary, "-proxy-metrics") as url:
        upstream = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        address = f"127.0.0.1:{upstream.sockets[0].getsockname()[1]}"
        proxy = await Toxiproxy(url).create("pay", address, "127.0.0.1:0")
        before = (await standing(url, links))["payments"]
        host, _, port = proxy.listen.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"x" * 123)
        writer.write_eof()
        await reader.read()
        writer.close()
        async with asyncio.timeout(10):
            while (after := (await standing(url, links))["payments"]).received == before.received:
                await asyncio.sleep(0.02)
        upstream.close()
    assert (before.received, after.received) == (0, 123)
    assert said(of_standing("payments", before, after, BOUGHT), "payments the shop's way")[0] == "pass"
