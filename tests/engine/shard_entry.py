"""A worker's entry for tests: small scripts against a shop in memory, and workers that are wrong in a named way."""

from __future__ import annotations

import asyncio
import pickle
import sys
from pathlib import Path

from surgectl.clock import SystemClock
from surgectl.engine.drivers.memory_driver import MemoryDriver
from surgectl.engine.runners.inline import InlineRunner
from surgectl.engine.runners.worker import Shard, deaf_to_the_terminal, serve
from surgectl.engine.scene import Part
from surgectl.fans.dialogue import Leave, Script, Think
from surgectl.journey.messages import Reply, Wire
from surgectl.live.tap import Tap
from surgectl.live.view import LiveView
from surgectl.plan.model import Arrival
from tests.engine.stagehands import MS, S, arrivals, buy, part

COMMAND = (sys.executable, "-m", "tests.engine.shard_entry")
FANS = 60


def described(folder: Path, shard: int, of: int, how: str = "", *, every_ns: int = 10 * MS) -> bytes:
    return pickle.dumps((folder, shard, of, how, every_ns))


async def obliging(wire: Wire) -> Reply:
    return Reply(status=200, body=b"{}")


def stays() -> Script:
    """Somebody who will not leave for an hour."""
    yield Think(ns=3600 * S)
    yield Leave(end="closed", outcome="fail")


async def ready(said: bytes) -> Shard:
    folder, shard, of, how, every_ns = pickle.loads(said)
    if how == "never ready":
        sys.exit("there is no such shop")
    if how == "cannot be meant":
        raise ValueError("a bug")
    clock, tap = SystemClock(), Tap()

    def cast(arrival: Arrival, now_ns: int) -> Part:
        return part(arrival, now_ns, stays() if how == "stays" else buy("http://shop", f"f{arrival.fan}"))

    def open_shard(start_ns: int) -> InlineRunner:
        return InlineRunner(
            folder,
            clock=clock,
            start_ns=start_ns,
            arrivals=(a for a in arrivals(FANS, every_ns=every_ns) if a.fan % of == shard),
            load_ns=FANS * every_ns,
            casting=cast,
            driver=MemoryDriver(obliging, clock, start_ns),
            tap=tap,
            shard=shard,
            of=of,
        )

    return Shard(open=open_shard, tap=tap, view=LiveView((), (), FANS, FANS * every_ns))


if __name__ == "__main__":
    deaf_to_the_terminal()
    asyncio.run(serve(int(sys.argv[1]), ready))
