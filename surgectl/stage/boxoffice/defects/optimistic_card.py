"""Takes "we are working on it" for a yes: the ticket is out before the bank has said no."""

from __future__ import annotations

from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.till.provider import Answer, Reply


def no_error_is_a_yes(reply: Reply) -> Answer:
    """A payment that has a number and no error will have worked."""
    return Answer.PAID if reply.answer is Answer.PROCESSING else reply.answer


CONDUCT = Conduct(read=no_error_is_a_yes)
