"""Says "we have your order" and loses the slip: now and then an order is never paid, and never comes to an end."""

from __future__ import annotations

from surgectl.stage.boxoffice import orders
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.refusals import Shedding
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.signing import Signer

_ONE_IN = 6
_LONG_NS = 24 * 3600 * 10**9


def into_a_queue_that_drops(
    books: Books, wish: orders.Purchase, signer: Signer, queue: int, shedding: Shedding
) -> Order:
    """The order is in the books; its job went to a queue in memory that a crash has emptied, and nobody misses it."""
    order = orders.place(books, wish, signer, queue, shedding)
    books.execute(
        f"update orders set worker = 'a lost queue', lease_ns = ? where id = ? and n % {_ONE_IN} = 0 and tried = 0",
        (wish.now_ns + _LONG_NS, order.id),
    )
    return order


CONDUCT = Conduct(place=into_a_queue_that_drops)
