"""Read a payment provider's charges and refunds, newest first, back to the beginning of the run.

Any provider of Stripe's shape: docs.stripe.com/api/charges/list, /api/refunds/list and /api/pagination
(`created[gte]`, `limit` up to 100, `starting_after`, `has_more`). The rows are mapped by themselves; `key:` paths see
the whole charge: metadata, receipt_email, payment_intent, payment_method, description, billing_details.
"""

from __future__ import annotations

import math
from urllib.parse import urlencode

import aiohttp
import msgspec

from surgectl.clock import Clock
from surgectl.evidence.ask import Question, ask
from surgectl.evidence.reading import MOST_PAGES, Patience, Raw, ReadError, Reading
from surgectl.profile.target import Stripe

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
    source: Stripe, kind: str, since_epoch_s: float, http: aiohttp.ClientSession, patience: Patience, clock: Clock
) -> Reading:
    """All `charges` or `refunds` since the run's start, or those before it broke with the reason."""
    normal = charge if kind == "charges" else refund
    rows: list[Raw] = []
    after: str | None = None
    seen: set[str] = set()
    try:
        for _ in range(MOST_PAGES):
            page = await _page(source, kind, since_epoch_s, after, http, patience, clock)
            for raw in page.data:
                name = raw.get("id")
                if not isinstance(name, str) or name in seen:
                    raise ReadError(f"{kind[:-1]} {name} is listed twice" if name else f"a {kind[:-1]} without id")
                seen.add(name)
                rows.append(normal(raw))
            if not page.has_more:
                return Reading(rows=rows)
            if not page.data:
                raise ReadError("has_more, but an empty page")
            after = page.data[-1]["id"]
        raise ReadError(f"more than {MOST_PAGES} pages")
    except ReadError as error:
        return Reading(rows=rows, problem=f"{error} (after {len(rows)} rows)")


async def _page(
    source: Stripe,
    kind: str,
    since_epoch_s: float,
    after: str | None,
    http: aiohttp.ClientSession,
    patience: Patience,
    clock: Clock,
) -> _List:
    since_s = max(0, math.floor(since_epoch_s - SLACK_S))
    query = {"created[gte]": str(since_s), "limit": str(PAGE), **({"starting_after": after} if after else {})}
    question = Question(
        url=f"{source.base_url.rstrip('/')}/v1/{kind}?{urlencode(query)}",
        headers={"Authorization": f"Bearer {source.secret}", "Accept": "application/json"},
    )
    answer = await ask(http, question, patience, clock)
    try:
        return _decoder.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReadError(f"not a list of Stripe's shape: {error}", where=question.place) from error


def charge(raw: Raw) -> Raw:
    """A charge with our columns laid over its own.

    Stripe reports the release of an uncaptured charge as a refund of it: that is a void, no money came back.
    """
    amount, paid = raw.get("amount"), raw.get("status") == "succeeded"
    captured = raw.get("amount_captured", amount if raw.get("captured") else 0) if paid else 0
    returned = raw.get("amount_refunded", 0)
    voided = paid and not raw.get("captured") and bool(raw.get("refunded") or returned)
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
        "refunded": 0 if voided else returned,
        "voided": returned or amount if voided else 0,
        "state": state,
        "key": raw.get("idempotency_key"),  # Stripe does not list it; some of its shape do
        "payment": raw.get("payment_intent") or raw.get("id"),
        "at": raw.get("created"),
    }


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
    status = raw.get("status") or "succeeded"
    return {
        **raw,
        "refund": raw.get("id"),
        "charge": raw.get("charge"),
        "state": _REFUND_STATES.get(status, status),
        "at": raw.get("created"),
    }
