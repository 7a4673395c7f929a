"""Read a payment provider's charges and refunds, newest first, back to the beginning of the run.

Stripe, or any provider of its shape: docs.stripe.com/api/charges/list, /api/refunds/list, /api/payment_intents/list and
/api/pagination (`created[gte]`, `limit` up to 100, `starting_after`, `has_more`). The rows are mapped by themselves;
`key:` paths see the whole charge: metadata, receipt_email, payment_method, description, billing_details. A path that
begins with `payment_intent.` makes the intents be listed, too, and laid into their charges, as Stripe's own `expand`
would: a shop that writes its order's number into the intent afterwards leaves none in the charge.
"""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec

from surgectl.clock import Clock
from surgectl.evidence.ask import Question, ask
from surgectl.evidence.reading import MOST_PAGES, Patience, Raw, ReadError, Reading, also
from surgectl.profile.source import Column, Source, Stripe

PAGE = 100
SLACK_S = 300.0
"""The provider's clock is not ours: look this much further back than the run's start. What links to nobody there is
listed as unattributed, never convicted."""

# Where a shop usually writes down whose payment it is; a target's own `key:` replaces it.
USUAL_KEYS = [
    "metadata.intent",
    "metadata.order_id -> orders.order",
    "metadata.order -> orders.order",
    "metadata.email",
    "receipt_email",
    "billing_details.email",
    "payment_method",
    "description",
]


class _List(msgspec.Struct):
    data: list[Raw]
    has_more: bool


_decoder = msgspec.json.Decoder(_List)


async def read_stripe(
    source: Stripe,
    kind: str,
    since_epoch_s: float,
    http: aiohttp.ClientSession,
    patience: Patience,
    clock: Clock,
    *,
    with_intents: bool = False,
) -> Reading:
    """All `charges` or `refunds` since the run's start, or those before it broke with the reason."""
    desk = _Desk(source, since_epoch_s, http, patience, clock)
    raws, problem = await desk.listed(kind)
    if with_intents:
        intents, missing = await desk.listed("payment_intents")
        by_id = {intent["id"]: intent for intent in intents}
        raws = [
            {**raw, "payment_intent": by_id.get(name, {"id": name}) if isinstance(name, str) else name}
            for raw in raws
            for name in [raw.get("payment_intent")]
        ]
        problem = also(problem, missing)
    normal = charge if kind == "charges" else refund
    return Reading(rows=[normal(raw) for raw in raws], problem=problem)


class _Desk(msgspec.Struct, frozen=True):
    """Where a provider's lists are asked for."""

    source: Stripe
    since_epoch_s: float
    http: aiohttp.ClientSession
    patience: Patience
    clock: Clock

    async def listed(self, kind: str) -> tuple[list[Raw], str]:
        """All objects of a kind since the run's start; why these are not all, if so."""
        raws: list[Raw] = []
        after: str | None = None
        seen: set[str] = set()
        try:
            for _ in range(MOST_PAGES):
                page = await self._page(kind, after)
                for raw in page.data:
                    name = raw.get("id")
                    if not isinstance(name, str) or name in seen:
                        raise ReadError(f"{kind[:-1]} {name} is listed twice" if name else f"a {kind[:-1]} without id")
                    seen.add(name)
                    raws.append(raw)
                if not page.has_more:
                    return raws, ""
                if not page.data:
                    raise ReadError("has_more, but an empty page")
                after = page.data[-1]["id"]
            raise ReadError(f"more than {MOST_PAGES} pages")
        except ReadError as error:
            return raws, f"{error} (after {len(raws)} rows)"

    async def _page(self, kind: str, after: str | None) -> _List:
        since_s = max(0, math.floor(self.since_epoch_s - SLACK_S))
        query = {"created[gte]": str(since_s), "limit": str(PAGE), **({"starting_after": after} if after else {})}
        source = self.source
        headers = {"Authorization": f"Bearer {source.secret}", "Accept": "application/json"}
        if source.version is not None:
            headers["Stripe-Version"] = source.version
        if source.account is not None:
            headers["Stripe-Account"] = source.account
        question = Question(url=f"{source.base_url.rstrip('/')}/v1/{kind}?{urlencode(query)}", headers=headers)
        answer = await ask(self.http, question, self.patience, self.clock)
        try:
            return _decoder.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ReadError(f"not a list of Stripe's shape: {error}", where=question.place) from error


def wants_intents(source: Source) -> bool:
    """Whether a path of the target leads into the payment's intent."""
    paths = [
        *source.key,
        *(c if isinstance(c, str) else c.from_ for c in source.row.values() if isinstance(c, str | Column)),
    ]
    return any(path.startswith("payment_intent.") for path in paths)


# Of these Stripe counts hundredths that the currency does not have (docs.stripe.com/currencies#special-cases).
_AS_IF_HUNDREDTHS = frozenset({"isk", "ugx"})
_SUMS = ("amount", "amount_captured", "amount_refunded")


def _in_minor_units(raw: Raw) -> Raw:
    sums = {name: raw[name] for name in _SUMS if isinstance(raw.get(name), int)}
    if str(raw.get("currency")).lower() not in _AS_IF_HUNDREDTHS or any(value % 100 for value in sums.values()):
        return raw
    return {**raw, **{name: value // 100 for name, value in sums.items()}}


def charge(raw: Raw) -> Raw:
    """A charge with our columns laid over its own.

    Stripe reports the release of an uncaptured charge as a refund of it: that is a void, no money came back. The same
    goes for the rest of a charge that was captured in part (docs.stripe.com/payments/place-a-hold-on-a-payment-method).
    """
    raw = _in_minor_units(raw)
    amount, paid = raw.get("amount"), raw.get("status") == "succeeded"
    captured = raw.get("amount_captured", amount if raw.get("captured") else 0) if paid else 0
    returned = raw.get("amount_refunded", 0)
    voided = paid and not raw.get("captured") and bool(raw.get("refunded") or returned)
    released = 0
    if paid and raw.get("captured") and isinstance(amount, int) and isinstance(captured, int):
        rest = amount - captured
        released = rest if isinstance(returned, int) and 0 < rest <= returned else 0
    state = raw.get("status")  # failed stays; what we have never heard of is refused by the mapping
    if paid:
        state = "voided" if voided else "succeeded" if raw.get("captured") else "authorised"
    elif state == "pending":
        state = "processing"
    return {
        **raw,
        "charge": raw.get("id"),
        "captured": captured,
        "authorised": amount if paid else 0,
        "refunded": 0 if voided else returned - released if released else returned,
        "voided": returned or amount if voided else released,
        "state": state,
        "key": raw.get("idempotency_key"),  # Stripe does not list it; some of its shape do
        "payment": _id(raw.get("payment_intent")) or raw.get("id"),
        "at": raw.get("created"),
    }


def _id(value: Any) -> Any:
    """An object's id, also where Stripe's `expand` put the whole object there."""
    return value.get("id") if isinstance(value, dict) else value


# docs.stripe.com/api/refunds/object#refund_object-status
_REFUND_STATES = {
    "succeeded": "succeeded",
    "pending": "pending",
    "requires_action": "pending",
    "failed": "failed",
    "canceled": "failed",
}


def refund(raw: Raw) -> Raw:
    """A refund with our columns laid over its own."""
    raw = _in_minor_units(raw)
    status = raw.get("status") or "succeeded"
    return {
        **raw,
        "refund": raw.get("id"),
        "charge": _id(raw.get("charge")),
        "state": _REFUND_STATES.get(status, status),
        "at": raw.get("created"),
    }
