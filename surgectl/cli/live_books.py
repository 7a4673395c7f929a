"""The shop's own counters on the dashboard, while it sells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from surgectl.clock import Clock
from surgectl.evidence.books import Books
from surgectl.evidence.live import LivePoller
from surgectl.evidence.reading import LIGHT
from surgectl.profile.load import OpenTarget


@asynccontextmanager
async def live_books(
    target: OpenTarget,
    variables: dict[str, object],
    since_epoch_s: float,
    clock: Clock,
    redact: Callable[[str], str],
    tell: Callable[[str, Mapping[str, int]], None],
) -> AsyncIterator[None]:
    """Poll the sources with `live:` lightly for the length of the block: they inform, they never judge."""
    books = Books(target.target, variables, since_epoch_s, clock, patience=LIGHT, root=target.folder, redact=redact)
    async with books:
        task = asyncio.create_task(LivePoller(books, clock, tell).run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
