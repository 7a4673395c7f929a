"""Two workers take the same order from the line, and each charges it under a name of its own."""

from __future__ import annotations

from surgectl.stage.boxoffice import orders
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.conduct import Conduct, one_key_per_order
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till.claims import Lease


def anything_open(books: Books, now_ns: int) -> bool:
    return books.execute("select 1 from orders where state = 'pending' limit 1").fetchone() is not None


def take_without_a_name(books: Books, lease: Lease, now_ns: int, most: int) -> list[Order]:
    """Whatever is open, the oldest first. Nothing in the books says that somebody has it already."""
    rows = books.execute("select id from orders where state = 'pending' order by n limit ?", (most,)).fetchall()
    return [orders.find(books, order) for (order,) in rows]


def begin_whoever_has_it(books: Books, order: str, lease: Lease) -> Order:
    found = orders.find(books, order)
    return found if found.state != "pending" else orders.mark_tried(books, order)


def one_key_per_worker(order: Order, attempt: int, worker: str) -> str:
    return f"{one_key_per_order(order, attempt, worker)}-{worker}"


CONDUCT = Conduct(
    unclaimed=anything_open,
    claim=take_without_a_name,
    begin_payment=begin_whoever_has_it,
    payment_key=one_key_per_worker,
)
