"""Finds a Toxiproxy to work with: the one that is given, one on this machine, or the embedded one.

A server that we start ends with us: the embedded proxy watches its standard input, a real one is told by the kernel
(prctl PR_SET_PDEATHSIG on Linux). So even after a kill -9 no fault of ours outlives us on a server of ours.
"""

from __future__ import annotations

import asyncio
import ctypes
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import msgspec

from surgectl.chaos.ports import Port
from surgectl.chaos.toxiproxy import Toxiproxy, ToxiproxyError
from surgectl.clock import Clock
from surgectl.errors import InconclusiveError, UsageError

_PR_SET_PDEATHSIG = 1
_START_TRIES = 3


class Launched(msgspec.Struct, frozen=True, kw_only=True):
    """A Toxiproxy server that answers."""

    server: Toxiproxy
    kind: Literal["given", "toxiproxy-server", "embedded"]
    version: str
    process: asyncio.subprocess.Process | None = None
    """Ours, where we started it."""

    async def stop(self) -> None:
        """End a server of ours before its time."""
        if self.process is not None:
            await end(self.process)


@asynccontextmanager
async def launched(
    clock: Clock, *, url: str | None = None, seed: int = 0, embedded: bool = False
) -> AsyncIterator[Launched]:
    """A working Toxiproxy for the length of the block: `url`, else `toxiproxy-server` on PATH, else the embedded one.

    UsageError where a given URL is not a Toxiproxy; InconclusiveError where none can be started.
    """
    if url is not None:
        server = Toxiproxy(url)
        try:
            version = await server.version()
        except ToxiproxyError as error:
            raise UsageError(str(error), where="--toxiproxy", hint="is a toxiproxy-server listening there?") from error
        yield Launched(server=server, kind="given", version=version)
        return
    real = None if embedded else shutil.which("toxiproxy-server")
    process, server = await (_start_real(real, clock) if real else _start_embedded(seed))
    try:
        yield Launched(
            server=server,
            kind="toxiproxy-server" if real else "embedded",
            version=await server.version(),
            process=process,
        )
    finally:
        await end(process)


async def end(process: asyncio.subprocess.Process, patience_s: float = 5.0) -> None:
    """End a child process of ours: politely, then not."""
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), patience_s)
        except TimeoutError:
            process.kill()
            await process.wait()


def die_with_parent() -> None:
    """Ask the kernel to end this process when its parent dies. Runs in the child, before exec; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def _start_real(path: str, clock: Clock) -> tuple[asyncio.subprocess.Process, Toxiproxy]:
    trouble = ""
    for _ in range(_START_TRIES):
        port = Port()
        process = await asyncio.create_subprocess_exec(
            path,
            *("-host", "127.0.0.1", "-port", str(port.number)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C is for us: the proxy must live until we have healed
            preexec_fn=die_with_parent,
        )
        server = Toxiproxy(f"http://127.0.0.1:{port.number}")
        for _ in range(100):
            try:
                await server.version()
                return process, server
            except ToxiproxyError as error:
                trouble = str(error)
            if process.returncode is not None:
                trouble = f"it ended with exit code {process.returncode}"
                break
            await clock.sleep_until_ns(clock.now_ns() + 50_000_000)
        await end(process)
    raise InconclusiveError(f"{path} does not start: {trouble}", hint="use --toxiproxy URL, or --embedded-proxy")


async def _start_embedded(seed: int) -> tuple[asyncio.subprocess.Process, Toxiproxy]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "surgectl", "stage", "proxy", "--listen", "127.0.0.1:0", "--seed", str(seed), "--until-stdin-closes"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 20)
        url = msgspec.json.decode(line, type=dict[str, str])["url"]
    except (TimeoutError, msgspec.DecodeError, KeyError) as error:
        await end(process)
        raise InconclusiveError("the embedded proxy does not start", hint="try: surgectl stage proxy") from error
    return process, Toxiproxy(url)
