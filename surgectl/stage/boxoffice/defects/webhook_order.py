"""Takes the letter that came last for the truth: "begun" overtaken by "paid" takes the tickets back again."""

from __future__ import annotations

from surgectl.stage.boxoffice import stock
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.defects.believed_letters import PAID, fulfil, order_of, wait_for_the_letter
from surgectl.stage.boxoffice.orders import find
from surgectl.stage.boxoffice.rows import PENDING, Order
from surgectl.stage.boxoffice.till import events
from surgectl.stage.boxoffice.till.events import Told

_BEGUN = ("payment_intent.created", "payment_intent.processing")
_LONG_NS = 24 * 3600 * 10**9


def last_letter_wins(books: Books, told: Told, new: bool) -> Order | None:
    """Letters are signed and each is read once, but nobody looks when they were written."""
    order = order_of(books, told) if new else None
    if order is None:
        return None
    if told.type == PAID:
        return fulfil(books, order, told)
    return _begin_again(books, order, told) if told.type in _BEGUN and order.state == "confirmed" else None


def _begin_again(books: Books, order: Order, told: Told) -> Order:
    """The order waits for its money as before; the till has paid it long ago and looks after it no more."""
    books.execute("delete from tickets where ord = ?", (order.id,))
    books.execute(
        "update orders set state = 'pending', decided_ns = null, worker = 'the letter box', lease_ns = ? where id = ?",
        (told.at_ns + _LONG_NS, order.id),
    )
    stock.move(books, order.seats, order.hold, PENDING)
    return find(books, order.id)


CONDUCT = Conduct(when_paid=wait_for_the_letter, on_event=last_letter_wins, letters=(*events.TYPES, *_BEGUN))
