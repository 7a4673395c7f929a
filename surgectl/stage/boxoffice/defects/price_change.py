"""Reads the price again when the order is paid: it has gone up since the basket was filled, and nobody was told."""

from __future__ import annotations

from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.defects.dearer_orders import costing
from surgectl.stage.boxoffice.rows import Order

_DEARER_PERCENT = 5
_EVERY = 20
"""So many orders, and the price of the moment is that much higher."""


def at_the_price_of_the_moment(books: Books, order: Order) -> int:
    """The price follows the demand. The basket knows what it was; the order asks what it is."""
    (before,) = books.execute("select count(*) - 1 from orders").fetchone()
    return int(order.amount_minor * (100 + before // _EVERY * _DEARER_PERCENT) // 100)


CONDUCT = Conduct(place=costing(at_the_price_of_the_moment))
