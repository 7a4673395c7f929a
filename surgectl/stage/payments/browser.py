"""What a buyer's browser may do at the provider: confirm, and look at, the one payment whose secret it was given.

A publishable key stands in every page of a shop, so it opens nothing else (docs.stripe.com/keys). Stripe.js sends it as
`key`, in the form or the query, beside the `client_secret` of the payment.
"""

from __future__ import annotations

import msgspec

from surgectl.stage.payments import form
from surgectl.stage.payments.book import Book
from surgectl.stage.payments.form import Tree
from surgectl.stage.payments.refusal import Refusal, bad_request, missing

_SHOWN = frozenset(
    "id object amount canceled_at cancellation_reason capture_method client_secret confirmation_method created "
    "currency description last_payment_error livemode next_action payment_method payment_method_types receipt_email "
    "status".split()
)
"""What docs.stripe.com/api/payment_intents/object marks as retrievable with a publishable key."""


def admit(book: Book, method: str, path: str, tree: Tree) -> None:
    """Refusal 401 for what takes a secret key, 400 for a payment whose secret was not said."""
    match method, path.split("/")[1:]:
        case ("GET", ["v1", "payment_intents", id_]) | ("POST", ["v1", "payment_intents", id_, "confirm"]):
            said = form.text(tree, "client_secret")
            if said is None:
                raise missing("client_secret")
            if book.intents.get(id_, param="intent").client_secret != said:
                raise bad_request(
                    "The client_secret provided does not match the one of this PaymentIntent.", param="client_secret"
                )
        case _:
            raise Refusal(
                401,
                "invalid_request_error",
                "This API call cannot be made with a publishable API key. Please use a secret API key.",
                code="secret_key_required",
            )


def seen(body: bytes) -> bytes:
    """The answer as a browser may see it: without metadata, customer and charge. An error stays as it is."""
    found = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return body if "error" in found else msgspec.json.encode({k: v for k, v in found.items() if k in _SHOWN})
