"""What the authorities say, one row a fact: the lines of evidence/KIND.jsonl.

Each row says which source it came from (`source`, and its `place` there) and carries `keys`: values found in it, in the
order of the target's `key:` list, which may equal something that we minted. Linking to intents is the audit's work, not
ours.
"""

from __future__ import annotations

from typing import Literal

import msgspec

OrderState = Literal["valid", "pending", "void"]


class _Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    source: str = ""
    line: int = 0
    place: int | None = None
    """Where it stands in the source: the line of a file, else its number in the list as it was read, from 1."""
    keys: list[str] = []
    at_s: float | None = None
    """The authority's own clock, seconds since the epoch: never ordered against ours closer than the error bound."""


class OrderRow(_Row, frozen=True, kw_only=True):
    order: str
    state: OrderState
    qty: int | None = None
    amount_minor: int | None = None
    currency: str | None = None
    identity: str | None = None
    key: str | None = None
    payments: list[str] = []
    ended_s: float | None = None
    """Of a void order: when it gave its units back, by the shop's clock."""


class TicketRow(_Row, frozen=True, kw_only=True):
    ticket: str
    order: str
    state: OrderState
    seat: str | None = None


class HoldRow(_Row, frozen=True, kw_only=True):
    hold: str
    state: Literal["active", "used", "released", "expired"]
    qty: int | None = None
    expires_s: float | None = None
    ended_s: float | None = None
    """Of one that was released or has expired: when its units went back, by the shop's clock."""


class StockRow(_Row, frozen=True, kw_only=True):
    """One consistent snapshot of the shop's own counters."""

    capacity: int | None = None
    available: int | None = None
    held: int | None = None
    sold: int | None = None
    pending: int | None = None
    snapshot: int = 0
    """0 = the first read after settling, 1 = the read after it, …"""


class ChargeRow(_Row, frozen=True, kw_only=True):
    charge: str
    captured_minor: int
    currency: str
    authorised_minor: int | None = None
    refunded_minor: int = 0
    voided_minor: int = 0
    key: str | None = None
    state: Literal["succeeded", "processing", "failed", "authorised", "secured", "voided"] = "succeeded"
    """`secured` is set aside and taken later, when the shop ships: whoever holds a ticket for it has paid."""
    payment: str | None = None
    """The provider's payment (intent) id, which an order may name."""


class RefundRow(_Row, frozen=True, kw_only=True):
    refund: str
    charge: str
    amount_minor: int
    state: Literal["succeeded", "pending", "failed"] = "succeeded"


class RequestRow(_Row, frozen=True, kw_only=True):
    """One request that the provider received."""

    payment: str | None = None
    key: str | None = None
    status: int | None = None
    method: str = "POST"
    body: str | None = None
    """A digest of what was asked: two under one key are two wishes."""


class WebhookRow(_Row, frozen=True, kw_only=True):
    """One delivery of one event to the shop, as the provider's log has it; `at_s` is when it was sent."""

    event: str
    type: str
    """In Stripe's words: payment_intent.succeeded, charge.refunded …"""
    payment: str | None = None
    """The payment or charge that it is about, as an order or a charge names it."""
    number: int | None = None
    """The event's place in the provider's own order, where it has one finer than `created_s`."""
    created_s: float | None = None
    """When it happened, by the provider's clock."""
    delivery: int | None = None
    """1 = the first sending of this event, 2 = the second …"""
    signature: Literal["good", "bad"] = "good"
    """Bad: not signed with the shop's secret, so not the provider's word."""
    status: int | None = None
    """What the shop answered; None = nothing."""


class SourceRow(_Row, frozen=True, kw_only=True):
    """How the reading of one kind went: what an audit may rest on."""

    kind: str
    rows: int
    complete: bool
    stable: bool = True
    """Two successive reads agreed."""
    declared: int | None = None
    """The count that the source itself declared."""
    cut_at: int | None = None
    """So many rows came, and nobody said how many there are: lists are often cut off at such a number."""
    error: str = ""


KINDS: dict[str, type[_Row]] = {
    "orders": OrderRow,
    "tickets": TicketRow,
    "holds": HoldRow,
    "stock": StockRow,
    "charges": ChargeRow,
    "refunds": RefundRow,
    "requests": RequestRow,
    "webhooks": WebhookRow,
    "sources": SourceRow,
}
