"""An order's life in the books: accepted once, then decided once."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from surgectl.stage.boxoffice import holds, stock
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.books.protocol import marks
from surgectl.stage.boxoffice.refusals import Refused, Shedding
from surgectl.stage.boxoffice.rows import FREE, HELD, PENDING, SOLD, Hold, Order
from surgectl.stage.boxoffice.signing import Signer

_COLUMNS = (
    "id, hold, email, intent, token, qty, seats, amount_minor, state, code, payment, tried, created_ns, decided_ns,"
    " identity"
)


class Purchase(msgspec.Struct, frozen=True):
    """What a fan sends to pay: the hold, the means, and the key that makes a repetition harmless."""

    key: str
    fingerprint: str
    """Of the body: the same key with another fingerprint is a mistake of the caller's."""
    hold: str
    token: str
    email: str | None
    intent: str | None
    currency: str
    now_ns: int
    worker: str | None = None
    """Whose order it is from the first instant, until `lease_ns` (epoch); None: whoever claims it."""
    lease_ns: int | None = None


def read(row: tuple[object, ...], tickets: tuple[str, ...]) -> Order:
    fields = dict(zip(Order.__struct_fields__, row, strict=False))
    fields["seats"] = tuple(int(n) for n in str(fields["seats"]).split(","))
    fields["tried"] = bool(fields["tried"])
    fields["tickets"] = tickets
    return msgspec.convert(fields, Order)


def find(books: Books, order: str) -> Order:
    found = read(books.execute(f"select {_COLUMNS} from orders where id = ?", (order,)).fetchone(), ())
    if found.state == "pending":  # nothing is issued before the decision
        return found
    tickets = books.execute("select id from tickets where ord = ? order by n", (order,)).fetchall()
    return msgspec.structs.replace(found, tickets=tuple(ticket for (ticket,) in tickets))


def everything(books: Books) -> list[Order]:
    """All orders, for the memory of a shop that has just started."""
    tickets: dict[str, list[str]] = {}
    for order, ticket in books.execute("select ord, id from tickets order by n").fetchall():
        tickets.setdefault(order, []).append(ticket)
    rows = books.execute(f"select {_COLUMNS} from orders order by n").fetchall()
    return [read(row, tuple(tickets.get(row[0], ()))) for row in rows]


def place(books: Books, wish: Purchase, signer: Signer, queue: int, shedding: Shedding) -> Order:
    """Accept an order, or find the one that this key or this hold already has.

    The hold's clock stops here: from now on the seats wait for the payment, however late it comes.
    With `queue` orders pending already a *new* one is shed; a repetition is always answered.
    Refused: KEY_REUSED, NO_HOLD, WRONG_EMAIL, HOLD_EXPIRED, BUSY.
    """
    known = by_key(books, wish)
    return known if known is not None else by_hold(books, wish, signer, queue, shedding)


def by_key(books: Books, wish: Purchase) -> Order | None:
    """What this key was used for before, if it was. Refused: KEY_REUSED."""
    known = books.execute("select fingerprint, ord from keys where key = ?", (wish.key,)).fetchone()
    if known is None:
        return None
    if known[0] != wish.fingerprint:
        raise Refused(422, "KEY_REUSED", "this Idempotency-Key was used with another body")
    return find(books, known[1])


def by_hold(books: Books, wish: Purchase, signer: Signer, queue: int, shedding: Shedding) -> Order:
    """The order of this hold under a key that nobody knows yet: a new one, or the one that it has."""
    hold = holds.find(books, wish.hold)
    if hold is None:
        raise Refused(404, "NO_HOLD", "there is no such hold")
    if wish.email is not None and wish.email.casefold() != hold.email.casefold():
        raise Refused(422, "WRONG_EMAIL", "the hold is somebody else's")
    if hold.state == "ordered":
        # Back button, second tab: another key for the same basket. It is the same order, never a second charge.
        (order,) = books.execute(
            "select id from orders where hold = ? and state in ('pending', 'confirmed')", (hold.id,)
        ).fetchone()
        books.execute("insert into keys values (?, ?, ?)", (wish.key, wish.fingerprint, order))
        return find(books, order)
    if hold.state != "active" or hold.expires_ns <= wish.now_ns:
        raise Refused(409, "HOLD_EXPIRED", "the hold has ended and its seats went back")
    pending, n = books.execute(
        "select (select count(*) from orders where state = 'pending'), (select coalesce(max(n), 0) + 1 from orders)"
    ).fetchone()
    if pending >= queue:
        raise shedding.busy("many payments are waiting to be decided; your hold stays")
    return _accept(books, n, wish, hold, signer)


