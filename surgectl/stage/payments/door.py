"""Who may come in, and how many: test keys only, and no more than the provider can carry."""

from __future__ import annotations

import asyncio
import binascii
from base64 import b64decode

from surgectl.stage.payments.gates import ConcurrencyGate, RateGate, UpdateGate
from surgectl.stage.payments.options import Options
from surgectl.stage.payments.refusal import Refusal
from surgectl.stage.payments.routes import endpoint_of
from surgectl.units import NS_PER_S

_PUBLISHABLE = "pk_test_"


class Door:
    """Keys are judged once each; the three limits of docs.stripe.com/rate-limits are kept by gates."""

    def __init__(self, options: Options) -> None:
        queue_ns = self._queue_ns = options.queue_ns
        self._rate = RateGate(options.rate_per_s, queue_ns) if options.rate_per_s else None
        self._endpoint_rate_per_s = options.endpoint_rate_per_s
        self._endpoints: dict[str, RateGate] = {}
        self._room = ConcurrencyGate(options.concurrency, queue_ns / NS_PER_S) if options.concurrency else None
        self._updates = UpdateGate(options.intent_updates) if options.intent_updates else None
        self._judged: dict[str, tuple[Refusal | None, bool]] = {}

    def check_key(self, authorization: str | None, said: str | None = None) -> bool:
        """→ is it a publishable key, a browser's? `said`: the `key` that Stripe.js sends as a parameter. Refusal 401
        unless it is a test key."""
        header = authorization or (f"Bearer {said}" if said else "")
        if header not in self._judged:
            if len(self._judged) > 10_000:
                self._judged.clear()
            key = _key_of(header)
            self._judged[header] = _judge(key), key.startswith(_PUBLISHABLE)
        refusal, publishable = self._judged[header]
        if refusal is not None:
            raise refusal
        return publishable

    async def enter(self, method: str, path: str, now_ns: int) -> None:
        """Wait for a place; who has entered must leave. Refusal 429 where the line is too long."""
        wait_ns = 0
        if self._updates is not None and method == "POST" and path.startswith("/v1/payment_intents/"):
            if not self._updates.enter(path.split("/")[3], now_ns):
                raise _too_many("resource-specific")
        if self._endpoint_rate_per_s:
            endpoint = endpoint_of(method, path)
            gate = self._endpoints.get(endpoint)
            if gate is None:
                gate = self._endpoints[endpoint] = RateGate(self._endpoint_rate_per_s, self._queue_ns)
            wait_ns = _turn(gate, now_ns, "endpoint-rate")
        if self._rate is not None:
            wait_ns = max(wait_ns, _turn(self._rate, now_ns, "global-rate"))
        if wait_ns:
            await asyncio.sleep(wait_ns / NS_PER_S)
        if self._room is not None and not await self._room.enter():
            raise _too_many("global-concurrency")

    def leave(self) -> None:
        if self._room is not None:
            self._room.leave()


def _turn(gate: RateGate, now_ns: int, reason: str) -> int:
    wait_ns = gate.wait_ns(now_ns)
    if wait_ns is None:
        raise _too_many(reason)
    return wait_ns


def _key_of(authorization: str) -> str:
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    try:
        return b64decode(rest.strip(), validate=True).decode().partition(":")[0] if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _judge(key: str) -> Refusal | None:
    if key.startswith(("sk_test_", "rk_test_", _PUBLISHABLE)):
        return None
    if not key:
        message = "You did not provide an API key. Send any key that begins with sk_test_ as Bearer or Basic."
    elif "_live_" in key:
        message = "This is a simulator: never send it a live key. Any key that begins with sk_test_ will do."
    else:
        message = "Invalid API Key provided: it must begin with sk_test_."
    return Refusal(401, "invalid_request_error", message)


def _too_many(reason: str) -> Refusal:
    return Refusal(
        429,
        "invalid_request_error",
        "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
        code="rate_limit",
        # No Stripe-Should-Retry: the SDKs do not retry this 429 by themselves, and Stripe does not tell them to.
        headers={"Stripe-Rate-Limited-Reason": reason},
    )
