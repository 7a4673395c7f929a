"""Asks two copies of its books by turns, and one has missed the payments: what was confirmed is shown as not paid."""

from __future__ import annotations

import msgspec

from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.rows import Order


def from_two_copies(order: Order, looks: int) -> Order:
    """Every other look at a paid order goes to the copy that never heard of its payment."""
    if order.state != "confirmed" or looks % 2:
        return order
    return msgspec.structs.replace(order, state="failed", code="PAYMENT_TIMEOUT", payment=None, tickets=())


CONDUCT = Conduct(status=from_two_copies)
