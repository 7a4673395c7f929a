"""Whoever counts for the screen counts every row once, also when it is told to stop in the middle."""

from __future__ import annotations

import asyncio

from surgectl.live.following import catch_up
from surgectl.live.tap import Tap
from surgectl.live.view import LiveView
from surgectl.recording.rows import DroppedRow

ROWS = 1_800


async def test_who_is_stopped_in_the_middle_loses_nothing() -> None:
    """What was not looked at yet is still in the tap for whoever looks last."""
    tap, view = Tap(), LiveView((), (), ROWS, 1)
    tap.publish_all([DroppedRow(fan=fan, due_ns=0, at_ns=0) for fan in range(ROWS)])
    counting = asyncio.create_task(catch_up(tap, view))
    await asyncio.sleep(0)
    counting.cancel()
    await asyncio.gather(counting, return_exceptions=True)
    assert 0 < view.snapshot(0).dropped < ROWS
    await catch_up(tap, view)
    assert view.snapshot(0).dropped == ROWS and not tap.drain()
