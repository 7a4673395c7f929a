"""Follows a run through its tap, a handful of rows at a time: whoever counts must never make a fan late."""

from __future__ import annotations

import asyncio

from surgectl.live.snapshot import LiveView
from surgectl.live.tap import Tap

_EVERY_S = 0.05
_AT_ONCE = 500
"""Rows: a quarter of a millisecond."""


async def follow(tap: Tap, view: LiveView) -> None:
    """Until cancelled."""
    while True:
        await asyncio.sleep(_EVERY_S)
        await catch_up(tap, view)


async def catch_up(tap: Tap, view: LiveView) -> None:
    """Count what came since the last time, and let the others have their turn in between."""
    rows = tap.drain()
    for first in range(0, len(rows), _AT_ONCE):
        view.fold_all(rows[first : first + _AT_ONCE])
        await asyncio.sleep(0)
    view.lost = tap.lost
