"""Says "your card was declined" when the answer is slow, and leaves it at that: the charge went through and is kept."""

from __future__ import annotations

from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till.cashier import Cashier


async def blame_the_card(cashier: Cashier, order: Order) -> None:
    """Any error of the payment call ends on the one error page there is; declined orders are not looked after."""
    await cashier.fail(order, "DECLINED", keep_hold=True)


CONDUCT = Conduct(most_tries=1, after_silence=blame_the_card)
