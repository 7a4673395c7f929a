"""A new order whatever there was before: what shops share that do not see that somebody only asks again."""

from __future__ import annotations

import msgspec

from surgectl.stage.boxoffice import holds, orders, stock
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.refusals import Shedding
from surgectl.stage.boxoffice.rows import Hold, Order
from surgectl.stage.boxoffice.signing import Signer


def order_anew(books: Books, wish: orders.Purchase, signer: Signer, queue: int, shedding: Shedding) -> Order:
    """Forget the key, and where the basket is bought already, fill another one of its size and buy that."""
    books.execute("delete from keys where key = ?", (wish.key,))
    hold = holds.find(books, wish.hold)
    if hold is not None and hold.state == "ordered":
        another = _fill_another(books, wish, hold, signer)
        if another is not None:
            wish = msgspec.structs.replace(wish, hold=another.id)
    return orders.by_hold(books, wish, signer, queue, shedding)


def _fill_another(books: Books, wish: orders.Purchase, hold: Hold, signer: Signer) -> Hold | None:
    """None where not enough seats are left: then even this shop finds the order there was."""
    seats = stock.free_seats(books, hold.qty)
    if len(seats) < hold.qty:
        return None
    again = holds.Wish(
        place=hold.place,
        email=hold.email,
        intent=hold.intent,
        sku="",
        qty=hold.qty,
        price_minor=hold.total_minor // hold.qty,
        limit=0,
        now_ns=wish.now_ns,
        expires_ns=hold.expires_ns + wish.now_ns - hold.created_ns,
    )
    return holds.put_aside(books, again, seats, signer)
