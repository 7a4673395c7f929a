"""Which address asks for what."""

from __future__ import annotations

from surgectl.stage.payments import commands as ask
from surgectl.stage.payments.form import Tree
from surgectl.stage.payments.refusal import Refusal


def unknown_url(method: str, path: str) -> Refusal:
    return Refusal(404, "invalid_request_error", f"Unrecognized request URL ({method}: {path}).")


def endpoint_of(method: str, path: str) -> str:
    """The endpoint whose own rate limit counts: the address without its ids, `POST /v1/payment_intents/*/confirm`."""
    parts = path.split("/")
    at = 4 if path.startswith("/v1/test_helpers/") else 3
    if len(parts) > at:
        parts[at] = "*"
    return f"{method} {'/'.join(parts)}"


def read_command(path: str, tree: Tree) -> ask.Command:
    """A POST as a checked command. Refusal 400 for parameters that do not validate, 404 for an unknown address."""
    match path.split("/")[1:]:
        case ["v1", "payment_intents"]:
            return ask.create_intent(tree)
        case ["v1", "payment_intents", intent, "confirm"]:
            return ask.confirm_intent(intent, tree)
        case ["v1", "payment_intents", intent, "capture"]:
            return ask.capture_intent(intent, tree)
        case ["v1", "payment_intents", intent, "cancel"]:
            return ask.cancel_intent(intent, tree)
        case ["v1", "payment_intents", intent] if intent:
            return ask.update_intent(intent, tree)
        case ["v1", "test_helpers", "payment_intents", intent, "authenticate"]:
            return ask.authenticate(intent, tree)
        case ["v1", "refunds"]:
            return ask.create_refund(tree)
        case ["v1", "customers"]:
            return ask.create_customer(tree)
        case ["v1", "payment_methods"]:
            return ask.create_method(tree)
        case ["v1", "payment_methods", method, "attach"]:
            return ask.attach_method(method, tree)
        case ["v1", "webhook_endpoints"]:
            return ask.create_endpoint(tree)
        case ["v1", "webhook_endpoints", endpoint] if endpoint:
            return ask.update_endpoint(endpoint, tree)
    raise unknown_url("POST", path)


def read_deletion(path: str) -> ask.DeleteEndpoint:
    """A DELETE as a command. Refusal 404 for what cannot be deleted."""
    match path.split("/")[1:]:
        case ["v1", "webhook_endpoints", endpoint] if endpoint:
            return ask.DeleteEndpoint(endpoint)
    raise unknown_url("DELETE", path)


# Parameters that some endpoint reads. Others are accepted, as the shop may know a newer API, and noted in the log.
KNOWN = frozenset(
    "amount currency confirm capture_method payment_method payment_method_data payment_method_types customer "
    "description receipt_email metadata expand amount_to_capture cancellation_reason charge payment_intent reason "
    "email name type card url enabled_events disabled "
    "error_on_requires_action off_session outcome key client_secret return_url".split()
)
