"""Which pretend cards pay, which are declined, and which keep everybody waiting.

The names and numbers are Stripe's test cards (docs.stripe.com/testing); `pm_card_processing` and
`pm_card_processingDeclined` are ours. A name may carry a tail of the shop's own (`pm_card_visa-r7f12`): whatever
is sent is stored word for word, and only its head is judged.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec


class Decline(msgspec.Struct, frozen=True):
    """Why the issuer said no; becomes a 402 `card_error`."""

    code: str
    decline_code: str | None
    message: str


class Verdict(msgspec.Struct, frozen=True):
    """What the issuer makes of a try to pay.

    `challenge`: it asks the cardholder first (3-D Secure). `settles`: it answers later, after `after_ns`
    (None: the provider's usual time). A decline comes at the end of either.
    """

    decline: Decline | None = None
    challenge: bool = False
    settles: bool = False
    after_ns: int | None = None


class RefundTurn(msgspec.Struct, frozen=True):
    """A refund that is not simply done: how it begins, what it comes to, and after how long (None: the usual time)."""

    begins: Literal["pending", "succeeded"]
    ends: Literal["succeeded", "failed"]
    after_ns: int | None = None


def _declined(code: str, decline_code: str | None, message: str = "Your card was declined.") -> Verdict:
    return Verdict(Decline(code, decline_code, message))


PAYS = Verdict()
GENERIC = Decline("card_declined", "generic_decline", "Your card was declined.")
UNAUTHENTICATED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)
_FUNDS = Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")

_VERDICTS = {
    "chargeDeclined": Verdict(GENERIC),
    "chargeCustomerFail": Verdict(GENERIC),
    "chargeDeclinedInsufficientFunds": Verdict(_FUNDS),
    "chargeDeclinedLostCard": _declined("card_declined", "lost_card"),
    "chargeDeclinedStolenCard": _declined("card_declined", "stolen_card"),
    "chargeDeclinedFraudulent": _declined("card_declined", "fraudulent"),
    "radarBlock": _declined("card_declined", "fraudulent"),
    "chargeDeclinedVelocityLimitExceeded": _declined(
        "card_declined", "card_velocity_exceeded", "Your card was declined for exceeding its limit."
    ),
    "chargeDeclinedExpiredCard": _declined("expired_card", None, "Your card has expired."),
    "chargeDeclinedIncorrectCvc": _declined("incorrect_cvc", None, "Your card's security code is incorrect."),
    "chargeDeclinedProcessingError": _declined(
        "processing_error", None, "An error occurred while processing your card. Try again in a little bit."
    ),
    "authenticationRequired": Verdict(challenge=True),
    "authenticationRequiredOnSetup": Verdict(challenge=True),
    "authenticationRequiredChargeDeclinedInsufficientFunds": Verdict(_FUNDS, challenge=True),
    "threeDSecureRequired": Verdict(challenge=True),
    "threeDSecure2Required": Verdict(challenge=True),
    "threeDSecureRequiredChargeDeclined": Verdict(GENERIC, challenge=True),
    "processing": Verdict(settles=True),
    "processingDeclined": Verdict(GENERIC, settles=True),
}
_REFUNDS = {
    "pendingRefund": RefundTurn("pending", "succeeded"),
    "refundFail": RefundTurn("succeeded", "failed"),
}
_NAMES = {
    "4000000000000002": "chargeDeclined",
    "4000000000000341": "chargeCustomerFail",
    "4000000000009995": "chargeDeclinedInsufficientFunds",
    "4000000000009987": "chargeDeclinedLostCard",
    "4000000000009979": "chargeDeclinedStolenCard",
    "4100000000000019": "radarBlock",
    "4000000000006975": "chargeDeclinedVelocityLimitExceeded",
    "4000000000000069": "chargeDeclinedExpiredCard",
    "4000000000000127": "chargeDeclinedIncorrectCvc",
    "4000000000000119": "chargeDeclinedProcessingError",
    "4000002760003184": "authenticationRequired",
    "4000002500003155": "authenticationRequiredOnSetup",
    "4000008260003178": "authenticationRequiredChargeDeclinedInsufficientFunds",
    "4000000000003063": "threeDSecureRequired",
    "4000000000003220": "threeDSecure2Required",
    "4000008400001629": "threeDSecureRequiredChargeDeclined",
    "4000000000007726": "pendingRefund",
    "4000000000005126": "refundFail",
}
# Tokens of the older API (`tok_…`) name the same cards.
_NAME = re.compile(r"(?:pm_card|tok)_(?:visa_)?([A-Za-z0-9]+)")


def judge(card: str) -> Verdict:
    """The issuer's answer for a card's number, or for a payment method known only by its name."""
    return _VERDICTS.get(_name(card), PAYS)


def refund_turn(card: str) -> RefundTurn | None:
    """What is odd about refunds to this card: None for a refund that succeeds at once."""
    return _REFUNDS.get(_name(card))


def is_known_number(number: str) -> bool:
    return number.replace(" ", "") in _NAMES


def _name(card: str) -> str:
    match = _NAME.match(card)
    return match[1] if match else _NAMES.get(card.replace(" ", ""), "")
