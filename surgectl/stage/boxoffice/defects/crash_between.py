"""Takes the money, and now and then falls over before the ticket is written; later the order is struck off unasked."""

from __future__ import annotations

import zlib

from surgectl import chance
from surgectl.stage.boxoffice.conduct import Conduct, write_it_down
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till.cashier import Cashier

_ONE_IN = 6


async def fall_over_now_and_then(cashier: Cashier, order: Order, payment: str | None) -> None:
    """One order in six is struck between the provider's yes and the books. At its deadline the clean-up finds it open,
    and asks nobody what became of it."""
    if chance.bits(cashier.seed, "crash-between", zlib.crc32(order.id.encode())) % _ONE_IN:
        await write_it_down(cashier, order, payment)
        return
    await cashier.until_deadline(order)
    await cashier.fail(order, "PAYMENT_TIMEOUT")


def nothing_goes_back(order: Order) -> bool:
    """The clean-up's word is taken for it that nothing was paid."""
    return False


CONDUCT = Conduct(when_paid=fall_over_now_and_then, goes_back=nothing_goes_back)
