"""Looks things up: one object, or a page of a list, newest first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from surgectl.stage.payments import form
from surgectl.stage.payments.book import Book
from surgectl.stage.payments.endpoints import show_endpoint
from surgectl.stage.payments.expand import expanded
from surgectl.stage.payments.form import Tree
from surgectl.stage.payments.objects import BalanceTransaction, Charge, Customer, Event, Intent, Method, Refund
from surgectl.stage.payments.routes import unknown_url
from surgectl.stage.payments.shelf import Kept, Page, Shelf, read_page

_encode = msgspec.json.Encoder().encode
T = TypeVar("T", bound=Kept)


class _Listing(msgspec.Struct):
    """docs.stripe.com/api/pagination; `data` holds objects of one kind, already encoded."""

    url: str
    has_more: bool
    data: list[msgspec.Raw]
    object: str = "list"


def read(book: Book, path: str, query: Tree) -> bytes:
    """The body that answers a GET. Refusal 404 for what does not exist, 400 for a query that cannot be meant."""
    return expanded(book, _found(book, path, query), form.listed(query, "expand")) if query else _found(book, path, {})


def _found(book: Book, path: str, query: Tree) -> bytes:
    match path.split("/")[1:]:
        case ["v1", "payment_intents"]:
            return _page(path, query, book.intents, _intent_filter(query), _encode)
        case ["v1", "payment_intents", id_]:
            return _encode(book.intents.get(id_, param="intent"))
        case ["v1", "charges"]:
            return _charges(book, path, query)
        case ["v1", "charges", id_]:
            return _encode(book.charges.get(id_))
        case ["v1", "refunds"]:
            return _page(path, query, book.refunds, _refund_filter(query), _encode)
        case ["v1", "refunds", id_]:
            return _encode(book.refunds.get(id_))
        case ["v1", "balance_transactions"]:
            return _page(path, query, book.balance.transactions(book.entries), _balance_filter(query), _encode)
        case ["v1", "balance_transactions", id_]:
            return _encode(book.balance.transactions(book.entries).get(id_))
        case ["v1", "events"]:
            return _page(path, query, book.diary.events, _event_filter(query), _encode)
        case ["v1", "events", id_]:
            return _encode(book.diary.events.get(id_))
        case ["v1", "customers"]:
            return _page(path, query, book.customers, _customer_filter(query), _encode)
        case ["v1", "customers", id_]:
            return _encode(book.customers.get(id_))
        case ["v1", "payment_methods"]:
            return _page(path, query, book.methods, _method_filter(query), _encode)
        case ["v1", "payment_methods", id_]:
            return _encode(book.methods.get(id_, param="payment_method"))
        case ["v1", "webhook_endpoints"]:
            return _page(path, query, book.endpoints, None, show_endpoint)
        case ["v1", "webhook_endpoints", id_]:
            return show_endpoint(book.endpoints.get(id_))
    raise unknown_url("GET", path)


def _page(
    path: str,
    query: Tree,
    shelf: Shelf[T],
    keep: Callable[[T], bool] | None,
    encode: Callable[[Any], bytes],  # each caller pairs a shelf with the encoder of its kind
) -> bytes:
    rows, more = shelf.page(read_page(query), keep)
    return _encode(_Listing(path, more, [msgspec.Raw(encode(row)) for row in rows]))


def _charges(book: Book, path: str, query: Tree) -> bytes:
    wanted = form.text(query, "payment_intent")
    if wanted is None or form.text(query, "starting_after") or form.text(query, "ending_before"):
        return _page(path, query, book.charges, _charge_filter(query), _encode)
    # A reconciler asks for one intent's charges thousands of times: not by walking the whole shelf each time.
    page = read_page(query)
    keep = _charge_filter(query)
    rows = [charge for charge in book.charges_of(wanted) if (keep is None or keep(charge)) and _within(charge, page)]
    rows.reverse()
    return _encode(_Listing(path, len(rows) > page.limit, [msgspec.Raw(_encode(row)) for row in rows[: page.limit]]))


def _within(row: Kept, page: Page) -> bool:
    return page.since_s <= row.created <= page.until_s


def _intent_filter(query: Tree) -> Callable[[Intent], bool] | None:
    customer = form.text(query, "customer")
    return (lambda intent: intent.customer == customer) if customer else None


def _charge_filter(query: Tree) -> Callable[[Charge], bool] | None:
    intent, customer = form.text(query, "payment_intent"), form.text(query, "customer")
    if intent is None and customer is None:
        return None
    return lambda charge: (
        (intent is None or charge.payment_intent == intent) and (customer is None or charge.customer == customer)
    )


def _refund_filter(query: Tree) -> Callable[[Refund], bool] | None:
    intent, charge = form.text(query, "payment_intent"), form.text(query, "charge")
    if intent is None and charge is None:
        return None
    return lambda refund: (
        (intent is None or refund.payment_intent == intent) and (charge is None or refund.charge == charge)
    )


def _balance_filter(query: Tree) -> Callable[[BalanceTransaction], bool] | None:
    wanted = {name: value for name in ("type", "source", "currency") if (value := form.text(query, name))}
    if not wanted:
        return None
    return lambda row: all(getattr(row, name) == value for name, value in wanted.items())


def _event_filter(query: Tree) -> Callable[[Event], bool] | None:
    type_ = form.text(query, "type")
    types = set(form.listed(query, "types")) | ({type_} if type_ else set())
    return (lambda event: event.type in types) if types else None


def _customer_filter(query: Tree) -> Callable[[Customer], bool] | None:
    email = form.text(query, "email")
    return (lambda customer: customer.email == email) if email else None


def _method_filter(query: Tree) -> Callable[[Method], bool] | None:
    customer = form.text(query, "customer")
    return (lambda method: method.customer == customer) if customer else None
