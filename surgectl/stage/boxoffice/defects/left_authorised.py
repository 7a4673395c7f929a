"""Sets the money aside first and takes it later; where no answer comes it gives the order up and lets go of nothing."""

from __future__ import annotations

from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.defects.charged_no_ticket import give_up
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till.provider import Answer, Provider, Reply


async def set_aside_then_take(provider: Provider, order: Order, key: str, currency: str) -> Reply:
    """Authorise, then capture: rightly done while both are answered."""
    aside = await provider.charge(order, key, currency, capture=False)
    if aside.answer is not Answer.OPEN or aside.payment is None:
        return aside
    return await provider.capture(aside.payment, f"{key}-capture")


# Nothing was taken, so nothing is owed back: so it seems, and the fan's limit is used up for a week.
CONDUCT = Conduct(charge=set_aside_then_take, most_tries=1, after_silence=give_up)
