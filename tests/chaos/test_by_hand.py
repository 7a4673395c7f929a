"""Faults by hand through a proxy: on when asked for, off when asked for, and never left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from surgectl.chaos import marks
from surgectl.chaos.links import opened
from surgectl.chaos.nemesis import Nemesis
from surgectl.chaos.toxiproxy import Toxiproxy
from surgectl.plan.model import PlannedFault
from surgectl.profile.link import Link
from surgectl.recording.rows import FaultRow
from tests.chaos.test_together import CLOCK, MS, server, upstream

__all__ = ["server", "upstream"]

pytestmark = [pytest.mark.real, pytest.mark.quiet]
LOAD_MS = 60_000


def fault(name: str, brownout: str) -> PlannedFault:
    return PlannedFault(fault=name, from_ns=0, to_ns=LOAD_MS * MS, link="pay", brownout=brownout)


class Stand:
    """A nemesis on one link, and what it recorded."""

    def __init__(self, nemesis: Nemesis, server: Toxiproxy, rows: list[FaultRow]) -> None:
        self.nemesis, self.server, self.rows = nemesis, server, rows

    def events(self, name: str) -> list[str]:
        return [row.event for row in self.rows if row.fault == name]

    async def until(self, name: str, event: str) -> None:
        await self.wait(lambda: event in self.events(name))

    async def wait(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not true():
                await asyncio.sleep(0.02)

    async def toxics(self) -> list[str]:
        """What is on the link, beside our claim on it."""
        state = (await self.server.proxies())["surgectl-pay"]
        assert state.enabled
        return [toxic.name for toxic in state.toxics if toxic.name != marks.claim("r1")]


@asynccontextmanager
async def standing(server: Toxiproxy, upstream: str) -> AsyncIterator[Stand]:
    rows: list[FaultRow] = []
    async with opened(server, {"pay": Link(upstream=upstream)}, "r1", print) as links:
        nemesis = Nemesis(server, links, run="r1", clock=CLOCK, start_ns=CLOCK.now_ns(), record=rows.append)
        async with nemesis:
            await nemesis.prepare()
            yield Stand(nemesis, server, rows)
        stand = Stand(nemesis, server, rows)
        assert await stand.toxics() == [] and nemesis.open_faults == ()


async def test_on_and_off_by_hand_beside_a_planned_one(server: Toxiproxy, upstream: str) -> None:
    """It is applied, seen in company, and cleared alone: the planned one on the same link stays until its own time."""
    async with standing(server, upstream) as stand:
        nemesis = stand.nemesis
        assert nemesis.links == ("pay",)
        play = asyncio.create_task(nemesis.play((fault("0", "reset"),)))
        await stand.until("0", "verified")
        assert nemesis.inject(fault("hand-1", "slow"))
        await stand.until("hand-1", "applied")
        assert nemesis.clear("hand-1")
        await stand.until("hand-1", "healed")
        assert not nemesis.clear("hand-1"), "it is over"
        assert [name for name in await stand.toxics() if "-0-" not in name] == []
        assert [open_.fault for open_ in nemesis.open_faults] == ["0"]
        assert nemesis.clear("0"), "a planned one can be cleared before its time, too"
        await asyncio.wait_for(play, 20)
        assert stand.events("0") == ["applied", "verified", "healed"]
        assert await stand.toxics() == []


async def test_the_end_of_everything_ends_one_by_hand(server: Toxiproxy, upstream: str) -> None:
    """A fault that nobody cleared is healed with the rest, and after that none is switched on."""
    async with standing(server, upstream) as stand:
        assert stand.nemesis.inject(fault("hand-1", "down"))
        await stand.until("hand-1", "verified")
        await stand.nemesis.heal()
        assert stand.events("hand-1") == ["applied", "verified", "healed"]
        assert not stand.nemesis.inject(fault("hand-2", "slow"))


async def test_switched_on_and_off_at_once_nothing_stays(server: Toxiproxy, upstream: str) -> None:
    """The end may come before the proxy has answered, by a key or for all: the toxic on its way is gone, too."""
    for after_ms in (0, 1, 3, 6, 10):
        async with standing(server, upstream) as stand:
            stand.nemesis.inject(fault("hand-1", "trickle"))
            await asyncio.sleep(after_ms / 1000)
            await stand.nemesis.heal()
            assert await stand.toxics() == []
    async with standing(server, upstream) as stand:
        stand.nemesis.inject(fault("hand-1", "trickle"))
        await stand.wait(lambda: bool(stand.nemesis.open_faults))
        assert stand.nemesis.clear("hand-1")
        await stand.until("hand-1", "healed")
        assert await stand.toxics() == []
