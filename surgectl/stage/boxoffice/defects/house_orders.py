"""Takes tickets for the house while the sale is on: orders that no fan made and nobody paid for."""

from __future__ import annotations

from surgectl.stage.boxoffice import orders, stock
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.refusals import Shedding
from surgectl.stage.boxoffice.rows import SOLD, Order
from surgectl.stage.boxoffice.signing import Signer

_EVERY = 8
"""So many orders of fans, and one for the house."""


def and_one_for_the_house(books: Books, wish: orders.Purchase, signer: Signer, queue: int, shedding: Shedding) -> Order:
    """Place the fan's order; now and then a seat goes to a friend of the house in the same moment."""
    order = orders.place(books, wish, signer, queue, shedding)
    (made,) = books.execute("select count(*) from orders").fetchone()
    if order.created_ns == wish.now_ns and order.state == "pending" and made % _EVERY == 0:
        _take_one(books, signer, wish)
    return order


def _take_one(books: Books, signer: Signer, wish: orders.Purchase) -> None:
    free = stock.free_seats(books, 1)
    if not free:
        return
    (seat,) = free
    (n,) = books.execute("select coalesce(max(n), 0) + 1 from orders").fetchone()
    order, hold = signer.sign("order", n), f"house-{n}"
    books.execute("update seats set state = ?, hold = ? where n = ?", (SOLD, hold, seat))
    books.execute(
        "insert into orders (n, id, hold, email, key, token, qty, seats, amount_minor, currency, state, created_ns,"
        " decided_ns) values (?, ?, ?, 'desk@house.example', ?, '', 1, ?, 0, ?, 'confirmed', ?, ?)",
        (n, order, hold, hold, str(seat), wish.currency, wish.now_ns, wish.now_ns),
    )
    books.execute(
        "insert into tickets (n, id, ord, seat, state, created_ns)"
        " values ((select coalesce(max(n), 0) + 1 from tickets), ?, ?, ?, 'valid', ?)",
        (f"ticket_house_{n}", order, seat, wish.now_ns),
    )


CONDUCT = Conduct(place=and_one_for_the_house)
