"""Stops a rehearsal whose demands are broken beyond hope: whoever writes `abort` wants no more of it.

Every second of the load the demands with `abort` are judged by what the live meters show. Stopped is only for what is
certain: rows that were lost on the way, sends under way and a machine that cannot keep up leave it running.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from surgectl.cli.evening import Evening
from surgectl.cli.interrupts import Stop
from surgectl.cli.metering import aborts
from surgectl.live.meter_samples import samples_of
from surgectl.live.reading import Reading
from surgectl.plan.build import Plan
from surgectl.thresholds.evaluate import evaluate
from surgectl.thresholds.samples import Stretch
from surgectl.thresholds.threshold import Threshold
from surgectl.thresholds.weighing import Result
from surgectl.thresholds.windows import judge
from surgectl.units import NS_PER_S

_EVERY_S = 1.0
_UNDECIDED_NS = 120 * NS_PER_S
"""How long after its end a second may still become certain: nobody waits longer for an answer."""


@asynccontextmanager
async def guarded(evening: Evening, workers: int) -> AsyncIterator[None]:
    """For the length of the block, stop the rehearsal as Ctrl-C does once a demand with `abort` is broken.

    `workers`: processes that send, 0 where we do it ourselves.
    """
    thresholds = aborts(evening.prepared.plan.rehearsal)
    if not thresholds:
        yield
        return
    watching = asyncio.create_task(_watch(evening, thresholds, workers))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch(evening: Evening, thresholds: Sequence[Threshold], workers: int) -> None:
    plan, view = evening.prepared.plan, evening.view
    said_behind = False
    while evening.interrupts.first is None:
        await asyncio.sleep(_EVERY_S)
        reading = view.reading(workers)
        if reading is None:
            continue
        if _behind(evening):
            if not said_behind:
                evening.logbook.event("this machine is behind: abort conditions wait")
            said_behind = True
            continue
        said_behind = False
        broken = first_broken(thresholds, reading, plan, view.faults_on(evening.logbook.now_ns()))
        if broken is not None:
            why = f"stopped by its own demand {broken.expression}: {broken.text}"
            evening.logbook.note(why, "stop")
            evening.logbook.event(why)
            evening.interrupts.stop_gently(Stop(by="abort", why=why))


def first_broken(
    thresholds: Sequence[Threshold], reading: Reading, plan: Plan, faults: Sequence[Stretch]
) -> Result | None:
    """The first of the demands that is broken for certain."""
    probe = plan.rehearsal.probe
    phases = [Stretch(phase.start_ns, phase.end_ns, (phase.name,)) for phase in plan.phases]
    for threshold in thresholds:
        span = threshold.span
        since_ns = 0 if span is None else max(0, reading.seen_ns - span.lasting_ns - _UNDECIDED_NS)
        samples = samples_of(
            reading,
            phases,
            faults,
            profiles=[threshold.of] if threshold.of else [],
            probes_per_s=float(probe.rate) if probe is not None else 0.0,
            since_ns=since_ns,
        )
        if samples.end_ns <= 0:
            continue
        since_ns = -(-since_ns // NS_PER_S) * NS_PER_S
        result = evaluate(threshold, samples) if span is None else judge(threshold, span, samples, since_ns=since_ns)
        if result.verdict == "fail":
            return result
    return None


def _behind(evening: Evening) -> bool:
    """Our own machine could not keep up just now: what it measures says nothing of the shop (rule R12)."""
    budget = evening.prepared.plan.rehearsal.generator
    snap = evening.view.snapshot(evening.logbook.now_ns())
    arrived = snap.funnel.get("arrived", 0) + snap.dropped
    if snap.dropped > float(budget.dropped_at_most) * max(1, arrived):
        return True
    late = max(snap.vitals.lag_ns, snap.vitals.arrival_lag_ns) if snap.vitals is not None else 0
    return late > int(budget.late_at_most)
