"""Arrivals paused by hand: whoever was due never comes, the plan does not move, and nobody is blamed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from surgectl.engine.runners.inline import InlineRunner
from surgectl.engine.scene import Part
from surgectl.fans.dialogue import Leave, Script
from surgectl.journey.messages import Reply, Wire
from surgectl.live.view import LiveView
from surgectl.plan.model import Arrival
from surgectl.recording.rows import DroppedRow, IntentRow
from tests.engine.stagehands import CLOCK, MS, S, in_memory, part, rows, virtually


def leaves() -> Script:
    yield Leave(end="closed", outcome="fail")


def cast(arrival: Arrival, now_ns: int) -> Part:
    return part(arrival, now_ns, leaves())


async def never_asked(wire: Wire) -> Reply:
    raise AssertionError("nobody sends anything here")


def played(folder: Path, main: Any) -> list[Any]:
    async def whole() -> None:
        start = CLOCK.now_ns()
        runner = in_memory(folder, never_asked, cast, fans=100, every_ns=100 * MS, lasts_ns=10 * S)
        async with runner:
            load = asyncio.create_task(runner.load())
            await main(runner, start)
            await load
            assert runner.now_ns() == 10 * S
            await runner.drain(S)
        tally = runner.tally()
        assert (tally.arrived + tally.paused, tally.dropped, tally.late) == (100, 0, 0)

    virtually(whole)
    return rows(folder / "ops" / "0.jsonl.zst")


def test_who_is_due_in_a_pause_never_comes(tmp_path: Path) -> None:
    """Fans due from 2 s to 5 s do not come, each is journalled as paused, and the others come when they were due."""

    async def main(runner: InlineRunner, start: int) -> None:
        await CLOCK.sleep_until_ns(start + 1950 * MS)
        runner.pause_arrivals(True)
        await CLOCK.sleep_until_ns(start + 4950 * MS)
        runner.pause_arrivals(False)

    found = played(tmp_path, main)
    gone = [row for row in found if isinstance(row, DroppedRow)]
    assert [row.fan for row in gone] == list(range(20, 50)) and {row.why for row in gone} == {"paused"}
    came = [row for row in found if isinstance(row, IntentRow)]
    assert len(came) == 70 and all(0 <= row.at_ns - row.due_ns < MS for row in came)
    view = LiveView((), (), 100, 10 * S)
    view.fold_all(found)
    snap = view.snapshot(10 * S)
    assert (snap.paused, snap.dropped, snap.funnel["arrived"]) == (30, 0, 70)


def test_a_pause_that_nobody_ends_ends_with_the_load(tmp_path: Path) -> None:
    """The load is over when it was to be over, however many never came."""

    async def main(runner: InlineRunner, start: int) -> None:
        runner.pause_arrivals(True)

    found = played(tmp_path, main)
    assert len(found) == 100 and all(isinstance(row, DroppedRow) for row in found)


@pytest.mark.parametrize("behind,why", [("drop", "late"), ("late", "paused")])
def test_a_pause_excuses_nobody_who_is_behind(tmp_path: Path, behind: Any, why: str) -> None:
    """Where this machine was too late for an arrival anyway, a pause is not why it was dropped."""

    async def whole() -> None:
        runner = in_memory(
            tmp_path,
            never_asked,
            cast,
            fans=3,
            every_ns=MS,
            lasts_ns=5 * S + MS,
            overdue_ns=5 * S,  # all of them
            behind=behind,
        )
        async with runner:
            runner.pause_arrivals(True)
            await runner.load()

    virtually(whole)
    assert [row.why for row in rows(tmp_path / "ops" / "0.jsonl.zst")] == [why] * 3
