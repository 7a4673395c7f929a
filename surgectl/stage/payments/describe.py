"""Says which payment a request is about, for the log: retries are counted by payment, not by key."""

from __future__ import annotations

from surgectl.stage.payments.book import Book
from surgectl.stage.payments.form import Tree
from surgectl.stage.payments.requestlog import Received
from surgectl.stage.payments.routes import KNOWN


def describe(row: Received, tree: Tree, book: Book) -> None:
    """Note in the request log which payment this is about, as far as the request or the intent tells."""
    parts = row.path.split("/")
    given = tree.get("metadata")
    if isinstance(given, dict):
        row.metadata = {name: value for name, value in given.items() if isinstance(value, str)}
    notes = row.metadata
    if len(parts) > 3 and parts[2] == "payment_intents":
        row.payment_intent = parts[3]
    else:
        named = tree.get("payment_intent")
        row.payment_intent = named if isinstance(named, str) else None
    if row.payment_intent is not None and not notes:
        intent = book.intents.find(row.payment_intent)
        if intent is not None:
            notes = intent.metadata
    row.order = notes.get("order") or notes.get("order_id")
    row.intent = notes.get("intent")
    row.payment = row.order or row.intent or row.payment_intent or row.key
    if not KNOWN.issuperset(tree):
        row.unknown = sorted(name[:60] for name in tree if name not in KNOWN)[:20]
