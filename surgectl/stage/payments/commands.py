"""What a shop may ask for, as plain data: checked before anything is executed."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from surgectl.stage.payments import form
from surgectl.stage.payments.form import Tree
from surgectl.stage.payments.pending import Pending
from surgectl.stage.payments.refusal import bad_request, missing

_MOST_MINOR = 99_999_999  # Stripe's largest amount: eight digits


class CreateIntent(msgspec.Struct, frozen=True):
    amount_minor: int
    currency: str
    confirm: bool
    capture_method: str
    payment_method: str | None
    card_number: str | None
    method_types: list[str]
    customer: str | None
    description: str | None
    receipt_email: str | None
    metadata: dict[str, str]
    unattended: bool
    """Nobody is there to answer the bank's question: it is a decline instead."""


class UpdateIntent(msgspec.Struct, frozen=True):
    intent: str
    amount_minor: int | None
    payment_method: str | None
    description: str | None
    receipt_email: str | None
    metadata: dict[str, str]


class ConfirmIntent(msgspec.Struct, frozen=True):
    intent: str
    payment_method: str | None
    card_number: str | None
    receipt_email: str | None
    capture_method: str | None
    unattended: bool


class Authenticate(msgspec.Struct, frozen=True):
    """The cardholder's answer to the bank's question: `succeeded`, `failed` or `abandoned`."""

    intent: str
    outcome: str


class Settle(msgspec.Struct, frozen=True):
    """The end of what was pending; no request asks for it, its time does."""

    pending: Pending


class CaptureIntent(msgspec.Struct, frozen=True):
    intent: str
    amount_minor: int | None


class CancelIntent(msgspec.Struct, frozen=True):
    intent: str
    reason: str | None


class CreateRefund(msgspec.Struct, frozen=True):
    charge: str | None
    intent: str | None
    amount_minor: int | None
    reason: str | None
    metadata: dict[str, str]


class CreateCustomer(msgspec.Struct, frozen=True):
    email: str | None
    name: str | None
    description: str | None
    metadata: dict[str, str]


class CreateMethod(msgspec.Struct, frozen=True):
    number: str | None
    token: str | None
    metadata: dict[str, str]


class AttachMethod(msgspec.Struct, frozen=True):
    method: str
    customer: str


class CreateEndpoint(msgspec.Struct, frozen=True):
    url: str
    enabled_events: list[str]
    description: str | None
    metadata: dict[str, str]


class UpdateEndpoint(msgspec.Struct, frozen=True):
    endpoint: str
    url: str | None
    enabled_events: list[str]
    disabled: bool | None


class DeleteEndpoint(msgspec.Struct, frozen=True):
    endpoint: str


Command = (
    CreateIntent
    | UpdateIntent
    | ConfirmIntent
    | Authenticate
    | Settle
    | CaptureIntent
    | CancelIntent
    | CreateRefund
    | CreateCustomer
    | CreateMethod
    | AttachMethod
    | CreateEndpoint
    | UpdateEndpoint
    | DeleteEndpoint
)


def _card_number(tree: Tree) -> str | None:
    """`payment_method_data[card][number]`, or the card that `payment_method_data[card][token]` names."""
    card = form.branch(form.branch(tree, "payment_method_data"), "card")
    return form.text(card, "number") or form.text(card, "token")


def create_intent(tree: Tree) -> CreateIntent:
    amount = form.needed_whole(tree, "amount", least=1, most=_MOST_MINOR)
    currency = form.text(tree, "currency")
    if currency is None:
        raise missing("currency")
    currency = currency.lower()
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
        raise bad_request(f"Invalid currency: {currency[:20]}.", param="currency")
    return CreateIntent(
        amount,
        currency,
        form.flag(tree, "confirm"),
        form.chosen(tree, "capture_method", ("automatic", "automatic_async", "manual")) or "automatic",
        form.text(tree, "payment_method"),
        _card_number(tree),
        form.listed(tree, "payment_method_types") or ["card"],
        form.text(tree, "customer"),
        form.text(tree, "description"),
        form.text(tree, "receipt_email"),
        form.metadata(tree),
        _unattended(tree),
    )


