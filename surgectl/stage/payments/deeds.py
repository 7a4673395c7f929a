"""Carries out one command: which room of the books does what."""

from __future__ import annotations

from surgectl.stage.payments import commands as ask
from surgectl.stage.payments.book import Book, Done
from surgectl.stage.payments.cards import RefundTurn, Verdict
from surgectl.stage.payments.endpoints import create_endpoint, delete_endpoint, update_endpoint
from surgectl.stage.payments.intents import (
    cancel_intent,
    capture_intent,
    confirm_intent,
    create_intent,
    update_intent,
)
from surgectl.stage.payments.paying import authenticate, settle_intent
from surgectl.stage.payments.people import attach_method, create_customer, create_method
from surgectl.stage.payments.refunds import create_refund, settle_refund
from surgectl.stage.payments.stamp import Stamp


def execute(
    book: Book, command: ask.Command, stamp: Stamp, verdict: Verdict | None = None, refund: RefundTurn | None = None
) -> Done:
    """Refusal where its object does not allow it; `verdict` and `refund` are the issuer having a bad day."""
    match command:
        case ask.CreateIntent():
            return create_intent(book, command, stamp, verdict)
        case ask.ConfirmIntent():
            return confirm_intent(book, command, stamp, verdict)
        case ask.CreateRefund():
            return create_refund(book, command, stamp, refund)
        case ask.CaptureIntent():
            return capture_intent(book, command, stamp)
        case ask.CancelIntent():
            return cancel_intent(book, command, stamp)
        case ask.UpdateIntent():
            return update_intent(book, command, stamp)
        case ask.Authenticate():
            return authenticate(book, command, stamp)
        case ask.Settle(pending):
            settle = settle_refund if pending.id.startswith("re_") else settle_intent
            return settle(book, pending, stamp)
        case ask.CreateCustomer():
            return create_customer(book, command, stamp)
        case ask.CreateMethod():
            return create_method(book, command, stamp)
        case ask.AttachMethod():
            return attach_method(book, command, stamp)
        case ask.CreateEndpoint():
            return create_endpoint(book, command, stamp)
        case ask.UpdateEndpoint():
            return update_endpoint(book, command, stamp)
        case ask.DeleteEndpoint():
            return delete_endpoint(book, command, stamp)
