"""A stranger's books: other paths, other columns, decimal sums, a cursor and no count."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from surgectl.stage.boxoffice.desk import Desk
from surgectl.stage.boxoffice.disguise.words import decimal, instant, reason, state
from surgectl.stage.boxoffice.refusals import Refused

PAGE = 200

T = TypeVar("T")
Told = dict[str, object]


class _Page(msgspec.Struct, Generic[T]):
    total: int
    rows: list[T]


class _Order(msgspec.Struct):
    order: str
    state: str
    code: str | None
    qty: int
    amount: int
    currency: str
    email: str
    key: str
    payment: str | None
    refund: str | None
    hold: str
    at: float
    decided_at: float | None


class _Ticket(msgspec.Struct):
    ticket: str
    order: str
    seat: str
    state: str
    at: float


class _Hold(msgspec.Struct):
    hold: str
    state: str
    qty: int
    seats: list[str]
    email: str
    at: float
    expires_at: float
    ended_at: float | None


def _purchase(row: _Order) -> Told:
    return {
        "ref": row.order,
        "status": state(row.state),
        "reason": None if row.code is None else reason(row.code),
        "count": row.qty,
        "sum": decimal(row.amount, row.currency),
        "coin": row.currency,
        "buyer": row.email,
        "request_id": row.key,
        "bank_ref": row.payment,
        "returned_ref": row.refund,
        "reservation": row.hold,
        "opened": instant(row.at),
        "closed": None if row.decided_at is None else instant(row.decided_at),
    }


def _entry(row: _Ticket) -> Told:
    return {
        "entry": row.ticket,
        "purchase": row.order,
        "spot": row.seat,
        "status": state(row.state),
        "printed": instant(row.at),
    }


def _reservation(row: _Hold) -> Told:
    return {
        "ref": row.hold,
        "status": state(row.state),
        "count": row.qty,
        "spots": row.seats,
        "buyer": row.email,
        "begun": instant(row.at),
        "good_until": instant(row.expires_at),
        "over": None if row.ended_at is None else instant(row.ended_at),
    }


async def read(desk: Desk, name: str, cursor: str) -> Told:
    """One page of `purchases`, `entries` or `reservations`, or the `house` as it is. Refused where there is none."""
    if name == "house":
        seats = await desk.stock()
        return {
            "house": {
                "size": seats.capacity,
                "open": seats.available,
                "kept": seats.held,
                "undecided": seats.pending,
                "gone": seats.sold,
            }
        }
    offset = _offset(cursor)
    if name == "purchases":
        return _told(await desk.books("orders", PAGE, offset, _Page[_Order]), offset, _purchase)
    if name == "entries":
        return _told(await desk.books("tickets", PAGE, offset, _Page[_Ticket]), offset, _entry)
    if name == "reservations":
        return _told(await desk.books("holds", PAGE, offset, _Page[_Hold]), offset, _reservation)
    raise Refused(404, "NOT_FOUND", "the books are house, purchases, entries, reservations")


def _told(page: _Page[T], offset: int, told: Callable[[T], Told]) -> Told:
    end = offset + len(page.rows)
    return {"items": [told(row) for row in page.rows], "next": _cursor(end) if end < page.total else None}


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(f"after:{offset}".encode()).decode()


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(cursor).decode().partition(":")
    except ValueError:  # no base64, or no text in it
        word = number = ""
    if word != "after" or not number.isdecimal():
        raise Refused(400, "BAD_REQUEST", "that is no cursor of ours")
    return int(number)
