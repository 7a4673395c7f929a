"""Reads the price again when the order is paid: it has gone up since the basket was filled, and nobody was told."""

from __future__ import annotations

from surgectl.stage.boxoffice import orders
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.refusals import Shedding
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.signing import Signer

_DEARER_PERCENT = 5
_EVERY = 20
"""So many orders, and the price of the moment is that much higher."""


def at_the_price_of_the_moment(
    books: Books, wish: orders.Purchase, signer: Signer, queue: int, shedding: Shedding
) -> Order:
    """The price follows the demand. The basket knows what it was; the order asks what it is."""
    order = orders.place(books, wish, signer, queue, shedding)
    if order.state != "pending" or order.created_ns != wish.now_ns:
        return order  # found, not made
    (before,) = books.execute("select count(*) - 1 from orders").fetchone()
    dearer = order.amount_minor * (100 + before // _EVERY * _DEARER_PERCENT) // 100
    books.execute("update orders set amount_minor = ? where id = ?", (dearer, order.id))
    return orders.find(books, order.id)


CONDUCT = Conduct(place=at_the_price_of_the_moment)
