"""Orders that cost another sum than their baskets: what shops share that ask for more than they showed."""

from __future__ import annotations

from collections.abc import Callable

from surgectl.stage.boxoffice import orders
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.refusals import Shedding
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.signing import Signer


def costing(
    amount_minor: Callable[[Books, Order], int],
) -> Callable[[Books, orders.Purchase, Signer, int, Shedding], Order]:
    """Accepts an order as it should be, and then asks for another sum; an order that was only found stays as it is."""

    def place(books: Books, wish: orders.Purchase, signer: Signer, queue: int, shedding: Shedding) -> Order:
        order = orders.place(books, wish, signer, queue, shedding)
        if order.state != "pending" or order.created_ns != wish.now_ns:
            return order  # found, not made
        books.execute("update orders set amount_minor = ? where id = ?", (amount_minor(books, order), order.id))
        return orders.find(books, order.id)

    return place
