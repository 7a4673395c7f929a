"""Takes an order from every tab: the same basket is paid twice, and its tickets are issued once."""

from __future__ import annotations

from surgectl.stage.boxoffice import holds, orders
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.books.protocol import marks
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.refusals import Shedding
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.signing import Signer


def order_of_this_tab(books: Books, wish: orders.Purchase, signer: Signer, queue: int, shedding: Shedding) -> Order:
    """A double click is caught by its key. A second tab has a key of its own, and the basket is as good as new."""
    known = orders.by_key(books, wish)
    if known is not None:
        return known
    hold = holds.find(books, wish.hold)
    if hold is not None and hold.state == "ordered":
        books.execute("update holds set state = 'active' where id = ?", (hold.id,))
    return orders.by_hold(books, wish, signer, queue, shedding)


def still_in_the_basket(books: Books, order: Order) -> bool:
    """Asks whose basket the seats are in, not whether they are sold."""
    (count,) = books.execute(
        f"select count(*) from seats where n in ({marks(order.seats)}) and hold = ?", (*order.seats, order.hold)
    ).fetchone()
    return bool(count == len(order.seats))


def once_a_basket(books: Books, order: Order, now_ns: int) -> tuple[int, ...]:
    """Here somebody has thought of it: no second ticket for a basket that has some."""
    row = books.execute(
        "select 1 from tickets t join orders o on o.id = t.ord where o.hold = ? limit 1", (order.hold,)
    ).fetchone()
    return () if row is not None else order.seats


CONDUCT = Conduct(place=order_of_this_tab, seats_assured=still_in_the_basket, printed=once_a_basket)
