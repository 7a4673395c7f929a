"""Shows the run while it happens: a dashboard in a terminal, a line every few seconds anywhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from typing import IO, cast

from rich.console import Console
from rich.live import Live

from surgectl.cli.patient import Patient
from surgectl.cli.steering import Steering
from surgectl.cli.terminal import Terminal, second_screen, terminal
from surgectl.clock import cpu_ns
from surgectl.live.dashboard import FRAMES_PER_S, Dashboard
from surgectl.live.following import catch_up, follow
from surgectl.live.plain import EVERY_S, events, line
from surgectl.live.prompt import KEYS
from surgectl.live.snapshot import Snapshot
from surgectl.live.tap import Tap
from surgectl.live.view import LiveView

AT_MOST_ONE_IN = 100
"""Of a core, drawing takes no more than this part (1 %)."""
TYPING_ONE_IN = 50
"""And while somebody presses keys, this one."""
_LAST_PICTURE_S = 1.0
"""So long at the end we wait for a terminal to take what was drawn."""


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
    steering: Steering | None = None,
) -> AsyncIterator[None]:
    """Show the view for the length of the block. The screen is pulled at a fixed rate; the run never waits for it.

    `steering` hears the keys, where there is a screen and a terminal to read them from.
    """

    def look() -> Snapshot:
        return view.snapshot(now_ns())

    following = asyncio.create_task(follow(tap, view))
    keys = terminal(steering.hear) if tui and steering is not None else None
    if tui:
        dashboard = Dashboard(name, look, price)
        if steering is not None and keys is not None:
            asked_by = steering
            dashboard = Dashboard(name, look, price, hint=KEYS, asked=lambda: asked_by.prompt)
        with ExitStack() as stack:
            redrawing = stack.enter_context(drawn(dashboard, console, keys))
            if steering is not None:
                steering.changed = redrawing.soon
            task = asyncio.create_task(redrawing.run())
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


@contextmanager
def drawn(dashboard: Dashboard, console: Console, keys: Terminal | None) -> Iterator[Redrawing]:
    """The terminal's second screen for the length of the `with`, and what draws on it; it never waits for a reader."""
    patient = Patient(console.file)
    try:
        with ExitStack() as stack:
            stack.enter_context(second_screen())
            if keys is not None:
                stack.enter_context(keys)
            on_it = Console(file=cast(IO[str], patient))
            screen = Live(dashboard, console=on_it, screen=True, auto_refresh=False, redirect_stderr=False)
            stack.enter_context(screen)
            yield Redrawing(screen.refresh, held_up=lambda: patient.busy)
    finally:
        patient.close_after(_LAST_PICTURE_S)


class Redrawing:
    """Draws a screen again and again, a few times a second, and never for more than a small share of a core."""

    def __init__(
        self,
        draw: Callable[[], None],
        *,
        held_up: Callable[[], bool] = lambda: False,
        cpu_ns: Callable[[], int] = cpu_ns,
    ) -> None:
        """`held_up`: is the last picture still on its way? Then there is no other."""
        self._draw = draw
        self._held_up = held_up
        self._cpu_ns = cpu_ns
        self._wanted = asyncio.Event()

    def soon(self) -> None:
        """Somebody pressed a key: do not let them wait for the next turn."""
        self._wanted.set()

    async def run(self) -> None:
        """Until cancelled."""
        before_s = 0.0
        while True:
            self._wanted.clear()
            begun_ns = self._cpu_ns()
            if not self._held_up():
                self._draw()
            cost_s = (self._cpu_ns() - begun_ns) / 1e9
            # The first picture costs a hundred, for all that is done once; so does one that a collection fell into.
            took_s, before_s = min(cost_s, before_s), cost_s
            # A large screen is drawn less often: it must not cost the crowd its time. By what it cost, not by how long
            # it took: on a machine that is busy with others those who look would be the last to see anything.
            await asyncio.sleep(took_s * TYPING_ONE_IN)
            rest_s = max(1 / FRAMES_PER_S, took_s * AT_MOST_ONE_IN) - took_s * TYPING_ONE_IN
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), max(0.0, rest_s))


async def _tell(console: Console, look: Callable[[], Snapshot]) -> None:
    told = 0
    while True:
        for _ in range(round(EVERY_S)):
            await asyncio.sleep(1)
            snap = look()
            for said in events(snap, told):
                console.print(said, highlight=False, markup=False, soft_wrap=True)
            told = snap.said
        console.print(line(look()), highlight=False, markup=False, soft_wrap=True)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
