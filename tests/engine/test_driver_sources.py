"""Fans who come from several addresses: each always from the same one, on either driver and in any shard."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from surgectl.cli.driving import DriverName, driver_for
from surgectl.cli.located import pointing_at
from surgectl.engine.drivers import sources
from surgectl.engine.drivers.aiohttp_driver import current_mark
from surgectl.engine.drivers.driver import Mark
from surgectl.engine.drivers.sources import check_sources
from surgectl.engine.drivers.wire.wire_driver import WireDriver
from surgectl.errors import UsageError
from surgectl.journey.messages import Wire
from surgectl.profile.load import open_target
from tests.engine.conftest import CLOCK, Make

SOURCES = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]


@asynccontextmanager
async def shop() -> AsyncIterator[tuple[int, list[str]]]:
    """A shop that notes from where each request came: its port, and the notes."""
    came: list[str] = []

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                came.append(writer.get_extra_info("peername")[0])
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    server = await asyncio.start_server(visit, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], came
    finally:
        server.close()


def get(port: int) -> Wire:
    return Wire(method="GET", url=f"http://127.0.0.1:{port}/", timeout_ns=2_000_000_000)


@pytest.mark.parametrize("shards", [1, 2, 3])
@pytest.mark.parametrize("own", [True, False])
async def test_a_fan_comes_from_the_same_address_whoever_plays_it(shards: int, own: bool) -> None:
    """Fan 7 of three addresses is seen from the second, alone or as one of several shards, on own or shared sockets."""
    seen: dict[int, set[str]] = {}
    async with shop() as (port, came):
        for shard in range(shards):
            async with WireDriver(CLOCK, CLOCK.now_ns(), sources=SOURCES, own_connections=own) as driver:
                for fan in range(shard, 12, shards):
                    session = driver.session(fan=fan, cookies=bool(fan % 2))
                    for _ in range(2):
                        assert (await session.send(get(port), 0)).status == 200
                    seen[fan] = set(came[-2:])
                    session.close()
    assert seen == {fan: {SOURCES[fan % 3]} for fan in range(12)}
    assert Counter(came) == dict.fromkeys(SOURCES, 8)


async def test_shared_connections_are_shared_by_those_of_one_address() -> None:
    """A kept connection carries the next fan of its address, never one of another."""
    async with shop() as (port, _), WireDriver(CLOCK, CLOCK.now_ns(), sources=SOURCES) as driver:
        for fan in range(9):
            assert (await driver.session(fan=fan).send(get(port), 0)).status == 200
        assert driver.open_sockets == 3


async def test_whoever_listens_comes_from_there_too() -> None:
    """What is opened for a fan's pushes leaves from that fan's address."""
    async with shop() as (port, came), WireDriver(CLOCK, CLOCK.now_ns(), sources=SOURCES) as driver:
        for fan in (1, 2, 4):
            pushing = await driver.session(fan=fan).pushing()
            current_mark.set(mark := Mark())
            mark.sends = 1
            async with pushing.http.get(f"http://127.0.0.1:{port}/") as reply:
                assert reply.status == 200
    assert came == ["127.0.0.2", "127.0.0.3", "127.0.0.2"]


async def test_no_port_left_is_not_sent(make_driver: Make) -> None:
    """An address that we do not have (any more) means that no byte left, in the system's own words."""
    there = "192.0.2.1"  # RFC 5737: nobody's
    options = {"sources": [there]} if make_driver is WireDriver else {"source": there}
    async with shop() as (port, came), make_driver(CLOCK, CLOCK.now_ns(), **options) as driver:
        reply = await driver.session().send(get(port), 0)
    assert (reply.broken, reply.sent_ns, came) == ("not-sent", None, [])
    assert reply.detail.endswith("Cannot assign requested address")


async def test_one_address_on_the_other_driver(make_driver: Make) -> None:
    """Either driver comes from the one address that is named."""
    options = {"sources": ["127.0.0.9"]} if make_driver is WireDriver else {"source": "127.0.0.9"}
    async with shop() as (port, came), make_driver(CLOCK, CLOCK.now_ns(), **options) as driver:
        assert (await driver.session(fan=5).send(get(port), 0)).status == 200
    assert came == ["127.0.0.9"]


@pytest.mark.parametrize(
    ("bind", "url", "why"),
    [
        (["127.0.0.1", "192.0.2.1"], "http://127.0.0.1:1", "192.0.2.1 is no address of this machine"),
        (["::1"], "http://127.0.0.1:1", "::1 is an address of IPv6, and 127.0.0.1 has one of IPv4 alone"),
        (["127.0.0.2"], "http://192.0.2.1:1", "nothing leads from 127.0.0.2 to 192.0.2.1"),
    ],
)
async def test_addresses_that_cannot_be_come_from(bind: list[str], url: str, why: str) -> None:
    """Refused by name before anything is sent: not ours, of the other family, or without a way to the shop."""
    try:
        sources.bound(bind[-1]).close()
    except OSError:
        if ":" in bind[-1]:
            pytest.skip("no IPv6 here")
    with pytest.raises(UsageError) as refused:
        await check_sources(bind, [url])
    assert why in str(refused.value) and refused.value.where == f"bind[{len(bind) - 1}]"


async def test_the_mistake_has_its_line(tmp_path: Path) -> None:
    """Found out when the rehearsal begins, it is complained of where it stands in the target."""
    file = tmp_path / "shop.yaml"
    file.write_text(
        "surgectl-target: 1\nname: s\nbase_url: http://127.0.0.1:1\n"
        "bind:\n  - 127.0.0.2\n  - 192.0.2.1\njourney: [{step: a, get: /}]\n"
    )
    opened = open_target(file)
    with pytest.raises(UsageError, match=r"shop\.yaml:6: bind\[1\]: 192\.0\.2\.1 is no address of this machine"):
        with pointing_at(opened):
            await check_sources(opened.target.bind, [opened.target.base_url])


async def test_addresses_that_can() -> None:
    """Loopback reaches loopback, and nothing is said of a target without sources."""
    await check_sources(SOURCES, ["http://localhost:1", "http://127.0.0.1:2"])
    await check_sources([], ["http://192.0.2.1"])


def test_the_target_says_where_from(tmp_path: Path) -> None:
    """`bind:` reaches the wire driver; aiohttp takes one address and says so of more."""
    file = tmp_path / "shop.yaml"
    file.write_text(
        "surgectl-target: 1\nname: s\nbase_url: http://127.0.0.1:1\nbind: [127.1.0.0/30, 127.0.0.3]\n"
        "journey: [{step: a, get: /}]\n"
    )
    opened = open_target(file)
    driver = driver_for(DriverName.WIRE, opened, CLOCK, 0, None)
    assert isinstance(driver, WireDriver)
    for fan, address in ((0, "127.1.0.0"), (3, "127.1.0.3"), (4, "127.0.0.3"), (5, "127.1.0.0")):
        assert f"Side {address} of" in repr(driver.session(fan=fan)._asker)
    with pytest.raises(UsageError, match="one address alone"):
        driver_for(DriverName.AIOHTTP, opened, CLOCK, 0, None)
