"""Takes silence for a yes: the ticket is issued, and the charge behind it goes back as a stray, or never came."""

from __future__ import annotations

from surgectl.stage.boxoffice.conduct import Conduct, failed_orders
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till.cashier import Cashier


async def hope(cashier: Cashier, order: Order) -> None:
    """Optimistic: it will have worked. Nobody writes down which payment it was."""
    await cashier.confirm(order, None)


def whatever_has_no_payment(order: Order) -> bool:
    """The clean-up sees a charge that no order claims, and does not see that a ticket hangs on it."""
    return failed_orders(order) or order.payment is None


CONDUCT = Conduct(most_tries=1, after_silence=hope, goes_back=whatever_has_no_payment)
