"""A fan who waits in the line between two polls, and one whose poll is on its way: the real engine, a whole crowd.

Parked fans meet a shop inside this process (no sockets: the shop's own memory is none); connected ones meet a small
server in another process, which never answers their poll, over the real wire driver.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import msgspec

from benchmarks.fans.crowd import LAST, NOWHERE, SHOP, crowd
from benchmarks.fans.resident import peak_bytes, resident_bytes
from surgectl.cli.casting import Company
from surgectl.clock import SystemClock
from surgectl.engine.drivers.driver import Driver
from surgectl.engine.drivers.memory_driver import MemoryDriver
from surgectl.engine.drivers.wire.wire_driver import WireDriver
from surgectl.engine.run import start_instant
from surgectl.engine.runners.inline import InlineRunner
from surgectl.journey.messages import Reply, Wire

_PER_S = 5_000
"""Fans who come in a second, at most: faster than the engine lets them in they would only queue."""
_WITHIN_S = 900.0
_LOOK_EVERY_S = 0.25
_JSON = (("Content-Type", "application/json"),)


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    """So many fans, all in the line at once."""

    fans: int
    sockets: int
    """Connections that they held while we looked; 0 without any."""
    bytes_per_fan: float
    """What the process grew by, from just before the first came, over the fans."""
    rss_bytes: int
    peak_bytes: int
    cpu_s: float
    """From the first arrival to the last fan in the line."""
    wall_s: float


async def parked(fans: int, folder: Path) -> NoReturn:
    """Nobody has a connection: each waits for the time of its next poll."""
    asked = 0

    async def answer(wire: Wire) -> Reply:
        nonlocal asked
        path = "/" + wire.url.split("/", 3)[3]
        status, said = SHOP[path]
        asked += path == LAST
        return Reply(status=status, headers=_JSON, body=msgspec.json.encode(said), url=wire.url)

    clock = SystemClock()
    start_ns = start_instant(clock)
    driver = MemoryDriver(answer, clock, start_ns)
    await _stand(fans, folder, driver, start_ns, lambda: asked, url=NOWHERE)


async def kept(fans: int, folder: Path) -> NoReturn:
    """Everybody has a connection of their own and waits for the time of the next poll."""
    with _server("answers") as url:
        clock = SystemClock()
        start_ns = start_instant(clock)
        driver = WireDriver(clock, start_ns, own_connections=True)
        await _stand(fans, folder, driver, start_ns, lambda: driver.open_sockets, url=url)


async def connected(fans: int, folder: Path) -> NoReturn:
    """Everybody has a connection: the poll went out, and no answer comes."""
    with _server() as url:
        clock = SystemClock()
        start_ns = start_instant(clock)
        driver = WireDriver(clock, start_ns)
        await _stand(fans, folder, driver, start_ns, lambda: driver.open_sockets, url=url)


async def _stand(
    fans: int, folder: Path, driver: Driver, start_ns: int, there: Callable[[], int], *, url: str
) -> NoReturn:
    """Let them come until `there()` says that all are where they should be; then print a Parked and end the process.

    At once, and the folder is for the caller to empty: a million fans are not sent home one by one. TimeoutError where
    they are never all there.
    """
    clock = SystemClock()
    meant = crowd(folder, fans, fans / _PER_S, url=url)
    company = Company(meant.target, meant.plan, run="bench", setup=None)
    (folder / "recording" / "ops").mkdir(parents=True)
    runner = InlineRunner(
        folder / "recording",
        clock=clock,
        start_ns=start_ns,
        arrivals=meant.plan.arrivals(),
        load_ns=round((_WITHIN_S + 60) * 1e9),
        casting=company.cast,
        driver=driver,
        late_at_most_ns=round(_WITHIN_S * 1e9),
    )
    async with runner:
        before, cpu_s, begun_s = resident_bytes(), time.process_time(), time.monotonic()
        loading = asyncio.create_task(runner.load())
        while there() < fans:
            if loading.done() or time.monotonic() - begun_s > _WITHIN_S:
                raise TimeoutError(f"{there()} of {fans} fans stand in the line: {runner.tally()}")
            await asyncio.sleep(_LOOK_EVERY_S)
        took_cpu_s, took_s = time.process_time() - cpu_s, time.monotonic() - begun_s
        await asyncio.sleep(_LOOK_EVERY_S)  # the last reply is read, its rows are written
        tally = runner.tally()
        if tally.active != fans or tally.dropped or tally.script_errors or tally.target_errors:
            raise RuntimeError(f"not {fans} fans in the line: {tally}")
        rss = resident_bytes()
        said = Parked(
            fans=fans,
            sockets=driver.open_sockets,
            bytes_per_fan=round((rss - before) / fans, 1),
            rss_bytes=rss,
            peak_bytes=peak_bytes(),
            cpu_s=round(took_cpu_s, 6),
            wall_s=round(took_s, 6),
        )
        print(msgspec.json.encode(said).decode(), flush=True)
        os._exit(0)


@contextlib.contextmanager
def _server(*words: str) -> Iterator[str]:
    """The silent server's URL; it ends with us, for its stdin does."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.fans.silent_server", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
