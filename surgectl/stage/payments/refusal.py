"""How the provider says no."""

from __future__ import annotations

import msgspec


class ErrorBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """The `error` object of docs.stripe.com/api/errors; `payment_intent` is the encoded object, where there is one."""

    type: str
    message: str
    code: str | None = None
    param: str | None = None
    decline_code: str | None = None
    charge: str | None = None
    payment_intent: msgspec.Raw | None = None


class _Envelope(msgspec.Struct, frozen=True):
    error: ErrorBody


class Refusal(Exception):
    """A request that is answered with an error: an HTTP status and Stripe's error object.

    `executed` tells whether the endpoint had begun to run: only then is the answer stored under the
    idempotency key (docs.stripe.com/api/idempotent_requests).
    """

    def __init__(
        self,
        status: int,
        type_: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        payment_intent: bytes | None = None,
        headers: dict[str, str] | None = None,
        executed: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = ErrorBody(
            type=type_,
            message=message,
            code=code,
            param=param,
            payment_intent=msgspec.Raw(payment_intent) if payment_intent is not None else None,
        )
        self.headers = headers or {}
        self.executed = executed

    def body(self) -> bytes:
        return error_body(self.error)


def error_body(error: ErrorBody) -> bytes:
    return msgspec.json.encode(_Envelope(error))


def bad_request(message: str, *, param: str | None = None, code: str | None = None) -> Refusal:
    """400 for parameters that do not validate: never stored under an idempotency key."""
    return Refusal(400, "invalid_request_error", message, param=param, code=code)


def missing(param: str) -> Refusal:
    return bad_request(f"Missing required param: {param}.", param=param, code="parameter_missing")


def no_such(kind: str, id_: str, *, param: str = "id", status: int = 404) -> Refusal:
    return Refusal(status, "invalid_request_error", f"No such {kind}: '{id_}'", param=param, code="resource_missing")
