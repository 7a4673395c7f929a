"""Let each fan loose at its due time: never early, and never in silence when we are late.

An open model: arrivals do not wait for the shop (Schroeder, Wierman & Harchol-Balter, NSDI 2006), so a slow shop cannot
slow the crowd down and flatter its own latencies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Literal

from surgectl.engine.scene import Scene
from surgectl.plan.model import Arrival
from surgectl.recording.rows import DroppedRow

Behind = Literal["drop", "late"]

_BATCH = 50
"""Fans let loose before the others get a turn: a spike must not starve the sockets."""


async def dispatch(
    scene: Scene,
    arrivals: Iterable[Arrival],
    let_loose: Callable[[Arrival], None],
    *,
    late_at_most_ns: int,
    behind: Behind = "drop",
) -> None:
    """Walk through the arrivals in order of due time. Cancel it to stop arriving.

    One that is later than `late_at_most_ns` is counted, and dropped (k6's dropped iteration) or let loose all the same,
    as `behind` says. One that is due while the scene is paused never comes, and the plan does not move for it.
    """
    counts = scene.counts
    at_once = 0
    for arrival in arrivals:
        if scene.now_ns() < arrival.due_ns:
            await scene.sleep_until_ns(arrival.due_ns)
            at_once = 0
        elif (at_once := at_once + 1) >= _BATCH:
            await asyncio.sleep(0)
            at_once = 0
        now_ns = scene.now_ns()
        late_ns = now_ns - arrival.due_ns
        behind_now = late_ns > late_at_most_ns and behind == "drop"  # a pause excuses nobody who is behind
        if scene.paused and not behind_now:
            counts.paused += 1
            scene.journal.append(DroppedRow(fan=arrival.fan, due_ns=arrival.due_ns, at_ns=now_ns, why="paused"))
            scene.barriers.gone(())
            continue
        counts.worst_arrival_lag_ns = max(counts.worst_arrival_lag_ns, late_ns)
        if late_ns > late_at_most_ns:
            if behind_now:
                counts.dropped += 1
                scene.journal.append(DroppedRow(fan=arrival.fan, due_ns=arrival.due_ns, at_ns=now_ns))
                continue
            counts.late += 1
        counts.arrived += 1
        let_loose(arrival)
