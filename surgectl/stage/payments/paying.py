"""The one moment at which money moves, and the two ways in which it may be put off: a question, or slow processing."""

from __future__ import annotations

import msgspec

from surgectl import chance
from surgectl.stage.payments import balance
from surgectl.stage.payments import commands as ask
from surgectl.stage.payments.answers import declined, unexpected_state
from surgectl.stage.payments.book import Book, Done
from surgectl.stage.payments.cards import GENERIC, Decline, Verdict
from surgectl.stage.payments.entries import charge_entry, intent_entry
from surgectl.stage.payments.ledger import Commit, Entry
from surgectl.stage.payments.objects import CardDetails, Charge, Intent, LastError, MethodDetails, NextAction
from surgectl.stage.payments.pending import Pending
from surgectl.stage.payments.stamp import Stamp

_STRANGER_EVERY = 8
"""A provider that is wrong in that way: of so many charges one more is not ours."""
_VISA_DETAILS = MethodDetails(card=CardDetails(brand="visa", last4="4242"))
_FAILED_AUTHENTICATION = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod "
    "to attempt to fulfill this PaymentIntent again."
)


def pay(book: Book, intent: Intent, verdict: Verdict, stamp: Stamp, entries: list[Entry]) -> Done:
    """Try to take the money; `entries` are what the same request did before."""
    intent.next_action = None
    if verdict.challenge:
        return _ask_the_cardholder(book, intent, verdict, stamp, entries)
    charge = _new_charge(book, intent, stamp)
    intent.latest_charge = charge.id
    if verdict.settles:
        return _begin_processing(book, intent, charge, verdict, stamp, entries)
    if verdict.decline is not None:
        return _refuse(book, intent, charge, verdict.decline, stamp, entries)
    return _take(book, intent, charge, stamp, entries)


def authenticate(book: Book, command: ask.Authenticate, stamp: Stamp) -> Done:
    """The cardholder has answered the bank's question, or has gone away."""
    intent = book.intents.get(command.intent)
    asked = book.pending.get(intent.id)
    if intent.status != "requires_action" or asked is None:
        raise unexpected_state(intent, "authenticated")
    return _answered(book, intent, asked, command.outcome, stamp)


def settle_intent(book: Book, pending: Pending, stamp: Stamp) -> Done:
    """The time of what was pending has come: an answer to the bank's question, or the end of processing."""
    intent = book.intents.get(pending.id)
    if intent.status == "requires_action":
        return _answered(book, intent, pending, pending.ends, stamp)
    charge = book.latest_charge(intent)
    if pending.ends == "failed":
        done = _refuse(book, intent, charge, pending.decline or GENERIC, stamp, [])
    else:
        done = _take(book, intent, charge, stamp, [], outcome="settled")
    return done


def _new_charge(book: Book, intent: Intent, stamp: Stamp) -> Charge:
    method = book.methods.find(intent.payment_method) if intent.payment_method else None
    return Charge(
        id=f"ch_3{book.mark}{len(book.charges) + 1:08d}",
        amount=intent.amount,
        amount_captured=0,
        captured=False,
        created=book.created_s(stamp),
        currency=intent.currency,
        customer=intent.customer,
        description=intent.description,
        metadata={} if book.options.defect == "bare-charges" else intent.metadata,
        paid=False,
        payment_intent=intent.id,
        payment_method=intent.payment_method,
        payment_method_details=MethodDetails(card=method.card) if method else _VISA_DETAILS,
        receipt_email=intent.receipt_email,
        status="pending",
    )


def _take(
    book: Book, intent: Intent, charge: Charge, stamp: Stamp, entries: list[Entry], outcome: str = "captured"
) -> Done:
    intent.last_payment_error = None
    charge.paid, charge.status = True, "succeeded"
    if intent.capture_method == "manual":
        intent.status, intent.amount_capturable = "requires_capture", intent.amount
        entries.append(charge_entry(stamp, "charge.authorised", "authorised", charge, 0))
    else:
        charge.captured, charge.amount_captured = True, charge.amount
        charge.balance_transaction = balance.of_charge(charge.id)
        intent.status, intent.amount_received = "succeeded", intent.amount
        entries.append(charge_entry(stamp, "charge.captured", outcome, charge, charge.amount))
    book.keep_charge(charge)
    done = book.changed_intent(intent, entries, charge)
    if book.options.defect == "strange-charges" and len(book.charges) % _STRANGER_EVERY == 0:
        _book_a_strangers(book, intent, charge.amount, stamp, done.commit)
    return done


