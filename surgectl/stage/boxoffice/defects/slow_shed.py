"""Lets people wait before it turns them away, and does not say when to come back."""

from __future__ import annotations

from surgectl.clock import Clock
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.refusals import Refused

_WAIT_NS = 700_000_000


async def after_a_while(refused: Refused, clock: Clock) -> Refused:
    """The request stood in a queue until somebody looked at the clock."""
    await clock.sleep_until_ns(clock.now_ns() + _WAIT_NS)
    return Refused(refused.status, refused.code, refused.say)


CONDUCT = Conduct(turn_away=after_a_while)
