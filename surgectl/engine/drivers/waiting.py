"""For one who would rather wait for a reply than be called."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from surgectl.engine.drivers.driver import Listening, Mark, Session, Then, UnderWay
from surgectl.journey.messages import Push, Reply, Wire


async def sent(session: Session, wire: Wire, due_ns: int, mark: Mark | None) -> Reply:
    """Send and wait. Cancelled: quit, and go once it is known what had left."""
    mark = Mark() if mark is None else mark
    return await _answered(lambda then: session.start(wire, due_ns, mark, then), mark)


async def heard(ear: Listening, wire: Wire, push: Push, due_ns: int) -> Reply:
    """Listen and wait for one message. Cancelled: as `sent`."""
    mark = Mark()
    return await _answered(lambda then: ear.hear(wire, push, due_ns, mark, then), mark)


async def _answered(begin: Callable[[Then], UnderWay], mark: Mark) -> Reply:
    answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    under_way = begin(answered.set_result)
    try:
        reply = await asyncio.shield(answered)
    except asyncio.CancelledError:
        under_way.quit()
        await answered
        raise
    if mark.failure is not None:
        raise mark.failure
    return reply
