"""Box office processes of several kinds on the same books, for these tests."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec


class Process:
    """One part of the stage in a process of its own, as the troupe starts it."""

    def __init__(self, child: asyncio.subprocess.Process, ready: dict[str, str]) -> None:
        self.child = child
        self.ready = ready

    async def kill(self) -> None:
        """As kill -9 does it."""
        self.child.kill()
        await self.child.wait()

    async def end(self) -> int:
        assert self.child.stdin is not None
        self.child.stdin.close()
        return await asyncio.wait_for(self.child.wait(), 10)


@asynccontextmanager
async def process(verb: str, **said: str | int | float | bool) -> AsyncIterator[Process]:
    """`surgectl stage VERB` with these options, ended with the block unless it was before."""
    words: list[str] = []
    for name, value in said.items():
        option = f"--{name.replace('_', '-')}"
        words += [option] if value is True else [option, str(value)]
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "surgectl", "stage", verb, "--until-stdin-closes", *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert child.stdout is not None
        ready: dict[str, Any] = msgspec.json.decode(await asyncio.wait_for(child.stdout.readline(), 30))
        assert ready["ready"] == verb
        yield Process(child, ready)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
