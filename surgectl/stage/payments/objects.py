"""What the provider keeps: payment intents, charges, refunds, customers and cards, as the API shows them.

Field names are Stripe's (docs.stripe.com/api); amounts are minor units, `created` is seconds since 1970.
"""

from __future__ import annotations

import msgspec


class LastError(msgspec.Struct, gc=False):
    """Why the latest try to pay an intent failed."""

    code: str
    decline_code: str | None
    message: str
    charge: str | None
    payment_method: str | None
    type: str = "card_error"


class CardDetails(msgspec.Struct, gc=False):
    brand: str
    last4: str
    exp_month: int = 12
    exp_year: int = 2034
    funding: str = "credit"
    country: str = "US"


class MethodDetails(msgspec.Struct, gc=False):
    card: CardDetails
    type: str = "card"


class NextAction(msgspec.Struct, frozen=True, gc=False):
    """What the cardholder must do; `authenticate` (ours) is where a test answers for them."""

    class Question(msgspec.Struct, frozen=True, gc=False):
        authenticate: str
        type: str = "three_d_secure_redirect"

    use_stripe_sdk: Question
    type: str = "use_stripe_sdk"


class Charge(msgspec.Struct, kw_only=True):
    """Money that moved, was reserved, or was refused."""

    id: str
    object: str = "charge"
    amount: int
    amount_captured: int
    amount_refunded: int = 0
    balance_transaction: str | None = None
    captured: bool
    created: int
    currency: str
    customer: str | None
    description: str | None
    failure_code: str | None = None
    failure_message: str | None = None
    livemode: bool = False
    metadata: dict[str, str]
    paid: bool
    payment_intent: str | None
    payment_method: str | None
    payment_method_details: MethodDetails
    receipt_email: str | None
    refunded: bool = False
    status: str


class Intent(msgspec.Struct, kw_only=True):
    """One want to be paid. It succeeds at most once, whatever happens."""

    id: str
    object: str = "payment_intent"
    amount: int
    amount_capturable: int = 0
    amount_received: int = 0
    canceled_at: int | None = None
    cancellation_reason: str | None = None
    capture_method: str
    client_secret: str
    confirmation_method: str = "automatic"
    created: int
    currency: str
    customer: str | None
    description: str | None
    last_payment_error: LastError | None = None
    latest_charge: str | Charge | None = None
    livemode: bool = False
    metadata: dict[str, str]
    next_action: NextAction | None = None
    payment_method: str | None
    payment_method_types: list[str]
    receipt_email: str | None
    status: str


class Refund(msgspec.Struct, kw_only=True):
    """Money given back."""

    id: str
    object: str = "refund"
    amount: int
    balance_transaction: str | None = None
    charge: str
    created: int
    currency: str
    failure_balance_transaction: str | None = None
    failure_reason: str | None = None
    metadata: dict[str, str]
    payment_intent: str | None
    reason: str | None
    status: str = "succeeded"


class BalanceTransaction(msgspec.Struct, kw_only=True):
    """Money that came into or left the shop's balance: `net` is `amount` less the provider's `fee`."""

    id: str
    object: str = "balance_transaction"
    amount: int
    available_on: int
    created: int
    currency: str
    description: str | None
    fee: int
    fee_details: list[str] = []
    net: int
    reporting_category: str
    source: str
    status: str = "available"
    type: str


class Customer(msgspec.Struct, kw_only=True):
    id: str
    object: str = "customer"
    created: int
    description: str | None
    email: str | None
    livemode: bool = False
    metadata: dict[str, str]
    name: str | None


class Method(msgspec.Struct, kw_only=True):
    """A card somebody saved. `judged_as` (ours, not Stripe's) is the test card it stands for."""

    id: str
    object: str = "payment_method"
    card: CardDetails
    created: int
    customer: str | None = None
    livemode: bool = False
    metadata: dict[str, str]
    type: str = "card"
    judged_as: str


API_VERSION = "2024-06-20"


class Event(msgspec.Struct, kw_only=True):
    """Something that happened, with the object as it was then, and the request that made it happen."""

    class Data(msgspec.Struct, gc=False):
        object: msgspec.Raw

    class Request(msgspec.Struct, frozen=True, gc=False):
        id: str | None
        idempotency_key: str | None

    id: str
    object: str = "event"
    api_version: str = API_VERSION
    created: int
    data: Data
    livemode: bool = False
    pending_webhooks: int = 0
    request: Request
    type: str


class WebhookEndpoint(msgspec.Struct, kw_only=True):
    """An address of the shop's that wants to be told. `secret` is shown once, in the reply to its making."""

    id: str
    object: str = "webhook_endpoint"
    api_version: str | None = None
    created: int
    description: str | None
    enabled_events: list[str]
    livemode: bool = False
    metadata: dict[str, str]
    status: str = "enabled"
    url: str
    secret: str | msgspec.UnsetType = msgspec.UNSET

    def wants(self, type_: str) -> bool:
        return self.status == "enabled" and ("*" in self.enabled_events or type_ in self.enabled_events)
