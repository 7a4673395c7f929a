"""Shows the object itself where a reply would only name it (docs.stripe.com/api/expanding_objects)."""

from __future__ import annotations

from typing import Any

import msgspec

from surgectl.stage.payments.book import Book

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_PARTS = {"ch": "charges", "pi": "intents", "re": "refunds", "cus": "customers", "pm": "methods"}


def expanded(book: Book, raw: bytes, paths: list[str]) -> bytes:
    """`raw` with the objects that these paths (`latest_charge`, `latest_charge.balance_transaction`) name inside.

    What names nothing stays as it is: a shop may know a newer API than we do.
    """
    if not paths:
        return raw
    tree = _decode(raw)
    for path in paths[:20]:
        _open(book, tree, path.split("."))
    return _encode(tree)


def _open(book: Book, tree: Any, steps: list[str]) -> None:  # any JSON
    if isinstance(tree, list):
        for item in tree:
            _open(book, item, steps)
        return
    if not isinstance(tree, dict) or not steps:
        return
    name, *rest = steps
    if isinstance(tree.get(name), str) and name != "id":
        known = _find(book, tree[name])
        if known is not None:
            tree[name] = msgspec.to_builtins(known)
    _open(book, tree.get(name), rest)


def _find(book: Book, id_: str) -> msgspec.Struct | None:
    kind = id_.partition("_")[0]
    if kind == "txn":
        return book.balance.transactions(book.entries).find(id_)
    shelf = getattr(book, _PARTS.get(kind, ""), None)
    found: msgspec.Struct | None = shelf.find(id_) if shelf is not None else None
    return found
