"""Where a worker process begins: `python -m surgectl.cli.worker END`, started by a rehearsal and by nobody else."""

from __future__ import annotations

import pickle
import sys

import uvloop

from surgectl.cli.shards import Part
from surgectl.clock import SystemClock
from surgectl.engine.guard import raise_open_files
from surgectl.engine.runners.worker import Shard, deaf_to_the_terminal, serve
from surgectl.live.snapshot import LiveView
from surgectl.live.tap import Tap
from surgectl.pauses import rare_pauses


async def ready(said: bytes) -> Shard:
    """All that takes time: the journey compiled, the policies too. Nothing is opened, nothing sent."""
    part: Part = pickle.loads(said)  # from our own parent, by a pipe that nobody else can reach
    bill, tap, clock = part.bill, Tap(), SystemClock()
    company = bill.company()
    view = LiveView(bill.plan.phases, (), bill.plan.fans_total, bill.plan.duration_ns, meter=bill.meter())
    rare_pauses()
    return Shard(
        open=lambda start_ns: bill.runner(company, tap, clock, start_ns, shard=part.shard, of=part.of),
        tap=tap,
        view=view,
    )


def main() -> None:
    """Obey the parent at the other end of the wire whose number is the only argument."""
    deaf_to_the_terminal()
    raise_open_files()
    uvloop.run(serve(int(sys.argv[1]), ready))


if __name__ == "__main__":
    main()
