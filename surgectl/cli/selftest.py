"""`surgectl selftest`: who tests the tester. Every wrong shop must be found out, and no right one accused.

Each rehearsal of the matrix is a `surgectl run` of its own. Exit codes: 0 every defect was caught and the right shop
acquitted everywhere · 11 the audit is wrong: something was missed, accused, or hidden behind an `unknown` · 12 nobody
can say: rehearsals stayed inconclusive, or defects did not get their chance · 2 usage · 130, 143 stopped by a signal.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from surgectl import gate
from surgectl.clock import SystemClock
from surgectl.errors import UsageError
from surgectl.selftest import tables
from surgectl.selftest.matrix import Matrix, Row, matrix, told_of
from surgectl.selftest.offences import OFFENCES
from surgectl.selftest.programme import QUICK, Wanted, programme, scenes_of
from surgectl.selftest.session import Session

_PER_CORE = 1.5
"""A rehearsal keeps about half a core busy for ten seconds: more at once, and generators starve."""
_FRAMES_PER_S = 4


def selftest(
    quick: Annotated[
        bool,
        typer.Option("--quick", help="For CI: two dozen defects, and the right shop under each brownout."),
    ] = False,
    seeds: Annotated[int, typer.Option(min=1, help="Rehearsals of each defect.")] = 5,
    innocent_seeds: Annotated[
        int, typer.Option(min=1, help="Rehearsals of the right shop, under each brownout and in each scene.")
    ] = 20,
    first_seed: Annotated[int, typer.Option(min=0, help="The seeds count from here.")] = 1,
    only: Annotated[
        list[str] | None, typer.Option(help="Only this defect, brownout (or none) or scene; may be repeated.")
    ] = None,
    slow: Annotated[bool, typer.Option("--slow", help="Defects that take minutes, too (recovery, metastability).")] = (
        False
    ),
    jobs: Annotated[int | None, typer.Option(min=1, help="Rehearsals at once; default: what the cores carry.")] = None,
    reports: Annotated[
        Path | None, typer.Option(help="Where recordings that ended wrongly are kept; default: a temporary folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Play shops that are wrong on purpose, and right ones under every brownout: is the audit to be believed?

    Exit 0: every defect was caught, the right shop acquitted everywhere. 11: the audit is wrong: it missed a defect,
    accused a right shop, or hid behind `unknown`. 12: nobody can say, or a defect had its chance in fewer than nine of
    ten rehearsals.
    """
    wanted = Wanted(
        seeds=QUICK.seeds if quick else seeds,
        innocent_seeds=QUICK.innocent_seeds if quick else innocent_seeds,
        first_seed=first_seed,
        only=tuple(only or ()),
        slow=slow,
        quick=quick,
    )
    cells = programme(wanted, OFFENCES)
    clock = SystemClock()
    begun_ns = clock.now_ns()
    told = Console(stderr=True) if as_json or not sys.stdout.isatty() else Console()
    watch = _Watch(told, clock)
    session = Session(
        cells,
        OFFENCES,
        scenes_of(cells),
        jobs=jobs or jobs_for(os.cpu_count()),
        home=_home(reports),
        clock=clock,
        tell=watch.tell,
    )
    signalled = asyncio.run(_played(session, watch))
    found = matrix(session.rows, seconds=(clock.now_ns() - begun_ns) / 1e9, stopped=signalled is not None)
    if as_json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    else:
        tables.show(found, Console(width=None if sys.stdout.isatty() else 200))
    raise typer.Exit(exit_code(found, signalled))


def exit_code(found: Matrix, signalled: int | None = None) -> int:
    """What it means to a build server: a proven mistake of the audit outweighs whatever cut it short."""
    if found.wrong:
        return gate.LEDGER
    if signalled is not None:
        return 128 + signalled
    return gate.PASS if found.complete else gate.INCONCLUSIVE


def jobs_for(cores: int | None) -> int:
    """How many rehearsals this machine carries at once."""
    return max(1, int((cores or 1) * _PER_CORE))


def _home(reports: Path | None) -> Path:
    if reports is None:
        return Path(tempfile.gettempdir())
    try:
        reports.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"no folder can be made: {error.strerror}", where="--reports", hint="name another") from error
    return reports.resolve()


async def _played(session: Session, watch: _Watch) -> int | None:
    """Play it all; the signal that stopped it, if one did."""
    signalled: list[int] = []

    def stop(number: int) -> None:
        signalled.append(number)
        session.stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    try:
        look = asyncio.create_task(watch.look(session))
        try:
            await session.run()
        finally:
            look.cancel()
            with suppress(asyncio.CancelledError):
                await look
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return signalled[0] if signalled else None


class _Watch:
    """A line that moves on a terminal, a line for each rehearsal everywhere else."""

    def __init__(self, console: Console, clock: SystemClock) -> None:
        self._console = console
        self._clock = clock
        self._moves = console.is_terminal and not console.is_dumb_terminal and "NO_COLOR" not in os.environ

    def tell(self, row: Row) -> None:
        if not self._moves:
            self._console.print(tables.line(told_of(row)), soft_wrap=True)

    async def look(self, session: Session) -> None:
        begun_ns = self._clock.now_ns()
        if not self._moves:
            return
        with Live(Text(""), console=self._console, transient=True, auto_refresh=False) as live:
            while True:
                words = Counter(row.word for row in session.rows)
                cells = [playing.cell for playing in session.under_way]
                seconds = (self._clock.now_ns() - begun_ns) / 1e9
                live.update(
                    tables.under_way(cells, len(session.rows), len(session.cells), words, seconds), refresh=True
                )
                await asyncio.sleep(1 / _FRAMES_PER_S)