def _book_a_strangers(book: Book, intent: Intent, amount: int, stamp: Stamp, commit: Commit) -> None:
    """Another merchant's charge under our account: of nobody's card, for none of our payments."""
    stranger = msgspec.structs.replace(
        _new_charge(book, intent, stamp),
        amount_captured=amount,
        captured=True,
        customer=None,
        description="another merchant's",
        metadata={},
        paid=True,
        payment_intent=None,
        receipt_email=None,
        status="succeeded",
    )
    book.keep_charge(stranger)
    commit.entries.append(charge_entry(stamp, "charge.captured", "captured", stranger, amount))
    commit.charges.append(msgspec.Raw(msgspec.json.encode(stranger)))


def _refuse(book: Book, intent: Intent, charge: Charge, decline: Decline, stamp: Stamp, entries: list[Entry]) -> Done:
    charge.status, charge.failure_code, charge.failure_message = "failed", decline.code, decline.message
    book.keep_charge(charge)
    intent.last_payment_error = LastError(
        decline.code, decline.decline_code, decline.message, charge.id, intent.payment_method
    )
    intent.payment_method = None
    intent.status = "requires_payment_method"
    entries.append(charge_entry(stamp, "charge.failed", decline.decline_code or decline.code, charge, 0))
    done = book.changed_intent(intent, entries, charge)
    done.status, done.refused = 402, declined(decline, charge.id, done.shown_raw)
    return done


def _begin_processing(
    book: Book, intent: Intent, charge: Charge, verdict: Verdict, stamp: Stamp, entries: list[Entry]
) -> Done:
    book.keep_charge(charge)
    intent.status = "processing"
    entries.append(charge_entry(stamp, "charge.pending", "pending", charge, 0))
    commit = Commit()
    after_ns = book.options.settle_after_ns if verdict.after_ns is None else verdict.after_ns
    ends = "failed" if verdict.decline else "succeeded"
    book.wait_for(intent.id, after_ns, ends, stamp, commit, verdict.decline)
    return book.changed_intent(intent, entries, charge, commit)


def _ask_the_cardholder(book: Book, intent: Intent, verdict: Verdict, stamp: Stamp, entries: list[Entry]) -> Done:
    path = f"/v1/test_helpers/payment_intents/{intent.id}/authenticate"
    intent.status, intent.next_action = "requires_action", NextAction(NextAction.Question(path))
    entries.append(intent_entry(stamp, "intent.requires_action", "requires_action", intent))
    commit = Commit()
    after_ns = _answers_in_ns(book, intent) if verdict.after_ns is None else verdict.after_ns
    book.wait_for(intent.id, after_ns, "succeeded", stamp, commit, verdict.decline, verdict.settles)
    return book.changed_intent(intent, entries, commit=commit)


def _answers_in_ns(book: Book, intent: Intent) -> int | None:
    """How long this cardholder takes to answer by themselves; None for one who never does."""
    options, draw = book.options, (int(intent.id[-8:]), len(book.charges_of(intent.id)))
    if chance.unit(options.seed, "payments.authenticated", *draw) >= options.authenticated:
        return None
    median = float(options.authentication_ns)
    return int(chance.lognormal(median, 0.25, options.seed, "payments.authentication", *draw)) if median else 0


def _answered(book: Book, intent: Intent, asked: Pending, outcome: str, stamp: Stamp) -> Done:
    if outcome == "abandoned":  # they went away: nothing comes by itself any more
        commit = Commit()
        book.wait_for(intent.id, None, asked.ends, stamp, commit, asked.decline, asked.settles)
        entry = intent_entry(stamp, "intent.abandoned", "requires_action", intent)
        return book.changed_intent(intent, [entry], commit=commit)
    if outcome == "succeeded":
        done = pay(book, intent, asked.verdict(), stamp, [])
        done.status, done.refused = 200, None  # a decline is told by the intent: nobody confirms here
        return done
    intent.last_payment_error = LastError(
        "payment_intent_authentication_failure",
        None,
        _FAILED_AUTHENTICATION,
        None,
        intent.payment_method,
        type="invalid_request_error",
    )
    intent.status, intent.next_action, intent.payment_method = "requires_payment_method", None, None
    return book.changed_intent(intent, [intent_entry(stamp, "intent.unauthenticated", intent.status, intent)])
