"""Words each movement for the ledger."""

from __future__ import annotations

from surgectl.stage.payments.ledger import Entry
from surgectl.stage.payments.objects import Charge, Intent
from surgectl.stage.payments.stamp import Stamp


def plain_entry(
    stamp: Stamp,
    op: str,
    outcome: str,
    metadata: dict[str, str],
    *,
    receipt_email: str | None = None,
    payment_method: str | None = None,
) -> Entry:
    return Entry(
        seq=0,
        at_ns=stamp.at_ns,
        at=stamp.at,
        op=op,
        outcome=outcome,
        request=stamp.request,
        key=stamp.key,
        params=stamp.params,
        payment_method=payment_method,
        receipt_email=receipt_email,
        metadata=metadata,
    )


def intent_entry(stamp: Stamp, op: str, outcome: str, intent: Intent) -> Entry:
    entry = plain_entry(
        stamp,
        op,
        outcome,
        intent.metadata,
        receipt_email=intent.receipt_email,
        payment_method=intent.payment_method,
    )
    entry.intent, entry.amount_minor, entry.currency = intent.id, intent.amount, intent.currency
    entry.description = intent.description
    return entry


def charge_entry(stamp: Stamp, op: str, outcome: str, charge: Charge, captured_minor: int) -> Entry:
    entry = plain_entry(
        stamp,
        op,
        outcome,
        charge.metadata,
        receipt_email=charge.receipt_email,
        payment_method=charge.payment_method,
    )
    entry.intent, entry.charge = charge.payment_intent, charge.id
    entry.amount_minor, entry.captured_minor, entry.currency = charge.amount, captured_minor, charge.currency
    entry.description = charge.description
    return entry