def update_intent(intent: str, tree: Tree) -> UpdateIntent:
    return UpdateIntent(
        intent,
        form.whole(tree, "amount", least=1, most=_MOST_MINOR),
        form.text(tree, "payment_method"),
        form.text(tree, "description"),
        form.text(tree, "receipt_email"),
        form.metadata(tree),
    )


def confirm_intent(intent: str, tree: Tree) -> ConfirmIntent:
    return ConfirmIntent(
        intent,
        form.text(tree, "payment_method"),
        _card_number(tree),
        form.text(tree, "receipt_email"),
        form.chosen(tree, "capture_method", ("automatic", "automatic_async", "manual")),
        _unattended(tree),
    )


def _unattended(tree: Tree) -> bool:
    # `off_session` may also be a word of Stripe's older API (one_off, recurring): each means that nobody is there.
    off_session = form.text(tree, "off_session")
    return form.flag(tree, "error_on_requires_action") or off_session not in (None, "false")


def authenticate(intent: str, tree: Tree) -> Authenticate:
    return Authenticate(intent, form.chosen(tree, "outcome", ("succeeded", "failed", "abandoned")) or "succeeded")


def capture_intent(intent: str, tree: Tree) -> CaptureIntent:
    return CaptureIntent(intent, form.whole(tree, "amount_to_capture", least=1, most=_MOST_MINOR))


def cancel_intent(intent: str, tree: Tree) -> CancelIntent:
    reasons = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
    return CancelIntent(intent, form.chosen(tree, "cancellation_reason", reasons))


def create_refund(tree: Tree) -> CreateRefund:
    charge, intent = form.text(tree, "charge"), form.text(tree, "payment_intent")
    if charge is None and intent is None:
        raise bad_request(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    return CreateRefund(
        charge,
        intent,
        form.whole(tree, "amount", least=1, most=_MOST_MINOR),
        form.chosen(tree, "reason", ("duplicate", "fraudulent", "requested_by_customer")),
        form.metadata(tree),
    )


def create_customer(tree: Tree) -> CreateCustomer:
    return CreateCustomer(
        form.text(tree, "email"), form.text(tree, "name"), form.text(tree, "description"), form.metadata(tree)
    )


def create_method(tree: Tree) -> CreateMethod:
    kind = form.text(tree, "type")
    if kind is None:
        raise missing("type")
    if kind != "card":
        raise bad_request(f"Invalid type: {kind[:40]}. This provider takes cards only.", param="type")
    card = form.branch(tree, "card")
    number, token = form.text(card, "number"), form.text(card, "token")
    if number is None and token is None:
        raise missing("card[number]")
    return CreateMethod(number, token, form.metadata(tree))


def attach_method(method: str, tree: Tree) -> AttachMethod:
    customer = form.text(tree, "customer")
    if customer is None:
        raise missing("customer")
    return AttachMethod(method, customer)


def create_endpoint(tree: Tree) -> CreateEndpoint:
    url = _url(tree)
    if url is None:
        raise missing("url")
    events = form.listed(tree, "enabled_events")
    if not events:
        raise missing("enabled_events")
    return CreateEndpoint(url, events, form.text(tree, "description"), form.metadata(tree))


def update_endpoint(endpoint: str, tree: Tree) -> UpdateEndpoint:
    disabled = form.flag(tree, "disabled") if "disabled" in tree else None
    return UpdateEndpoint(endpoint, _url(tree), form.listed(tree, "enabled_events"), disabled)


def _url(tree: Tree) -> str | None:
    url = form.text(tree, "url")
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a broken IPv6 address
        sound = False
    if not sound:
        raise bad_request("Invalid URL: An explicit scheme (such as https) must be provided.", param="url")
    return url
