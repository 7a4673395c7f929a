"""Gives money back that came a little late, as if its order had failed: the ticket was issued, and stays valid."""

from __future__ import annotations

from surgectl.stage.boxoffice.conduct import Conduct, failed_orders
from surgectl.stage.boxoffice.rows import Order

_LATE_NS = 300_000_000


def whatever_was_late(order: Order) -> bool:
    """The clean-up goes by the clock: what took so long must have been given up, or so it believes."""
    took_ns = (order.decided_ns or order.created_ns) - order.created_ns
    return failed_orders(order) or took_ns > _LATE_NS


CONDUCT = Conduct(goes_back=whatever_was_late)
