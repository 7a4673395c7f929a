"""What those who look behind the counter are shown: sums, and each charge, refund and letter as it stands now."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from surgectl.stage.payments.ledger import Entry
from surgectl.stage.payments.provider import Provider
from surgectl.stage.payments.webhooks.outbox import Letter


class Counters(msgspec.Struct, frozen=True):
    """GET /_sim/counters. Money in minor units, all currencies added up; counts since the start or the reset."""

    charges: int
    declined: int
    refunds: int
    captured_minor: int
    refunded_minor: int
    requests: int
    in_flight: int
    posts: int
    replayed: int
    limited: int
    undelivered: int
    intents: int
    ledger: int
    keys: int


class ChargeRow(msgspec.Struct, kw_only=True):
    """GET /_sim/charges: one charge as it stands now, with the key and words that link it to a fan."""

    charge: str
    intent: str | None
    state: str
    authorised_minor: int
    captured_minor: int
    refunded_minor: int = 0
    voided_minor: int = 0
    currency: str
    key: str | None
    request: str
    payment_method: str | None
    receipt_email: str | None
    description: str | None
    metadata: dict[str, str]
    at: str
    at_ns: int
    reply_delivered: bool | None


class RefundRow(msgspec.Struct, kw_only=True):
    """GET /_sim/refunds."""

    refund: str
    charge: str | None
    intent: str | None
    amount_minor: int
    currency: str
    state: str = "succeeded"
    key: str | None
    metadata: dict[str, str]
    at: str


class WebhookRow(msgspec.Struct, kw_only=True):
    """GET /_sim/webhooks: one event for one endpoint, and how its telling goes.

    `state` is waiting, delivered, given-up, dropped (by a fault) or endpoint-deleted; `last_status` is null where
    nothing answered.
    """

    event: str
    type: str
    endpoint: str
    url: str
    created: int
    state: str
    tries: int
    last_status: int | None
    last_error: str | None


def count(provider: Provider) -> Counters:
    """The totals now."""
    totals, rows = provider.book.totals, provider.log.rows
    return Counters(
        charges=totals.charges,
        declined=totals.declined,
        refunds=totals.refunds,
        captured_minor=totals.captured_minor,
        refunded_minor=totals.refunded_minor,
        requests=len(rows),
        in_flight=provider.log.in_flight,
        posts=provider.log.posts,
        replayed=provider.log.replayed,
        limited=provider.log.limited,
        undelivered=provider.log.undelivered,
        intents=len(provider.book.intents),
        ledger=len(provider.book.entries),
        keys=len(provider.memory),
    )


def fold_charges(entries: Sequence[Entry]) -> list[ChargeRow]:
    """What each charge came to, in the order in which they were made."""
    rows: dict[str, ChargeRow] = {}
    for entry in entries:
        if entry.charge is None:
            continue
        row = rows.get(entry.charge)
        if row is None:
            row = rows[entry.charge] = ChargeRow(
                charge=entry.charge,
                intent=entry.intent,
                state="processing" if entry.op == "charge.pending" else entry.outcome,
                authorised_minor=entry.amount_minor,
                captured_minor=0,
                currency=entry.currency,
                key=entry.key,
                request=entry.request,
                payment_method=entry.payment_method,
                receipt_email=entry.receipt_email,
                description=entry.description,
                metadata=entry.metadata,
                at=entry.at.isoformat(),
                at_ns=entry.at_ns,
                reply_delivered=entry.reply_delivered,
            )
        row.captured_minor += entry.captured_minor
        row.refunded_minor += entry.refunded_minor
        if entry.op == "charge.captured":
            row.state = "captured"
        elif entry.op == "charge.authorised":
            row.state = "authorised"
        elif entry.op == "charge.failed":
            row.state, row.authorised_minor = "failed", 0
        elif entry.op == "charge.voided":
            row.state, row.voided_minor = "voided", entry.amount_minor
        elif entry.op in ("refund.succeeded", "refund.failed"):
            row.state = "refunded" if row.refunded_minor >= row.captured_minor else "captured"
    return list(rows.values())


def fold_refunds(entries: Sequence[Entry]) -> list[RefundRow]:
    """What each refund came to: `pending`, `succeeded` or `failed`."""
    rows: dict[str, RefundRow] = {}
    for entry in entries:
        if entry.refund is None:
            continue
        row = rows.get(entry.refund)
        if row is None:
            row = rows[entry.refund] = RefundRow(
                refund=entry.refund,
                charge=entry.charge,
                intent=entry.intent,
                amount_minor=entry.amount_minor,
                currency=entry.currency,
                key=entry.key,
                metadata=entry.metadata,
                at=entry.at.isoformat(),
            )
        row.state = entry.op.removeprefix("refund.")
    return list(rows.values())


def show_letter(letter: Letter) -> WebhookRow:
    return WebhookRow(
        event=letter.event.id,
        type=letter.event.type,
        endpoint=letter.endpoint.id,
        url=letter.endpoint.url,
        created=letter.event.created,
        state=letter.state,
        tries=letter.tries,
        last_status=letter.last_status,
        last_error=letter.last_error,
    )
