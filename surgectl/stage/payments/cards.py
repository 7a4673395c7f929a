"""Which pretend cards pay and which are declined.

The names and numbers are Stripe's test cards (docs.stripe.com/testing). A name may carry a tail of the
shop's own (`pm_card_visa-r7f12`): whatever is sent is stored word for word, and only its head is judged.
"""

from __future__ import annotations

import re

import msgspec


class Decline(msgspec.Struct, frozen=True):
    """Why the issuer said no; becomes a 402 `card_error`."""

    code: str
    decline_code: str | None
    message: str


GENERIC = Decline("card_declined", "generic_decline", "Your card was declined.")
_FUNDS = Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")
_LOST = Decline("card_declined", "lost_card", "Your card was declined.")
_STOLEN = Decline("card_declined", "stolen_card", "Your card was declined.")
_FRAUD = Decline("card_declined", "fraudulent", "Your card was declined.")
_VELOCITY = Decline("card_declined", "card_velocity_exceeded", "Your card was declined for exceeding its limit.")
_EXPIRED = Decline("expired_card", None, "Your card has expired.")
_CVC = Decline("incorrect_cvc", None, "Your card's security code is incorrect.")
_PROCESSING = Decline(
    "processing_error", None, "An error occurred while processing your card. Try again in a little bit."
)

_BY_NAME = {
    "chargeDeclined": GENERIC,
    "visa_chargeDeclined": GENERIC,
    "chargeCustomerFail": GENERIC,
    "chargeDeclinedInsufficientFunds": _FUNDS,
    "visa_chargeDeclinedInsufficientFunds": _FUNDS,
    "chargeDeclinedLostCard": _LOST,
    "chargeDeclinedStolenCard": _STOLEN,
    "chargeDeclinedFraudulent": _FRAUD,
    "chargeDeclinedVelocityLimitExceeded": _VELOCITY,
    "chargeDeclinedExpiredCard": _EXPIRED,
    "chargeDeclinedIncorrectCvc": _CVC,
    "chargeDeclinedProcessingError": _PROCESSING,
}
_BY_NUMBER = {
    "4000000000000002": GENERIC,
    "4000000000000341": GENERIC,
    "4000000000009995": _FUNDS,
    "4000000000009987": _LOST,
    "4000000000009979": _STOLEN,
    "4100000000000019": _FRAUD,
    "4000000000006975": _VELOCITY,
    "4000000000000069": _EXPIRED,
    "4000000000000127": _CVC,
    "4000000000000119": _PROCESSING,
}
# Tokens of the older API (`tok_…`) name the same cards.
_NAME = re.compile(r"(?:pm_card|tok)_((?:visa_)?[A-Za-z]+)(?![A-Za-z0-9])")


def judge_name(payment_method: str) -> Decline | None:
    """The issuer's answer for a payment method known only by its name: None pays."""
    match = _NAME.match(payment_method)
    return _BY_NAME.get(match[1]) if match else None


def judge_number(number: str) -> Decline | None:
    """The issuer's answer for a raw card number: None pays."""
    return _BY_NUMBER.get(number.replace(" ", ""))
