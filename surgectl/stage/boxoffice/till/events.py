"""What the provider has told us unasked: each event once, and only as a reason to ask."""

from __future__ import annotations

import msgspec

from surgectl.stage.boxoffice.books import Books


class Told(msgspec.Struct, frozen=True):
    """An event about a payment of one of our orders; `at_ns` (epoch) is when we wrote it down."""

    id: str
    order: str
    payment: str
    at_ns: int


def write(books: Books, event: Told) -> bool:
    """Once → whether it is new. At least once is all the provider promises."""
    if books.execute("select 1 from events where id = ?", (event.id,)).fetchone() is not None:
        return False
    books.execute(
        "insert into events (id, ord, payment, at_ns) values (?, ?, ?, ?)",
        (event.id, event.order, event.payment, event.at_ns),
    )
    return True


def newer(books: Books, since_ns: int) -> list[Told]:
    """Events written after `since_ns`, the oldest first, for a till in another process."""
    rows = books.execute(
        "select id, ord, payment, at_ns from events where at_ns > ? order by at_ns limit 500", (since_ns,)
    ).fetchall()
    return [Told(*row) for row in rows]
