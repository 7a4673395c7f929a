"""Runs the embedded proxy until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web

from surgectl.clock import Clock, SystemClock
from surgectl.errors import UsageError
from surgectl.pauses import rare_pauses
from surgectl.proxy import address
from surgectl.proxy.api import Api
from surgectl.proxy.registry import Registry
from surgectl.proxy.stub import Setting

_FAREWELL_S = 1.0


class Ready(msgspec.Struct, frozen=True):
    """The one line that a server prints: it listens now."""

    ready: str
    url: str


@asynccontextmanager
async def serving(listen: str, seed: int, strict: bool, clock: Clock) -> AsyncIterator[str]:
    """Serve the API at `listen` (HOST:PORT, port 0 for any) and yield its URL. UsageError where it cannot listen."""
    try:
        listener, shown = await address.listen(listen)
    except address.AddressError as error:
        raise UsageError(str(error), where=f"--listen {listen}", hint="try 127.0.0.1:0 for any free port") from error
    setting = Setting(loop=asyncio.get_running_loop(), clock=clock, seed=seed, strict=strict)
    registry = Registry(setting)
    runner = web.ServerRunner(web.Server(Api(registry).handle), shutdown_timeout=_FAREWELL_S)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield f"http://{shown.replace('[::]', '127.0.0.1')}"
    finally:
        registry.stop()
        await runner.cleanup()


async def run(listen: str, seed: int, strict: bool, until_stdin_closes: bool) -> None:
    """Serve until SIGINT or SIGTERM, or until stdin ends, and say so on stdout once ready."""
    _allow_many_sockets()
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serving(listen, seed, strict, SystemClock()) as url:
        rare_pauses()
        sys.stdout.write(msgspec.json.encode(Ready("proxy", url)).decode() + "\n")
        sys.stdout.flush()
        if until_stdin_closes:
            # A thread, since stdin may be a file or /dev/null, which no event loop can watch.
            threading.Thread(target=_wait_for_stdin, args=(loop, stop), daemon=True).start()
        await stop.wait()


def _wait_for_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    try:
        while os.read(0, 4096):
            pass
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)


def _allow_many_sockets() -> None:
    """Two sockets a connection: the usual soft limit of 1024 would end a rehearsal at 500 fans."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
