"""How the rooms of the books say no once they have begun: these answers stay with the key."""

from __future__ import annotations

import msgspec

from surgectl.stage.payments.cards import Decline
from surgectl.stage.payments.objects import Intent
from surgectl.stage.payments.refusal import ErrorBody, Refusal, error_body

_encode = msgspec.json.Encoder().encode


def executed(message: str, *, code: str | None = None, param: str | None = None) -> Refusal:
    """400 after the endpoint began: this one is stored under the key."""
    return Refusal(400, "invalid_request_error", message, code=code, param=param, executed=True)


def unexpected_state(intent: Intent, verb: str) -> Refusal:
    return Refusal(
        400,
        "invalid_request_error",
        f"This PaymentIntent's status is {intent.status}, so it could not be {verb.strip()}.",
        code="payment_intent_unexpected_state",
        payment_intent=_encode(intent),
        executed=True,
    )


def declined(decline: Decline, charge: str, intent_raw: bytes | None) -> bytes:
    """The body of a 402."""
    return error_body(
        ErrorBody(
            type="card_error",
            code=decline.code,
            decline_code=decline.decline_code,
            message=decline.message,
            charge=charge,
            payment_intent=msgspec.Raw(intent_raw) if intent_raw is not None else None,
        )
    )
