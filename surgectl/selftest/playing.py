"""Plays one rehearsal of the matrix through the front door that every user has: `surgectl run`, as a child."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from surgectl.clock import Clock
from surgectl.selftest.cell import Cell
from surgectl.selftest.seen import Played, played

AT_MOST_S = 150.0
SLOW_AT_MOST_S = 600.0
_KIND_S = 30.0
"""From a first signal to the end: heal, drain, read the books, judge."""
_HURRIED_S = 6.0
"""From a second signal to the end: heal, and leave."""


class Playing:
    """One cell under way. `await run()` once; `stop()` ends it politely, and at the second call at once."""

    def __init__(self, cell: Cell, home: Path, clock: Clock, *, at_most_s: float = AT_MOST_S) -> None:
        """`home` is where its folder is made."""
        self.cell = cell
        self.folder: Path | None = None
        """What it leaves behind, until somebody forgets it."""
        self._home = home
        self._clock = clock
        self._at_most_s = at_most_s
        self._process: Process | None = None
        self._asked = 0

    async def run(self) -> Played:
        """What it came to; whatever happens to the child, it has ended when this returns or is cancelled."""
        self.folder = Path(tempfile.mkdtemp(prefix="surgectl-selftest-", dir=self._home))
        begun_ns = self._clock.now_ns()
        out, err = self.folder / "report.json", self.folder / "said.txt"
        with out.open("wb") as to_out, err.open("wb") as to_err:
            # A session of its own: Ctrl-C at the terminal reaches us alone, and we ask the children, once.
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "surgectl", "run", *self.cell.arguments()),
                *("--reports", str(self.folder / "reports"), "--json", "--no-tui"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=to_out,
                stderr=to_err,
                cwd=self.folder,  # profiles that lie about where we were started must not take part
                env=environment(os.environ),
                start_new_session=True,
            )
        late = ""
        try:
            try:
                await asyncio.wait_for(self._process.wait(), self._at_most_s)
            except TimeoutError:
                late = f"it was not over after {self._at_most_s:g}s"
                await self._end()
        except asyncio.CancelledError:
            await self._end()
            raise
        seconds = (self._clock.now_ns() - begun_ns) / 1e9
        code = self._process.returncode
        if late:
            return Played(exit_code=code if code is not None else -1, seconds=seconds, broken=late)
        said = err.read_text("utf-8", errors="replace")
        return played(out.read_bytes(), exit_code=code if code is not None else -1, seconds=seconds, said=said)

    def stop(self) -> None:
        """Ask it to end: the first time it heals and judges what there is, the second time it heals and leaves."""
        self._asked += 1
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGINT)

    def forget(self) -> None:
        """Delete what it left behind."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    async def _end(self) -> None:
        """Kindly, then in a hurry, then without asking: only a child that is broken itself comes to that."""
        process = self._process
        if process is None:
            return
        for patience_s in (_KIND_S, _HURRIED_S):
            self.stop()
            try:
                await asyncio.wait_for(process.wait(), patience_s)
                return
            except TimeoutError:
                continue
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """What a child sees: no setting of somebody's own rehearsals reaches the matrix, and none tells a build server."""
    return {k: v for k, v in given.items() if not k.startswith(("SURGECTL_", "GITHUB_")) or k == "SURGECTL_DEBUG"}
