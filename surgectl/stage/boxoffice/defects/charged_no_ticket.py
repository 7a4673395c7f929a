"""Takes silence for a no: the fan is told that it failed, and the money is gone."""

from __future__ import annotations

from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till.cashier import Cashier


async def give_up(cashier: Cashier, order: Order) -> None:
    """One try, no answer, so the order failed; the provider is never asked what became of it."""
    await cashier.fail(order, "PAYMENT_TIMEOUT")


def nothing_goes_back(order: Order) -> bool:
    return False


CONDUCT = Conduct(most_tries=1, after_silence=give_up, goes_back=nothing_goes_back)
