"""Follows a run through its tap, a handful of rows at a time: whoever counts must never make a fan late."""

from __future__ import annotations

import asyncio

from surgectl.live.tap import Tap
from surgectl.live.view import LiveView

_EVERY_S = 0.05
_AT_ONCE = 500
"""Rows: a quarter of a millisecond."""


async def follow(tap: Tap, view: LiveView) -> None:
    """Until cancelled."""
    while True:
        await asyncio.sleep(_EVERY_S)
        await catch_up(tap, view)


async def catch_up(tap: Tap, view: LiveView) -> None:
    """Count what had come by now, and let the others have their turn in between. Cancelled, nothing is left uncounted:
    what was not looked at is still in the tap."""
    for _ in range(0, len(tap), _AT_ONCE):
        view.fold_all(tap.drain(_AT_ONCE))
        view.lost = tap.lost
        await asyncio.sleep(0)
