"""Whose order it is: claimed by one worker for a while, and by another when that one is heard of no more."""

from __future__ import annotations

import msgspec

from surgectl.stage.boxoffice import orders
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.books.protocol import marks
from surgectl.stage.boxoffice.rows import Order

_TO_WATCH = "state = 'failed' and tried = 1 and refund is null and code <> 'DECLINED'"
"""Decided without a payment, but one may still come, or is owed back."""


class Lease(msgspec.Struct, frozen=True):
    """A worker's name on an order, until `until_ns` (epoch nanoseconds) unless it is renewed."""

    worker: str
    until_ns: int


class Elsewhere(Exception):
    """The order is in another worker's hands by now. Nothing was done."""


def claim(books: Books, lease: Lease, now_ns: int, most: int, *, own: bool = False) -> list[Order]:
    """Take up to `most` pending orders that nobody holds, the oldest first.

    The keeper of the books lets one writer in at a time, so no two workers get the same. `own`: also those that
    carry this worker's own name, for one that was killed and is back.
    """
    if most <= 0:
        return []
    mine = " or worker = ?" if own else ""
    values = (now_ns, lease.worker, most) if own else (now_ns, most)
    rows = books.execute(
        f"select id from orders where state = 'pending' and (worker is null or lease_ns <= ?{mine}) order by n limit ?",
        values,
    ).fetchall()
    return _put_name(books, lease, [row[0] for row in rows])


def unclaimed(books: Books, now_ns: int) -> bool:
    """Whether there is anything to claim."""
    row = books.execute(
        "select 1 from orders where state = 'pending' and (worker is null or lease_ns <= ?) limit 1", (now_ns,)
    ).fetchone()
    return row is not None


def claim_watch(books: Books, lease: Lease, now_ns: int, since_ns: int, *, own: bool = False) -> list[Order]:
    """Take over the cancelled orders that nobody looks after any more: those decided after `since_ns`, in case that
    money comes after all, and every one whose money is known to have come and not to have gone back."""
    mine = " or worker = ?" if own else ""
    values = (since_ns, now_ns, lease.worker) if own else (since_ns, now_ns)
    rows = books.execute(
        f"select id from orders where {_TO_WATCH} and (payment is not null or decided_ns > ?)"
        f" and (worker is null or lease_ns <= ?{mine}) order by n limit 500",
        values,
    ).fetchall()
    return _put_name(books, lease, [row[0] for row in rows])


def _put_name(books: Books, lease: Lease, found: list[str]) -> list[Order]:
    if found:
        books.execute(
            f"update orders set worker = ?, lease_ns = ? where id in ({marks(found)})",
            (lease.worker, lease.until_ns, *found),
        )
    return [orders.find(books, order) for order in found]


def renew(books: Books, lease: Lease) -> set[str]:
    """A sign of life for everything this worker holds → the pending orders that are still its own."""
    books.execute(
        f"update orders set lease_ns = ? where worker = ? and (state = 'pending' or ({_TO_WATCH}))",
        (lease.until_ns, lease.worker),
    )
    rows = books.execute("select id from orders where worker = ? and state = 'pending'", (lease.worker,)).fetchall()
    return {row[0] for row in rows}


def begin_payment(books: Books, order: str, lease: Lease) -> Order:
    """Written before the first byte to the provider: after a kill we must know that we may have asked for money.

    Elsewhere where the order is another's by now; one that is decided comes back as it is.
    """
    found = _ours(books, order, lease)
    if found.state != "pending":
        return found
    books.execute("update orders set tried = 1, lease_ns = ? where id = ?", (lease.until_ns, order))
    return orders.find(books, order)


def give_up_untried(books: Books, order: str, code: str, now_ns: int, lease: Lease) -> Order:
    """Cancel an order for which nothing was ever sent; one that was tried stays as it is. Elsewhere as above."""
    found = _ours(books, order, lease)
    return found if found.tried else orders.fail(books, order, code, now_ns)


def write_verdict(books: Books, order: str, verdict: str, now_ns: int, lease: Lease) -> Order:
    """What the identity check said, before any money is asked for; denied ends the order. Elsewhere as above."""
    found = _ours(books, order, lease)
    if found.state != "pending":
        return found
    books.execute("update orders set identity = ? where id = ?", (verdict, order))
    if verdict == "deny" and not found.tried:
        return orders.fail(books, order, "IDENTITY_DENIED", now_ns)
    return orders.find(books, order)


def _ours(books: Books, order: str, lease: Lease) -> Order:
    row = books.execute("select worker from orders where id = ?", (order,)).fetchone()
    if row is None or row[0] != lease.worker:
        raise Elsewhere(order)
    return orders.find(books, order)


def pending(books: Books) -> set[str]:
    """Every order that is not decided."""
    return {row[0] for row in books.execute("select id from orders where state = 'pending'").fetchall()}


def refunded(books: Books) -> set[str]:
    """Every order whose money went back."""
    return {row[0] for row in books.execute("select id from orders where state = 'refunded'").fetchall()}


def some(books: Books, wanted: list[str]) -> list[Order]:
    return [orders.find(books, order) for order in wanted]
