"""Customers and their cards."""

from __future__ import annotations

import msgspec

from surgectl.stage.payments import commands as ask
from surgectl.stage.payments.book import Book, Done
from surgectl.stage.payments.cards import is_known_number
from surgectl.stage.payments.entries import plain_entry
from surgectl.stage.payments.ledger import Commit
from surgectl.stage.payments.objects import CardDetails, Customer, Method
from surgectl.stage.payments.stamp import Stamp

_encode = msgspec.json.Encoder().encode


def create_customer(book: Book, command: ask.CreateCustomer, stamp: Stamp) -> Done:
    customer = Customer(
        id=f"cus_{book.mark}{len(book.customers) + 1:08d}",
        created=book.created_s(stamp),
        description=command.description,
        email=command.email,
        metadata=command.metadata,
        name=command.name,
    )
    book.customers.put(customer)
    raw = _encode(customer)
    entry = plain_entry(stamp, "customer.created", "created", customer.metadata, receipt_email=customer.email)
    entry.customer = customer.id
    commit = Commit(entries=[entry], customers=[msgspec.Raw(raw)])
    book.write(commit, {customer.id: raw})
    return Done(commit, customer, shown_raw=raw)


def create_method(book: Book, command: ask.CreateMethod, stamp: Stamp) -> Done:
    judged_as = command.number or command.token or ""
    last4 = judged_as[-4:] if judged_as[-4:].isdigit() else "4242"
    method = Method(
        id=f"pm_1{book.mark}{len(book.methods) + 1:08d}",
        card=CardDetails(brand="visa", last4=last4),
        created=book.created_s(stamp),
        metadata=command.metadata,
        # A pretend card's number is kept only as far as it decides; anything else is somebody's secret.
        judged_as=judged_as if is_known_number(judged_as) or not command.number else "4242424242424242",
    )
    return _changed(book, method, stamp, "payment_method.created")


def attach_method(book: Book, command: ask.AttachMethod, stamp: Stamp) -> Done:
    method = book.methods.get(command.method, param="payment_method")
    method.customer = book.customers.get(command.customer, param="customer", status=400).id
    return _changed(book, method, stamp, "payment_method.attached")


def _changed(book: Book, method: Method, stamp: Stamp, op: str) -> Done:
    book.methods.put(method)
    raw = _encode(method)
    entry = plain_entry(stamp, op, "created", method.metadata, payment_method=method.id)
    commit = Commit(entries=[entry], methods=[msgspec.Raw(raw)])
    book.write(commit, {method.id: raw})
    return Done(commit, method, shown_raw=raw)
