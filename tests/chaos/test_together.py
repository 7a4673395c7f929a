"""Several faults at once: each is healed by itself, in whatever order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import permutations
from pathlib import Path

import pytest
from aiohttp import web

from surgectl.chaos import canary, marks
from surgectl.chaos.brownouts import BROWNOUTS
from surgectl.chaos.launch import launched
from surgectl.chaos.links import opened
from surgectl.chaos.lookout import sign_of
from surgectl.chaos.nemesis import Nemesis
from surgectl.chaos.toxiproxy import Toxiproxy
from surgectl.clock import SystemClock
from surgectl.plan.model import PlannedFault
from surgectl.profile.link import Link
from surgectl.recording.rows import FaultRow

CLOCK = SystemClock()
MS = 1_000_000


@pytest.fixture
async def server() -> AsyncIterator[Toxiproxy]:
    async with launched(CLOCK, seed=7, embedded=True) as found:
        yield found.server


@pytest.fixture
async def upstream() -> AsyncIterator[str]:
    app = web.Application()

    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="x" * 400)

    app.router.add_get("/", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def fault(number: int, link: str, name: str, until_ms: int = 1_500) -> PlannedFault:
    return PlannedFault(fault=str(number), from_ns=0, to_ns=until_ms * MS, link=link, brownout=name)


def events(rows: list[FaultRow], number: int) -> list[str]:
    return [row.event for row in rows if row.fault == str(number)]


@pytest.mark.real
async def test_two_links_and_a_command_at_once(server: Toxiproxy, upstream: str, tmp_path: Path) -> None:
    """Down on one link, slow on another and a command: all three bite, all three are mended."""
    rows: list[FaultRow] = []
    gone = str(tmp_path / "gone")
    command = PlannedFault(
        fault="2",
        from_ns=0,
        to_ns=1_000 * MS,
        brownout="exec",
        run=("touch", gone),
        heal=("rm", gone),
        check=("test", "-e", gone),
    )
    links = {"one": Link(upstream=upstream), "two": Link(upstream=upstream)}
    async with opened(server, links, "r1", print) as open_links:
        async with Nemesis(server, open_links, run="r1", clock=CLOCK, start_ns=0, record=rows.append) as nemesis:
            await nemesis.prepare()
            nemesis.start_at(CLOCK.now_ns())
            await nemesis.play((fault(0, "one", "down"), fault(1, "two", "slow"), command))
        assert events(rows, 0) == events(rows, 1) == ["applied", "verified", "healed"], rows
        assert events(rows, 2) == ["begun", "applied", "verified", "healed"], rows
        for proxy in (await server.proxies()).values():
            assert proxy.enabled and [t.name for t in proxy.toxics] == [marks.claim("r1")]


@pytest.mark.real
async def test_the_order_of_healing_does_not_matter(server: Toxiproxy, upstream: str) -> None:
    """Down, down again and slow on one link: the door opens with the last `down` that goes, and nothing stays."""
    rows: list[FaultRow] = []
    faults = (fault(0, "it", "down"), fault(1, "it", "down"), fault(2, "it", "slow"))
    async with opened(server, {"it": Link(upstream=upstream)}, "r1", print) as links:
        nemesis = Nemesis(server, links, run="r1", clock=CLOCK, start_ns=CLOCK.now_ns(), record=rows.append)
        for order in permutations(range(3)):
            for one in faults:
                await nemesis.apply(one)
            closing = {0, 1}
            for number in order:
                await nemesis._undo(faults[number])
                del nemesis._open[str(number)]
                closing -= {number}
                proxy = (await server.proxies())["surgectl-it"]
                assert proxy.enabled is not bool(closing), order
                assert len(marks.marks(proxy, "r1")) == 1 + len(nemesis.open_faults)
        assert canary.fate(await canary.fly(links["it"].listen, CLOCK), await canary.fly(upstream, CLOCK)) == "usual"


@pytest.mark.real
async def test_a_flapping_door_stays_closed_while_another_fault_closes_it(server: Toxiproxy, upstream: str) -> None:
    """Down keeps a link closed through every flap; slow beside them is mended with the rest."""
    rows: list[FaultRow] = []
    async with opened(server, {"it": Link(upstream=upstream)}, "r1", print) as links:
        async with Nemesis(server, links, run="r1", clock=CLOCK, start_ns=0, record=rows.append) as nemesis:
            await nemesis.prepare()
            nemesis.start_at(CLOCK.now_ns())
            faults = (fault(0, "it", "flap", 1_500), fault(1, "it", "down", 1_500), fault(2, "it", "slow", 1_500))
            play = asyncio.create_task(nemesis.play(faults))
            await asyncio.sleep(0.5)
            while len(nemesis.open_faults) == 3 and not play.done():
                assert not (await server.proxies())["surgectl-it"].enabled or len(nemesis.open_faults) < 3
                await asyncio.sleep(0.1)
            await play
        assert [events(rows, n)[-1] for n in range(3)] == ["healed"] * 3, rows
        left = (await server.proxies())["surgectl-it"]
        assert left.enabled and [t.name for t in left.toxics] == [marks.claim("r1")]


@pytest.mark.real
async def test_a_command_that_mends_slowly_keeps_no_link_broken(
    server: Toxiproxy, upstream: str, tmp_path: Path
) -> None:
    """A toxic is gone long before a heal command of seconds has come to its end."""
    rows: list[FaultRow] = []
    slow = PlannedFault(
        fault="0", from_ns=0, to_ns=1, brownout="exec", run=("true",), heal=("sleep", "2"), check=("false",)
    )
    async with opened(server, {"it": Link(upstream=upstream)}, "r1", print) as links:
        nemesis = Nemesis(server, links, run="r1", clock=CLOCK, start_ns=CLOCK.now_ns(), record=rows.append)
        await nemesis.apply(slow)
        await nemesis.apply(fault(1, "it", "down"))
        healing = asyncio.create_task(nemesis.heal())
        while events(rows, 1)[-1] != "healed":
            await asyncio.sleep(0.02)
        assert events(rows, 0)[-1] == "applied"
        await healing
        assert events(rows, 0)[-1] == "healed"


def test_what_a_canary_may_be_blamed_on() -> None:
    """Alone, any suffering is a fault's work; in company only what the others do not do; twins are told as such."""
    slow, down, lost = (BROWNOUTS[name] for name in ("slow", "down", "lost-reply"))
    assert sign_of(slow, {"usual": 4}, []) is None
    assert sign_of(slow, {"silent": 4}, []) == ""
    assert sign_of(slow, {"refused": 4}, [down]) is None
    assert sign_of(slow, {"delayed": 4}, [down]) == ""
    assert sign_of(down, {"refused": 1, "usual": 3}, [slow]) == ""
    assert "look the same" in (sign_of(lost, {"silent": 1}, [lost]) or "")
