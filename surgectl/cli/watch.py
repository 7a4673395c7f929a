"""`surgectl watch`: the dashboard again, of a rehearsal that runs in another terminal or of one that is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.text import Text

from surgectl.cli.chaos import is_alive
from surgectl.cli.terminal import is_a_screen, terminal
from surgectl.cli.watching import drawn
from surgectl.clock import Clock, SystemClock
from surgectl.errors import UsageError
from surgectl.live.dashboard import Dashboard, screen
from surgectl.live.keys import Key
from surgectl.live.plain import EVERY_S, events, line
from surgectl.live.replay import Replay
from surgectl.live.snapshot import Snapshot
from surgectl.recording import manifest as manifests
from surgectl.recording.manifest import Manifest
from surgectl.units import NS_PER_S, parse_duration_ns, show_money

_LOOK_S = 0.1
_MANIFEST_EVERY = 10
"""Looks at the files for each look at run.json."""
_FRESH_S = 10.0
"""A recording that was written to so lately belongs to a rehearsal that runs, perhaps on another machine."""


def watch(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="A run's folder; none: the newest under reports/.")
    ] = None,
    speed: Annotated[str, typer.Option(help="How fast a finished one is played again, e.g. 1x or 60x.")] = "10x",
    at: Annotated[str | None, typer.Option(help="Show one instant of it, e.g. 42s, and end.")] = None,
    reports: Annotated[Path, typer.Option(help="Where runs are kept, to find the newest one.")] = Path("reports"),
    tui: Annotated[bool, typer.Option(help="The dashboard, where there is a terminal for it.")] = True,
) -> None:
    """Watch a rehearsal that runs, or see one again that is over. Nothing is sent, broken or written.

    Keys: q leaves, space holds a replay and lets it go on.
    """
    place = (folder or newest(reports)).resolve()
    faster = _speed(speed)
    watching = Watching(place, SystemClock(), speed=faster)
    console = Console()
    if at is not None:
        _show(console, watching.instant(_instant(at)), watching, tui=tui and is_a_screen())
    else:
        uvloop.run(watching.run(console, tui=tui and is_a_screen()))


def newest(reports: Path) -> Path:
    """The folder of the run that began last. UsageError where there is none."""
    runs = [path.parent for path in reports.glob("*/*/run.json") if not path.parent.is_symlink()]
    if not runs:
        raise UsageError("there is no run", where=str(reports), hint="name the folder of one, or its --reports")
    return max(runs, key=lambda path: path.name)


class Watching:
    """One recording, and the instant of it that is shown."""

    def __init__(self, folder: Path, clock: Clock, *, speed: float) -> None:
        """UsageError where it is no recording."""
        self.manifest: Manifest = manifests.load(folder)
        self._folder = folder
        self._clock = clock
        self._speed = speed
        self._replay = Replay(folder, self.manifest, _late_at_most(self.manifest))
        self._live = self._runs()
        self._held = False
        self._left = asyncio.Event()
        self._at_ns = 0
        self._since_ns = clock.now_ns()

    def __repr__(self) -> str:
        return f"<Watching {self._folder}>"

    def instant(self, at_ns: int) -> Snapshot:
        """How it looked then."""
        self._replay.play_until(at_ns)
        return self._replay.snapshot(at_ns, self.manifest)

    def price(self, minor: int) -> str:
        """Money as the sale has it."""
        return show_money(minor, self.manifest.sale.currency if self.manifest.sale else "EUR")

    async def run(self, console: Console, *, tui: bool) -> None:
        """Until the end of a recording that runs; of a replay, until somebody leaves, or its end where nobody can."""
        if not tui:
            await self._tell(console)
            return
        with ExitStack() as stack:
            keys = terminal(self._hear)
            hint = "q leaves" if self._live else "space holds  q leaves"
            name = f"{self.manifest.profile} {'' if self._live else '(replay)'}"
            shown = Dashboard(name, self._look, self.price, hint=hint if keys else "Ctrl-C leaves")
            redrawing = stack.enter_context(drawn(shown, console, keys))
            drawing = asyncio.create_task(redrawing.run())
            playing = asyncio.create_task(self._play(lambda: None))
            leaving = asyncio.create_task(self._left.wait())
            try:
                await asyncio.wait({playing, leaving}, return_when=asyncio.FIRST_COMPLETED)
                if playing.done():
                    playing.result()
                    redrawing.soon()
                    if keys is not None:
                        await leaving  # the last picture stays until somebody has seen it
            finally:
                for task in (playing, leaving, drawing):
                    task.cancel()
                await asyncio.gather(playing, leaving, drawing, return_exceptions=True)
        console.print(line(self._look()), highlight=False, markup=False, soft_wrap=True)

    async def _tell(self, console: Console) -> None:
        told, next_ns = 0, 0

        def tell() -> None:
            nonlocal told, next_ns
            snap = self._look()
            for said in events(snap, told):
                console.print(said, highlight=False, markup=False, soft_wrap=True)
            told = snap.said
            if snap.now_ns >= next_ns:
                console.print(line(snap), highlight=False, markup=False, soft_wrap=True)
                next_ns = (snap.now_ns // round(EVERY_S * NS_PER_S) + 1) * round(EVERY_S * NS_PER_S)

        await self._play(tell)
        next_ns = 0
        tell()

    async def _play(self, tell: Callable[[], None]) -> None:
        """Move on until the recording's end, and tell after each step."""
        await (self._follow(tell) if self._live else self._play_again(tell))

    async def _follow(self, tell: Callable[[], None]) -> None:
        looks = 0
        while True:
            while self._replay.follow():
                await asyncio.sleep(0)
            tell()
            if (looks := looks + 1) % _MANIFEST_EVERY == 0:
                self.manifest = manifests.load(self._folder)
                if not self._runs():
                    break
            await asyncio.sleep(_LOOK_S)
        while self._replay.follow():
            await asyncio.sleep(0)
        self._at_ns = max(round(self.manifest.duration_s * NS_PER_S), self._replay.ends_ns)
        self._live = False

    async def _play_again(self, tell: Callable[[], None]) -> None:
        ends_ns = round(self.manifest.duration_s * NS_PER_S)
        more = True
        while more or self._at_ns < ends_ns:
            now_ns = self._clock.now_ns()
            if not self._held:
                self._at_ns += round((now_ns - self._since_ns) * self._speed)
            self._since_ns = now_ns
            more = self._replay.play_until(self._at_ns)
            if not more:
                self._at_ns = min(self._at_ns, max(ends_ns, self._replay.last_ns))
            tell()
            await asyncio.sleep(_LOOK_S)

    def _look(self) -> Snapshot:
        now_ns = self._at_ns
        if self._live:
            wall_s = self._clock.wall().timestamp()
            begun = self.manifest.started_monotonic_ns
            now_ns = round((wall_s - self.manifest.started_epoch_s) * NS_PER_S) if begun else 0
        return self._replay.snapshot(now_ns, self.manifest)

    def _hear(self, key: Key) -> None:
        if key in ("q", "Q"):
            self._left.set()
        elif key == " ":
            self._held = not self._held

    def _runs(self) -> bool:
        """Is it still being written?"""
        if self.manifest.status != "running":
            return False
        if is_alive(self.manifest.pid):
            return True
        written = max((path.stat().st_mtime for path in self._folder.rglob("*") if path.is_file()), default=0.0)
        return self._clock.wall().timestamp() - written < _FRESH_S


def _show(console: Console, snap: Snapshot, watching: Watching, *, tui: bool) -> None:
    if tui:
        width, height = console.size
        name = f"{watching.manifest.profile} (replay)"
        lines = screen(name, snap, watching.price, width, max(1, height - 1), hint="")
        console.print(Text("\n", no_wrap=True, overflow="crop").join(lines))
        return
    for said in events(snap, 0):
        console.print(said, highlight=False, markup=False, soft_wrap=True)
    console.print(line(snap), highlight=False, markup=False, soft_wrap=True)


def _late_at_most(manifest: Manifest) -> int | None:
    said = (manifest.rehearsal.get("generator") or {}).get("late_at_most")
    return parse_duration_ns(said) if isinstance(said, str) else None


def _speed(text: str) -> float:
    try:
        speed = float(text.strip().removesuffix("x"))
    except ValueError:
        speed = 0.0
    if not 0 < speed <= 100_000:
        raise UsageError(f"{text!r} is no speed", where="--speed", hint="try 1x, 10x or 60x")
    return speed


def _instant(text: str) -> int:
    try:
        return parse_duration_ns(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no time of a run", where="--at", hint="try 42s") from error
