"""Shows the run while it happens: a dashboard in a terminal, a line every few seconds anywhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rich.console import Console
from rich.live import Live

from surgectl.live.dashboard import FRAMES_PER_S, Dashboard
from surgectl.live.following import catch_up, follow
from surgectl.live.plain import EVERY_S, line
from surgectl.live.snapshot import LiveView, Snapshot
from surgectl.live.tap import Tap


@asynccontextmanager
async def watched(
    console: Console,
    name: str,
    view: LiveView,
    tap: Tap,
    now_ns: Callable[[], int],
    price: Callable[[int], str],
    *,
    tui: bool,
) -> AsyncIterator[None]:
    """Show the view for the length of the block. The screen is pulled at a fixed rate; the run never waits for it."""

    def look() -> Snapshot:
        return view.snapshot(now_ns())

    following = asyncio.create_task(follow(tap, view))
    if tui:
        with Live(
            Dashboard(name, look, price), console=console, screen=True, auto_refresh=False, redirect_stderr=False
        ) as screen:
            task = asyncio.create_task(_redraw(screen))
            try:
                yield
            finally:
                await _end(following)
                await _end(task)
    else:
        task = asyncio.create_task(_tell(console, look))
        try:
            yield
        finally:
            await _end(following)
            await _end(task)
            await catch_up(tap, view)
            console.print(line(look()), highlight=False, markup=False, soft_wrap=True)


async def _redraw(screen: Live) -> None:
    while True:
        screen.refresh()
        await asyncio.sleep(1 / FRAMES_PER_S)


async def _tell(console: Console, look: Callable[[], Snapshot]) -> None:
    told = 0
    while True:
        for _ in range(round(EVERY_S)):
            await asyncio.sleep(1)
            snap = look()
            for at_ns, said in snap.log[told:]:
                console.print(f"{max(0.0, at_ns / 1e9):4.0f}s * {said}", highlight=False, markup=False, soft_wrap=True)
            told = len(snap.log)
        console.print(line(look()), highlight=False, markup=False, soft_wrap=True)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
