"""Takes an order from every tab: the same basket is paid twice, and its tickets are issued once."""

from __future__ import annotations

from surgectl.clock import Clock
from surgectl.stage.boxoffice import holds, orders
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.books.protocol import marks
from surgectl.stage.boxoffice.books.writer import Writer
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.refusals import Shedding
from surgectl.stage.boxoffice.rows import Hold, Order
from surgectl.stage.boxoffice.signing import Signer


async def basket_of_the_visit(writer: Writer, wish: holds.Wish, signer: Signer, clock: Clock) -> Hold:
    """Every tab shows the basket of the visit, as long as its time lasts: also the one that is being paid next door."""

    def look(books: Books) -> Hold:
        row = books.execute(
            "select id from holds where place = ? and state = 'ordered' and expires_ns > ? order by n desc limit 1",
            (wish.place, wish.now_ns),
        ).fetchone()
        shown = holds.find(books, row[0]) if row is not None else None
        return shown if shown is not None and holds.answers(shown, wish) else holds.take(books, wish, signer)

    return await writer.run(look)


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


CONDUCT = Conduct(
    take=basket_of_the_visit, place=order_of_this_tab, seats_assured=still_in_the_basket, printed=once_a_basket
)