def _accept(books: Books, n: int, wish: Purchase, hold: Hold, signer: Signer) -> Order:
    order = signer.sign("order", n)
    seats = ",".join(map(str, hold.seats))
    intent = wish.intent or hold.intent
    books.execute(
        "insert into orders (n, id, hold, email, intent, key, token, qty, seats, amount_minor, currency, state,"
        " created_ns, worker, lease_ns) values (?,?,?,?,?,?,?,?,?,?,?,'pending',?,?,?)",
        (n, order, hold.id, hold.email, intent, wish.key, wish.token, hold.qty, seats)
        + (hold.total_minor, wish.currency, wish.now_ns, wish.worker, wish.lease_ns),
    )
    books.execute("insert into keys values (?, ?, ?)", (wish.key, wish.fingerprint, order))
    books.execute("update holds set state = 'ordered' where id = ?", (hold.id,))
    stock.move(books, hold.seats, hold.id, PENDING)
    return find(books, order)


def mark_tried(books: Books, order: str) -> Order:
    """Written before the first byte to the provider: after a kill we must know that we may have asked for money."""
    books.execute("update orders set tried = 1 where id = ?", (order,))
    return find(books, order)


def seats_assured(books: Books, order: Order) -> bool:
    """Whether every seat of the order is still put aside for it."""
    (count,) = books.execute(
        f"select count(*) from seats where n in ({marks(order.seats)}) and hold = ? and state = ?",
        (*order.seats, order.hold, PENDING),
    ).fetchone()
    return bool(count == len(order.seats))


def every_seat(books: Books, order: Order, now_ns: int) -> tuple[int, ...]:
    """A ticket for each seat that was paid for."""
    return order.seats


def confirm(
    books: Books,
    order_id: str,
    payment: str | None,
    now_ns: int,
    assured: Callable[[Books, Order], bool] = seats_assured,
    printed: Callable[[Books, Order, int], tuple[int, ...]] = every_seat,
) -> Order:
    """Paid: issue the tickets. Where the seats are not there any more: SEATS_GONE, and the money is owed back."""
    order = find(books, order_id)
    if order.state != "pending":
        return order  # decided already, and only once
    if not assured(books, order):
        _decide(books, order, "failed", "SEATS_GONE", payment, now_ns)
        holds_row = holds.find(books, order.hold)
        if holds_row is not None:
            holds.release(books, holds_row, "released", now_ns)
        return find(books, order_id)
    _decide(books, order, "confirmed", None, payment, now_ns)
    stock.move(books, order.seats, order.hold, SOLD)
    tail = order.id.removeprefix("order_")
    seats = printed(books, order, now_ns)
    tickets = tuple(f"ticket_{tail}_{i}" for i in range(1, len(seats) + 1))
    books.executemany(
        "insert into tickets (n, id, ord, seat, state, created_ns)"
        " values ((select coalesce(max(n), 0) + 1 from tickets), ?, ?, ?, 'valid', ?)",
        [(ticket, order.id, seat, now_ns) for ticket, seat in zip(tickets, seats, strict=True)],
    )
    return msgspec.structs.replace(
        order, state="confirmed", code=None, payment=payment, decided_ns=now_ns, tickets=tickets
    )


def end_basket(books: Books, order: Order, keep: bool, now_ns: int) -> None:
    """The seats of an unpaid order go back into the basket (`keep`) while its time lasts, else into the stock."""
    hold = holds.find(books, order.hold)
    if hold is not None and keep and hold.expires_ns > now_ns:
        books.execute("update holds set state = 'active' where id = ?", (hold.id,))
        stock.move(books, order.seats, order.hold, HELD)
    else:
        if hold is not None:
            holds.close(books, hold.id, "released", now_ns)
        stock.move(books, order.seats, order.hold, FREE)


def fail(
    books: Books,
    order_id: str,
    code: str,
    now_ns: int,
    *,
    keep_hold: bool = False,
    end: Callable[[Books, Order, bool, int], None] = end_basket,
) -> Order:
    """Not paid, and known for certain. `keep_hold`: a declined card leaves the basket for another card."""
    order = find(books, order_id)
    if order.state != "pending":
        return order
    _decide(books, order, "failed", code, None, now_ns)
    end(books, order, keep_hold, now_ns)
    return msgspec.structs.replace(order, state="failed", code=code, payment=None, decided_ns=now_ns)


def refunded(books: Books, order_id: str, payment: str, refund: str) -> Order:
    """The money went back. The refund is written; only a failed order becomes `refunded`."""
    books.execute(
        "update orders set refund = ?, payment = coalesce(payment, ?),"
        " state = case when state = 'failed' then 'refunded' else state end where id = ?",
        (refund, payment, order_id),
    )
    return find(books, order_id)


def _decide(books: Books, order: Order, state: str, code: str | None, payment: str | None, now_ns: int) -> None:
    books.execute(
        "update orders set state = ?, code = ?, payment = ?, decided_ns = ? where id = ?",
        (state, code, payment, now_ns, order.id),
    )
