"""Seats put aside for one fan, for a while: given, replaced, given back."""

from __future__ import annotations

import msgspec

from surgectl.stage.boxoffice import stock
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.books.protocol import marks
from surgectl.stage.boxoffice.refusals import Refused
from surgectl.stage.boxoffice.rows import FREE, HELD, Hold
from surgectl.stage.boxoffice.signing import Signer

_COLUMNS = "id, place, email, intent, qty, seats, total_minor, state, created_ns, expires_ns"


class Wish(msgspec.Struct, frozen=True):
    """What a fan at the counter asks for; `place` and `email` come from the pass, not from the request."""

    place: int
    email: str
    intent: str | None
    sku: str
    qty: int
    price_minor: int
    limit: int
    now_ns: int
    expires_ns: int
    chosen: tuple[int, ...] = ()
    """Exactly these seats, picked on the map; none: any `qty` of them will do."""


class Taken(Refused):
    """Some of the seats that were chosen on the map are gone: choose others."""

    def __init__(self, seats: tuple[int, ...]) -> None:
        super().__init__(409, "TAKEN", "somebody was faster; choose other seats")
        self.seats = seats


def read(row: tuple[object, ...]) -> Hold:
    fields = dict(zip(Hold.__struct_fields__, row, strict=True))
    fields["seats"] = tuple(int(n) for n in str(fields["seats"]).split(","))
    return msgspec.convert(fields, Hold)


def find(books: Books, hold: str) -> Hold | None:
    row = books.execute(f"select {_COLUMNS} from holds where id = ?", (hold,)).fetchone()
    return read(row) if row else None


def take(books: Books, wish: Wish, signer: Signer) -> Hold:
    """Check and take in one job: nobody else can come between. Refused: LIMIT, TAKEN, ALL_HELD, NOT_ENOUGH, SOLD_OUT.

    One basket a pass: asked again for the same (a double click, a retry after a lost reply) the fan gets the
    same hold; asked for another quantity or other seats, the new basket replaces the old one, or neither changes.
    """
    standing = basket(books, wish)
    if standing is not None:
        if answers(standing, wish):
            return standing
        release(books, standing, "released", wish.now_ns)
    return take_another(books, wish, signer)


def take_another(books: Books, wish: Wish, signer: Signer) -> Hold:
    """A new hold, whatever the pass holds already, as far as limit and stock allow."""
    check_limit(books, wish)
    return put_aside(books, wish, find_seats(books, wish), signer)


def find_seats(books: Books, wish: Wish) -> tuple[int, ...]:
    """Free seats for this wish: those that were chosen, or the first ones."""
    seats = stock.free_among(books, wish.chosen) if wish.chosen else stock.free_seats(books, wish.qty)
    if len(seats) == wish.qty:
        return seats
    no = stock.refusal(stock.count(books), wish.qty)
    if wish.chosen and (no is None or no.code == "ALL_HELD"):
        raise Taken(tuple(sorted(set(wish.chosen) - set(seats))))
    raise no or Refused(409, "ALL_HELD", "come back in a moment")


def answers(hold: Hold, wish: Wish) -> bool:
    """Whether this basket is what the wish asks for."""
    return set(hold.seats) == set(wish.chosen) if wish.chosen else hold.qty == wish.qty


def basket(books: Books, wish: Wish) -> Hold | None:
    """The live hold of this pass, if there is one."""
    row = books.execute(
        f"select {_COLUMNS} from holds where place = ? and state = 'active' and expires_ns > ?",
        (wish.place, wish.now_ns),
    ).fetchone()
    return read(row) if row else None


def check_limit(books: Books, wish: Wish) -> None:
    """Refused LIMIT where this e-mail would hold and own more than the limit."""
    (has,) = books.execute(
        "select coalesce(sum(qty), 0) from holds where email = ?"
        " and (state = 'ordered' or (state = 'active' and expires_ns > ?))",
        (wish.email, wish.now_ns),
    ).fetchone()
    if has + wish.qty > wish.limit:
        raise Refused(409, "LIMIT", f"{wish.limit} tickets per person, and you have {has}", limit=wish.limit, has=has)


def put_aside(books: Books, wish: Wish, seats: tuple[int, ...], signer: Signer) -> Hold:
    """Write the hold and mark its seats, whatever they were before: the caller has looked."""
    (n,) = books.execute("select coalesce(max(n), 0) + 1 from holds").fetchone()
    hold = Hold(
        id=signer.sign("hold", n),
        place=wish.place,
        email=wish.email,
        intent=wish.intent,
        qty=wish.qty,
        seats=seats,
        total_minor=wish.qty * wish.price_minor,
        state="active",
        created_ns=wish.now_ns,
        expires_ns=wish.expires_ns,
    )
    text = ",".join(map(str, seats))
    values = (n, hold.id, hold.place, hold.email, hold.intent, hold.qty, text, hold.total_minor, hold.state)
    books.execute(
        f"insert into holds (n, {_COLUMNS}) values (?,?,?,?,?,?,?,?,?,?,?)", (*values, hold.created_ns, hold.expires_ns)
    )
    books.execute(f"update seats set state = ?, hold = ? where n in ({marks(seats)})", (HELD, hold.id, *seats))
    return hold


def release(books: Books, hold: Hold, state: str, now_ns: int) -> None:
    """Close a hold and give its seats back to the stock."""
    close(books, hold.id, state, now_ns)
    stock.move(books, hold.seats, hold.id, FREE)


def close(books: Books, hold: str, state: str, now_ns: int) -> None:
    """Write that a hold has ended. Its seats are the caller's business."""
    books.execute("update holds set state = ?, ended_ns = ? where id = ?", (state, now_ns, hold))


def due(books: Books, now_ns: int) -> list[Hold]:
    """Active holds whose time is up. A hold with an order is never among them: its seats wait for the payment."""
    rows = books.execute(
        f"select {_COLUMNS} from holds where state = 'active' and expires_ns <= ? order by n limit 500", (now_ns,)
    ).fetchall()
    return [read(row) for row in rows]


def expire(books: Books, now_ns: int) -> int:
    """Give back what was held too long → how many holds ended."""
    ended = due(books, now_ns)
    for hold in ended:
        release(books, hold, "expired", now_ns)
    return len(ended)
