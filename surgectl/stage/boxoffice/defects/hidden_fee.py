"""Adds a fee for each ticket when the order is made: no page shows it, the card pays it."""

from __future__ import annotations

from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.defects.dearer_orders import costing
from surgectl.stage.boxoffice.rows import Order

_FEE_MINOR = 150


def with_a_fee(books: Books, order: Order) -> int:
    """The basket's sum, and something for each ticket."""
    return order.amount_minor + _FEE_MINOR * order.qty


CONDUCT = Conduct(place=costing(with_a_fee))
