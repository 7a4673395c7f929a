"""The addresses to which the provider writes: made, changed and taken back by the shop."""

from __future__ import annotations

import msgspec

from surgectl import chance
from surgectl.stage.payments import commands as ask
from surgectl.stage.payments.book import Book, Done
from surgectl.stage.payments.entries import plain_entry
from surgectl.stage.payments.ledger import Commit
from surgectl.stage.payments.objects import WebhookEndpoint
from surgectl.stage.payments.refusal import Refusal
from surgectl.stage.payments.stamp import Stamp

_encode = msgspec.json.Encoder().encode
_MOST = 16  # docs.stripe.com/webhooks: so many endpoints for one account


class _Deleted(msgspec.Struct, frozen=True):
    id: str
    object: str = "webhook_endpoint"
    deleted: bool = True


def create_endpoint(book: Book, command: ask.CreateEndpoint, stamp: Stamp) -> Done:
    """The only reply that carries the secret (docs.stripe.com/api/webhook_endpoints/create)."""
    if len(book.endpoints) >= _MOST:
        raise Refusal(
            400,
            "invalid_request_error",
            f"You have reached the maximum of {_MOST} webhook endpoints. Delete one first.",
            executed=True,
        )
    number = book.endpoints_made + 1
    high, low = (
        chance.bits(book.options.seed, "payments.webhook.secret", book.generation, number, half) for half in (1, 2)
    )
    endpoint = WebhookEndpoint(
        id=f"we_1{book.mark}{number:08d}",
        created=book.created_s(stamp),
        description=command.description,
        enabled_events=command.enabled_events,
        metadata=command.metadata,
        url=command.url,
        secret=f"whsec_{high:016x}{low:016x}",
    )
    return _changed(book, endpoint, stamp, "webhook_endpoint.created", _encode(endpoint))


def update_endpoint(book: Book, command: ask.UpdateEndpoint, stamp: Stamp) -> Done:
    endpoint = book.endpoints.get(command.endpoint)
    if command.url is not None:
        endpoint.url = command.url
    if command.enabled_events:
        endpoint.enabled_events = command.enabled_events
    if command.disabled is not None:
        endpoint.status = "disabled" if command.disabled else "enabled"
    return _changed(book, endpoint, stamp, "webhook_endpoint.updated", show_endpoint(endpoint))


def delete_endpoint(book: Book, command: ask.DeleteEndpoint, stamp: Stamp) -> Done:
    """What was still to be posted there is not posted any more."""
    endpoint = book.endpoints.get(command.endpoint)
    book.close_endpoint(endpoint.id)
    entry = plain_entry(stamp, "webhook_endpoint.deleted", "deleted", {})
    commit = Commit(entries=[entry], endpoints_gone=[endpoint.id])
    book.write(commit, {})
    return Done(commit, endpoint, shown_raw=_encode(_Deleted(endpoint.id)))


def show_endpoint(endpoint: WebhookEndpoint) -> bytes:
    """As everybody sees it after its making: without the secret."""
    return _encode(msgspec.structs.replace(endpoint, secret=msgspec.UNSET))


def _changed(book: Book, endpoint: WebhookEndpoint, stamp: Stamp, op: str, shown: bytes) -> Done:
    book.keep_endpoint(endpoint)
    commit = Commit(
        entries=[plain_entry(stamp, op, endpoint.status, endpoint.metadata)], endpoints=[msgspec.Raw(_encode(endpoint))]
    )
    book.write(commit, {})
    return Done(commit, endpoint, shown_raw=shown)
