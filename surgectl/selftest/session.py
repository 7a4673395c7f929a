"""The whole matrix: a few rehearsals at once, the doubtful ones once more and alone, and a way to stop it politely."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from surgectl.clock import Clock
from surgectl.selftest.cell import BRUNT, Cell, Scene
from surgectl.selftest.matrix import Row, is_wrong
from surgectl.selftest.offence import Offence
from surgectl.selftest.playing import AT_MOST_S, SLOW_AT_MOST_S, Playing
from surgectl.selftest.seen import Played
from surgectl.selftest.verdict import Verdict, of_innocent, of_offence


class Session:
    """`await run()` once. `rows` and `under_way` may be looked at meanwhile."""

    def __init__(
        self,
        cells: Sequence[Cell],
        offences: Sequence[Offence],
        scenes: Mapping[str, Scene],
        *,
        jobs: int,
        home: Path,
        clock: Clock,
        tell: Callable[[Row], None],
    ) -> None:
        """`home` is where recordings lie, and where those that ended wrongly stay; `tell` hears of every row, and
        of those that will be played again."""
        self.cells = tuple(cells)
        self.rows: list[Row] = []
        self.under_way: list[Playing] = []
        self.stopped = False
        self._offences = {offence.defect: offence for offence in offences}
        self._scenes = scenes
        self._jobs = jobs
        self._home = home
        self._clock = clock
        self._tell = tell

    async def run(self) -> list[Row]:
        """The rows in the programme's order; fewer where somebody stopped it."""
        waiting = list(reversed(self.cells))
        again: list[Row] = []

        async def take() -> None:
            while waiting and not self.stopped:
                row = await self._play(waiting.pop())
                if row is None:
                    return
                if row.word == "inconclusive" and not row.played.hopeless:
                    self._tell(row)
                    again.append(row)
                else:
                    self._add(row)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._jobs, len(self.cells))):
                group.create_task(take())
        for first in again:
            # What was too slow in company gets the machine for itself, once: never again until it fits.
            second = None if self.stopped else await self._play(first.cell, first)
            self._add(second or first)
        order = {cell: place for place, cell in enumerate(self.cells)}
        self.rows.sort(key=lambda row: order[row.cell])
        return self.rows

    def stop(self) -> None:
        """Begin nothing more, and ask what is under way to end; at the second call, at once."""
        self.stopped = True
        for playing in list(self.under_way):
            playing.stop()

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        self._tell(row)

    async def _play(self, cell: Cell, first: Row | None = None) -> Row | None:
        """Its row; None where it was stopped before its end, for half a rehearsal shows nothing."""
        offence = self._offences[cell.defect] if cell.defect is not None else None
        slow = any(other.slow and other.scene == cell.scene for other in self._offences.values())
        playing = Playing(cell, self._home, self._clock, at_most_s=SLOW_AT_MOST_S if slow else AT_MOST_S)
        self.under_way.append(playing)
        try:
            played = await playing.run()
            if self.stopped:
                playing.forget()
                return None
        except BaseException:
            playing.forget()
            raise
        finally:
            self.under_way.remove(playing)
        row = Row(
            cell=cell,
            verdict=self._judged(cell, offence, played),
            played=played,
            again=first is not None,
            first_why=first.verdict.why if first else "",
            kept=str(playing.folder),
        )
        if not is_wrong(row):
            playing.forget()
            row = Row(cell=cell, verdict=row.verdict, played=played, again=row.again, first_why=row.first_why)
        return row

    def _judged(self, cell: Cell, offence: Offence | None, played: Played) -> Verdict:
        if offence is not None:
            return of_offence(offence, played)
        scene = self._scenes[cell.scene]
        return of_innocent(scene.required, played, BRUNT if cell.breaks_payments else {})
