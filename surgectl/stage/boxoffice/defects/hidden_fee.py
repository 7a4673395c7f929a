"""Adds a fee for each ticket when the order is made: no page shows it, the card pays it."""

from __future__ import annotations

from surgectl.stage.boxoffice import orders
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.refusals import Shedding
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.signing import Signer

_FEE_MINOR = 150


def with_a_fee(books: Books, wish: orders.Purchase, signer: Signer, queue: int, shedding: Shedding) -> Order:
    """The order that was accepted just now costs more than the basket did."""
    order = orders.place(books, wish, signer, queue, shedding)
    if order.state != "pending" or order.created_ns != wish.now_ns:
        return order  # found, not made
    amount = order.amount_minor + _FEE_MINOR * order.qty
    books.execute("update orders set amount_minor = ? where id = ?", (amount, order.id))
    return orders.find(books, order.id)


CONDUCT = Conduct(place=with_a_fee)
