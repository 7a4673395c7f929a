"""A part of the stage in a process of its own that is killed and begun again, always at the same address."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

import msgspec

_RUN = """
import sys, json
from surgectl.cli.stage_{part} import serve_{part}
serve_{part}(json.loads(sys.argv[1]), until_stdin_closes=True)
"""


class Life:
    """One process after another with the same options (`shop` or `payments`)."""

    def __init__(self, part: str, options: dict[str, Any]) -> None:
        self.part = part
        self.options = options
        self.process: asyncio.subprocess.Process | None = None

    async def begin(self) -> str:
        """Start it, and wait until it answers → its URL."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _RUN.format(part=self.part),
            msgspec.json.encode(self.options).decode(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout is not None
        ready = msgspec.json.decode(await self.process.stdout.readline())
        assert ready["ready"] == self.part
        return str(ready["url"])

    async def kill(self) -> None:
        """kill -9; nothing happens to one that has ended."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def end(self, how: signal.Signals | None = None) -> int:
        """Ask it to stop: by a signal, or by closing its stdin."""
        assert self.process is not None
        assert self.process.stdin is not None
        if how is None:
            self.process.stdin.close()
        else:
            self.process.send_signal(how)
        return await asyncio.wait_for(self.process.wait(), 10)
