"""For one who would rather wait for a reply than be called."""

from __future__ import annotations

import asyncio

from surgectl.engine.drivers.driver import Mark, Session
from surgectl.journey.messages import Reply, Wire


async def sent(session: Session, wire: Wire, due_ns: int, mark: Mark | None) -> Reply:
    """Send and wait. Cancelled: quit, and go once it is known what had left."""
    answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    mark = Mark() if mark is None else mark
    under_way = session.start(wire, due_ns, mark, answered.set_result)
    try:
        reply = await asyncio.shield(answered)
    except asyncio.CancelledError:
        under_way.quit()
        await answered
        raise
    if mark.failure is not None:
        raise mark.failure
    return reply
