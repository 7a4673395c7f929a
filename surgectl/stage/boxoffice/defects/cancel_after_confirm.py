"""Tidies up too much: some orders are cancelled and paid back after a fan was told "confirmed", without a word."""

from __future__ import annotations

from surgectl.stage.boxoffice import holds
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.conduct import Conduct, failed_orders
from surgectl.stage.boxoffice.rows import Order

_ONE_IN = 6


def looks_like_a_stray(order: Order) -> bool:
    """The clean-up of charges that came too late takes one good order in six for one of them."""
    number = int(order.id.split("_")[1])
    return failed_orders(order) or (order.state == "confirmed" and number % _ONE_IN == 0)


def expire_what_was_paid_back(books: Books, now_ns: int, seed: int) -> int:
    """The right expiry, and then every order whose money went back loses its tickets and its seats."""
    ended = holds.expire(books, now_ns)
    rows = books.execute("select id, hold from orders where state = 'confirmed' and refund is not null").fetchall()
    for order, hold_id in rows:
        hold = holds.find(books, hold_id)
        if hold is not None:
            holds.release(books, hold, "released", now_ns)
        books.execute("update tickets set state = 'void' where ord = ?", (order,))
        books.execute("update orders set state = 'refunded', code = 'CANCELLED' where id = ?", (order,))
    return ended + len(rows)


CONDUCT = Conduct(goes_back=looks_like_a_stray, expire=expire_what_was_paid_back)
