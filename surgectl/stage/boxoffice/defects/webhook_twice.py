"""Issues tickets for each letter that says "paid", and letters come twice: two sets of tickets for one payment."""

from __future__ import annotations

from surgectl.stage.boxoffice import orders
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.defects.believed_letters import PAID, fulfil, order_of, wait_for_the_letter
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till.events import Told


def fulfil_each_letter(books: Books, told: Told, new: bool) -> Order | None:
    """Nobody looks whether this event was here before."""
    order = order_of(books, told) if told.type == PAID else None
    if order is None:
        return None
    return _issue_again(books, order, told) if order.state == "confirmed" else fulfil(books, order, told)


def _issue_again(books: Books, order: Order, told: Told) -> Order:
    tail = order.id.removeprefix("order_")
    first = len(order.tickets) + 1
    books.executemany(
        "insert into tickets (n, id, ord, seat, state, created_ns)"
        " values ((select coalesce(max(n), 0) + 1 from tickets), ?, ?, ?, 'valid', ?)",
        [(f"ticket_{tail}_{i}", order.id, seat, told.at_ns) for i, seat in enumerate(order.seats, start=first)],
    )
    return orders.find(books, order.id)


CONDUCT = Conduct(when_paid=wait_for_the_letter, on_event=fulfil_each_letter)
