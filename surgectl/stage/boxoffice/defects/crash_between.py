"""Takes the money, and now and then falls over before the ticket is written; nobody takes up what lay on its table."""

from __future__ import annotations

import zlib

from surgectl import chance
from surgectl.stage.boxoffice.conduct import Conduct, write_it_down
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till.cashier import Cashier

_ONE_IN = 6


async def fall_over_now_and_then(cashier: Cashier, order: Order, payment: str | None) -> None:
    """One order in six is struck between the provider's yes and the books; it stays pending for ever."""
    if chance.bits(cashier.seed, "crash-between", zlib.crc32(order.id.encode())) % _ONE_IN:
        await write_it_down(cashier, order, payment)


CONDUCT = Conduct(when_paid=fall_over_now_and_then)
