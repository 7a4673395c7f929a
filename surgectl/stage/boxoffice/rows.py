"""The things a box office writes down: places in line, holds, orders, stock."""

from __future__ import annotations

from typing import Literal

import msgspec

HoldState = Literal["active", "ordered", "released", "expired"]
OrderState = Literal["pending", "confirmed", "failed", "refunded"]

# What a seat is doing. Every seat is in exactly one of these, so the stock always adds up.
FREE, HELD, PENDING, SOLD = 0, 1, 2, 3


class Place(msgspec.Struct, frozen=True, gc=False):
    """One person's place in line. `seq` counts from 1 in the order of arrival.

    There may be a million of them: the collector need not look at what can hold no circle.
    """

    seq: int
    email: str
    intent: str | None
    joined_ns: int
    drawn: int | None = None
    """The number in line, from 1; None in the pre-queue, before the draw."""


class Hold(msgspec.Struct, frozen=True):
    """Seats put aside for one person until `expires_ns` (epoch nanoseconds)."""

    id: str
    place: int
    email: str
    intent: str | None
    qty: int
    seats: tuple[int, ...]
    total_minor: int
    state: HoldState
    created_ns: int
    expires_ns: int


class Order(msgspec.Struct, frozen=True):
    """One order, from the acknowledgement to its end. Times are epoch nanoseconds."""

    id: str
    hold: str
    email: str
    intent: str | None
    token: str
    """What the fan pays with: a payment method of the provider."""
    qty: int
    seats: tuple[int, ...]
    amount_minor: int
    state: OrderState
    code: str | None
    """Why it failed: DECLINED, PAYMENT_TIMEOUT, SEATS_GONE, IDENTITY_DENIED, IDENTITY_TIMEOUT."""
    payment: str | None
    tried: bool
    """Whether a payment may ever have left the house: written BEFORE the first byte is sent."""
    created_ns: int
    decided_ns: int | None
    identity: str | None = None
    """What the identity check said of the buyer: clear or deny; None: not asked, or not answered yet."""
    tickets: tuple[str, ...] = ()


class Stock(msgspec.Struct, frozen=True):
    """Where all the seats are: capacity = available + held + pending + sold, always."""

    capacity: int
    available: int
    held: int
    pending: int
    sold: int


class Hall(msgspec.Struct, frozen=True):
    """One look at all the seats, and when it was begun (epoch nanoseconds)."""

    as_of_ns: int
    stock: Stock
    states: bytes = b""
    """On a seat map: what seat n does (FREE …) at index n - 1."""
