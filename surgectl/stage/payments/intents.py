"""A want to be paid, from its making to its end: each of its steps that a shop may ask for."""

from __future__ import annotations

import zlib

from surgectl import chance
from surgectl.stage.payments import balance
from surgectl.stage.payments import commands as ask
from surgectl.stage.payments.answers import executed, unexpected_state
from surgectl.stage.payments.book import Book, Done
from surgectl.stage.payments.cards import GENERIC, UNAUTHENTICATED, Verdict, judge
from surgectl.stage.payments.entries import charge_entry, intent_entry
from surgectl.stage.payments.objects import Intent
from surgectl.stage.payments.paying import pay
from surgectl.stage.payments.refusal import bad_request
from surgectl.stage.payments.stamp import Stamp

_CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


def create_intent(book: Book, command: ask.CreateIntent, stamp: Stamp, verdict: Verdict | None) -> Done:
    """`verdict` is the issuer having a bad day; None leaves it to the card."""
    if command.customer is not None:
        book.customers.get(command.customer, param="customer", status=400)
    number = len(book.intents)
    id_ = f"pi_3{book.mark}{number + 1:08d}"
    has_method = command.payment_method is not None or command.card_number is not None
    intent = Intent(
        id=id_,
        amount=command.amount_minor,
        capture_method=command.capture_method,
        client_secret=f"{id_}_secret_{chance.bits(book.options.seed, 'payments.secret', number):016x}",
        created=book.created_s(stamp),
        currency=command.currency,
        customer=command.customer,
        description=command.description,
        metadata=command.metadata,
        payment_method=command.payment_method,
        payment_method_types=command.method_types,
        receipt_email=command.receipt_email,
        status="requires_confirmation" if has_method else "requires_payment_method",
    )
    if command.confirm and not has_method:
        raise bad_request(
            "You cannot confirm this PaymentIntent because it's missing a payment method.", param="payment_method"
        )
    book.intents.put(intent)
    entry = intent_entry(stamp, "intent.created", intent.status, intent)
    if command.confirm:
        judged = _judged(book, intent, command.card_number, verdict, command.unattended)
        return pay(book, intent, judged, stamp, [entry])
    return book.changed_intent(intent, [entry])


def update_intent(book: Book, command: ask.UpdateIntent, stamp: Stamp) -> Done:
    intent = book.intents.get(command.intent)
    if intent.status not in ("requires_payment_method", "requires_confirmation") and (
        command.amount_minor is not None or command.payment_method is not None
    ):
        raise unexpected_state(intent, "updated")
    if command.amount_minor is not None:
        intent.amount = command.amount_minor
    if command.payment_method is not None:
        intent.payment_method = command.payment_method
        intent.status = "requires_confirmation"
    if command.description is not None:
        intent.description = command.description
    if command.receipt_email is not None:
        intent.receipt_email = command.receipt_email
    if command.metadata:
        merged = {**intent.metadata, **command.metadata}
        intent.metadata = {name: value for name, value in merged.items() if value}  # an empty value unsets
    return book.changed_intent(intent, [intent_entry(stamp, "intent.updated", intent.status, intent)])


def confirm_intent(book: Book, command: ask.ConfirmIntent, stamp: Stamp, verdict: Verdict | None) -> Done:
    intent = book.intents.get(command.intent)
    if intent.status not in _CONFIRMABLE:
        raise unexpected_state(intent, "confirmed")
    if command.payment_method is None and command.card_number is None and intent.payment_method is None:
        raise unexpected_state(intent, "confirmed, because it's missing a payment method,")
    if command.payment_method is not None:
        intent.payment_method = command.payment_method
    if command.receipt_email is not None:
        intent.receipt_email = command.receipt_email
    if command.capture_method is not None:
        intent.capture_method = command.capture_method
    judged = _judged(book, intent, command.card_number, verdict, command.unattended)
    return pay(book, intent, judged, stamp, [])


def capture_intent(book: Book, command: ask.CaptureIntent, stamp: Stamp) -> Done:
    intent = book.intents.get(command.intent)
    if intent.status != "requires_capture":
        raise unexpected_state(intent, "captured")
    amount = intent.amount_capturable if command.amount_minor is None else command.amount_minor
    if amount > intent.amount_capturable:
        raise executed(
            f"The amount to capture ({amount}) is greater than the capturable one ({intent.amount_capturable}).",
            code="amount_too_large",
            param="amount_to_capture",
        )
    charge = book.latest_charge(intent)
    charge.captured, charge.amount_captured = True, amount
    charge.balance_transaction = balance.of_charge(charge.id)
    # Capturing less than was reserved gives the rest back at once, as Stripe's charge object shows it.
    charge.amount_refunded = charge.amount - amount
    intent.status, intent.amount_capturable, intent.amount_received = "succeeded", 0, amount
    return book.changed_intent(intent, [charge_entry(stamp, "charge.captured", "collected", charge, amount)], charge)


def cancel_intent(book: Book, command: ask.CancelIntent, stamp: Stamp) -> Done:
    intent = book.intents.get(command.intent)
    if intent.status not in (*_CONFIRMABLE, "requires_capture"):
        raise unexpected_state(intent, "canceled")
    entries = []
    charge = None
    if intent.status == "requires_capture":
        charge = book.latest_charge(intent)
        charge.refunded, charge.amount_refunded = True, charge.amount
        entries.append(charge_entry(stamp, "charge.voided", "voided", charge, 0))
    intent.status, intent.amount_capturable, intent.next_action = "canceled", 0, None
    intent.canceled_at, intent.cancellation_reason = book.created_s(stamp), command.reason
    entries.append(intent_entry(stamp, "intent.canceled", "canceled", intent))
    return book.changed_intent(intent, entries, charge)


def _judged(book: Book, intent: Intent, number: str | None, verdict: Verdict | None, unattended: bool) -> Verdict:
    if verdict is None:
        card = number if number is not None else book.judged_card(intent.payment_method)
        verdict = _by_lot(book, intent, card) or judge(card)
    return Verdict(UNAUTHENTICATED) if verdict.challenge and unattended else verdict


def _by_lot(book: Book, intent: Intent, card: str) -> Verdict | None:
    """The lot of a payment where the provider has a share of bad cards.

    It hangs on the card's name where that has a tail of the shop's own, so that a card which was declined once is
    declined again; who sends everybody's card under one name is drawn for payment by payment.
    """
    options = book.options
    drawn_by = card if "-" in card else intent.id
    drawn = chance.unit(options.seed, "payments.card", zlib.crc32(drawn_by.encode()))
    if drawn < options.declined:
        return Verdict(GENERIC)
    if drawn < options.declined + options.processing_declined:
        return Verdict(GENERIC, settles=True)
    return None
