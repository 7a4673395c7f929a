"""An independent visitor at a constant rate, on connections of its own: are the shop's other pages still there?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from surgectl.engine.drivers.driver import Driver, Session
from surgectl.engine.scene import Scene
from surgectl.journey.messages import Reply, Verdict, Wire
from surgectl.recording.rows import ProbeRow


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What the prober asks, how often, and what it makes of the answer."""

    step: str
    wire: Wire
    judge: Callable[[Reply], Verdict]
    rate_per_s: float


async def probe(scene: Scene, driver: Driver, what: Probe, *, late_at_most_ns: int = 1_000_000_000) -> None:
    """Ask at the rate until cancelled; an answer that is slow in coming delays no later question.

    `driver` is the prober's own, so that it never queues behind fans. A question that we could not ask in time is
    journalled as `late` with no `sent_ns`: our fault, never the shop's. One that is under way when we are cancelled is
    waited for.
    """
    session = driver.session(cookies=False)
    pending: set[asyncio.Task[None]] = set()
    number = 0
    first_ns = max(0, scene.now_ns())
    try:
        while True:
            due_ns = first_ns + round(number * 1e9 / what.rate_per_s)
            number += 1
            await scene.sleep_until_ns(due_ns)
            now_ns = scene.now_ns()
            if now_ns - due_ns > late_at_most_ns:
                late = ProbeRow(step=what.step, due_ns=due_ns, sent_ns=None, done_ns=now_ns, outcome="info", why="late")
                scene.journal.append(late)
                continue
            task = asyncio.create_task(_ask(scene, session, what, due_ns))
            pending.add(task)
            task.add_done_callback(pending.discard)
    finally:
        if pending:
            # Bounded by the request's own time-out.
            await asyncio.gather(*pending, return_exceptions=True)
        session.close()


async def _ask(scene: Scene, session: Session, what: Probe, due_ns: int) -> None:
    reply = await session.send(what.wire, due_ns)
    try:
        verdict = what.judge(reply)
    except Exception as error:  # noqa: BLE001 - counted, journalled, and exit 70 at the end
        said = f"{type(error).__name__}: {error}"
        scene.counts.script_error(f"the judge of probe {what.step} failed: {said}")
        verdict = Verdict(outcome="info", why="script-error", then="unknown", detail=said)
    scene.journal.append(
        ProbeRow(
            step=what.step,
            due_ns=due_ns,
            sent_ns=reply.sent_ns,
            done_ns=reply.done_ns,
            outcome=verdict.outcome,
            status=reply.status or None,
            why=verdict.why,
        )
    )
