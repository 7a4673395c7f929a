"""Remembers what each idempotency key was answered, so that asking twice pays once.

The rules are docs.stripe.com/api/idempotent_requests and /error-low-level: the first result is stored once
execution began, including a 500; the parameters must be the same; a key in flight conflicts; keys may be
forgotten after a day, and then make a new request.
"""

from __future__ import annotations

from surgectl.stage.payments.ledger import Stored
from surgectl.stage.payments.refusal import Refusal, bad_request

LONGEST_KEY = 255


class Memory:
    """Stored results by key, and the keys now being executed."""

    def __init__(self, ttl_ns: int) -> None:
        self._ttl_ns = ttl_ns
        self._stored: dict[str, Stored] = {}
        self._in_flight: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._stored)

    def recall(self, key: str, path: str, params: str, now_ns: int) -> Stored | None:
        """The stored result, or None for a key to execute. Refusal 400 on a mismatch, 409 while in flight.

        `now_ns` is wall time since 1970, which outlives a restart.
        """
        if len(key) > LONGEST_KEY:
            raise bad_request(
                f"Idempotency key is too long: at most {LONGEST_KEY} characters.", code="idempotency_key_invalid"
            )
        running = self._in_flight.get(key)
        if running is not None:
            if running != params:
                raise _mismatch(key)
            raise Refusal(
                409,
                "idempotency_error",
                "There is currently another in-progress request using this Idempotent Key "
                f"(that probably means you submitted twice, and the other request is still going through): {key}. "
                "Please try again later.",
                code="idempotency_key_in_use",
                headers={"Stripe-Should-Retry": "true"},
            )
        stored = self._stored.get(key)
        if stored is None:
            return None
        if now_ns - stored.at_ns > self._ttl_ns:
            del self._stored[key]
            return None
        if stored.path != path:
            raise Refusal(
                400,
                "idempotency_error",
                "Keys for idempotent requests can only be used for the same endpoint they were first used for "
                f"('{path}' vs '{stored.path}'). Try using a key other than '{key}' if you meant to execute a "
                "different request.",
            )
        if stored.params != params:
            raise _mismatch(key)
        return stored

    def begin(self, key: str, params: str) -> None:
        self._in_flight[key] = params

    def end(self, key: str) -> None:
        self._in_flight.pop(key, None)

    def store(self, stored: Stored) -> None:
        self._stored[stored.key] = stored

    def forget(self) -> None:
        self._stored.clear()


def _mismatch(key: str) -> Refusal:
    return Refusal(
        400,
        "idempotency_error",
        "Keys for idempotent requests can only be used with the same parameters they were first used with. "
        f"Try using a key other than '{key}' if you meant to execute a different request.",
    )
