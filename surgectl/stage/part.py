"""One part of the stage: a process that is started, killed and started again with the same words.

It watches its standard input: whatever becomes of us, it ends.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from surgectl.errors import InconclusiveError
from surgectl.stage.flags import Said, environment, words

READY_WITHIN_S = 30.0
_END_WITHIN_S = 10.0
_PASSWORD = re.compile(r"(://[^/@:\s]*):[^/@\s]+@")


def without_passwords(text: str) -> str:
    """The text with the password of every URL in it as ***."""
    return _PASSWORD.sub(r"\1:***@", text)


class Part:
    """A process of the stage. `lost` is told when it ends without being asked to."""

    def __init__(
        self,
        name: str,
        verb: str,
        options: type[msgspec.Struct],
        said: Mapping[str, Said],
        folder: Path,
        lost: Callable[[str, str], None],
    ) -> None:
        self.name = name
        self._verb = verb
        self._words = words(options, said)
        self._environment = {**os.environ, **environment(options, said)}
        self._log = folder / f"{name}.log"
        self._lost = lost
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._asked = False

    def __repr__(self) -> str:
        return f"<Part {self.name}, {f'process {self.pid}' if self.runs else 'not running'}>"

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    async def start(self) -> None:
        """Start it and wait for its word that it is ready. InconclusiveError where none comes."""
        self._asked = False
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "surgectl", "stage", self._verb, "--until-stdin-closes", *self._words),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=self._environment,
                start_new_session=True,  # a Ctrl-C is for us: the shop must answer until the fans have left
            )
        self._process = process
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), READY_WITHIN_S)
            msgspec.json.decode(line, type=dict[str, object])["ready"]
        except (TimeoutError, msgspec.DecodeError, KeyError) as error:
            self._asked = True
            await self._end()
            raise InconclusiveError(
                f"the stage's {self.name} does not start: {self._last_words() or 'no word from it'}",
                where=str(self._log.parent),
            ) from error
        self._watch = asyncio.create_task(self._watched(process), name=f"watch {self.name}")

    async def kill(self) -> int:
        """End it at once, as a power cut would (SIGKILL) → the process that is gone; 0 where none was running."""
        if self._process is None or not self.runs:
            return 0
        self._asked = True
        self._process.kill()
        await self._process.wait()
        return self._process.pid

    async def end(self) -> None:
        """End it kindly; where that takes too long, at once."""
        self._asked = True
        await self._end()
        if self._watch is not None:
            await self._watch

    async def _end(self) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _END_WITHIN_S)
            except TimeoutError:
                process.kill()
                await process.wait()

    async def _watched(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        if not self._asked:
            how = f"signal {-code}" if code < 0 else f"exit {code}"
            said = self._last_words()
            self._lost(self.name, f"the stage's {self.name} ended by itself ({how})" + (f": {said}" if said else ""))

    def _last_words(self) -> str:
        said = self._log.read_text("utf-8", "replace").strip().split("\n")[-1]
        return without_passwords(said)
