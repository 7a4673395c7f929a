"""Where every seat is, read in one look."""

from __future__ import annotations

from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.books.protocol import marks
from surgectl.stage.boxoffice.refusals import Refused
from surgectl.stage.boxoffice.rows import FREE, HELD, PENDING, SOLD, Stock


def count(books: Books) -> Stock:
    """One statement, hence one snapshot: the sum is the capacity at any instant."""
    by_state = dict(books.execute("select state, count(*) from seats group by state").fetchall())
    return Stock(
        capacity=sum(by_state.values()),
        available=by_state.get(FREE, 0),
        held=by_state.get(HELD, 0),
        pending=by_state.get(PENDING, 0),
        sold=by_state.get(SOLD, 0),
    )


def all_sold(stock: Stock) -> bool:
    """Over for ever: no confirmed order gives its seats back."""
    return stock.sold >= stock.capacity


def free_seats(books: Books, qty: int) -> tuple[int, ...]:
    """Up to `qty` free seats, the lowest first, so that friends mostly sit together."""
    rows = books.execute("select n from seats where state = ? order by n limit ?", (FREE, qty)).fetchall()
    return tuple(row[0] for row in rows)


def free_among(books: Books, seats: tuple[int, ...]) -> tuple[int, ...]:
    """Those of these seats that are free, the lowest first."""
    rows = books.execute(
        f"select n from seats where state = ? and n in ({marks(seats)}) order by n", (FREE, *seats)
    ).fetchall()
    return tuple(row[0] for row in rows)


def states(books: Books) -> bytes:
    """What every seat does, seat n at index n - 1: what a seat map shows."""
    return bytes(state for (state,) in books.execute("select state from seats order by n").fetchall())


def move(books: Books, seats: tuple[int, ...], hold: str, state: int) -> None:
    """Seats of this hold change their state; seats that belong to another hold by now stay as they are."""
    keep = None if state == FREE else hold
    books.execute(
        f"update seats set state = ?, hold = ? where n in ({marks(seats)}) and hold = ?", (state, keep, *seats, hold)
    )


def no_more() -> Refused:
    return Refused(409, "SOLD_OUT", "every seat is sold")


def refusal(stock: Stock, qty: int) -> Refused | None:
    """Why `qty` seats cannot be had now, or None where they can.

    SOLD_OUT is said only when it is for ever: a sold seat never comes back, a held or pending one may.
    """
    if stock.available >= qty:
        return None
    if all_sold(stock):
        return no_more()
    if stock.capacity - stock.sold < qty:
        left = stock.capacity - stock.sold
        return Refused(409, "NOT_ENOUGH", "fewer seats are left than you want", left=left)
    return Refused(409, "ALL_HELD", "all are in others' baskets for now; some may come back")
