"""Tickets on the word of a letter: what shops share that leave the end of an order to the provider's events."""

from __future__ import annotations

from surgectl.stage.boxoffice import holds, orders, stock
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.rows import PENDING, Order
from surgectl.stage.boxoffice.till.cashier import Cashier
from surgectl.stage.boxoffice.till.events import Told

PAID = "payment_intent.succeeded"


async def wait_for_the_letter(cashier: Cashier, order: Order, payment: str | None) -> None:
    """The provider's yes is heard and nothing is done: its letter will say so once more."""


def order_of(books: Books, told: Told) -> Order | None:
    """The order that a letter is about; None where a forger has made it up."""
    known = books.execute("select 1 from orders where id = ?", (told.order,)).fetchone()
    return orders.find(books, told.order) if known is not None else None


def fulfil(books: Books, order: Order, told: Told) -> Order:
    """Confirm the order, also one that was not paid before, as long as its basket stands."""
    hold = holds.find(books, order.hold)
    if order.state == "failed" and hold is not None and hold.state == "active":
        books.execute("update holds set state = 'ordered' where id = ?", (hold.id,))
        books.execute("update orders set state = 'pending', code = null where id = ?", (order.id,))
        stock.move(books, order.seats, order.hold, PENDING)
    return orders.confirm(books, order.id, told.payment, told.at_ns)
