"""Closes the basket of a payment that failed, and forgets its seats: nobody has them, and nobody can buy them."""

from __future__ import annotations

from surgectl.stage.boxoffice import holds, stock
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.rows import HELD, Order


def close_the_basket_alone(books: Books, order: Order, keep: bool, now_ns: int) -> None:
    """The seats go back into a basket that is closed in the same breath, where no sweep looks any more."""
    stock.move(books, order.seats, order.hold, HELD)
    holds.close(books, order.hold, "released", now_ns)


CONDUCT = Conduct(end_basket=close_the_basket_alone)
