"""Carries out one command: which room of the books does what."""

from __future__ import annotations

from surgectl.stage.payments import commands as ask
from surgectl.stage.payments import endpoints
from surgectl.stage.payments.book import Book, Done
from surgectl.stage.payments.cards import Decline
from surgectl.stage.payments.entries import Stamp


def execute(book: Book, command: ask.Command, stamp: Stamp, decline: Decline | None = None) -> Done:
    """Carry out a command. Refusal where its object does not allow it; `decline` is the issuer having a bad day."""
    if isinstance(command, ask.CreateEndpoint):
        return endpoints.create_endpoint(book, command, stamp)
    if isinstance(command, ask.UpdateEndpoint):
        return endpoints.update_endpoint(book, command, stamp)
    if isinstance(command, ask.DeleteEndpoint):
        return endpoints.delete_endpoint(book, command, stamp)
    return book.execute(command, stamp, decline)
