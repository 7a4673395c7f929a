"""Remembers the name of a request for a moment only: who sends the same order again a little later buys twice."""

from __future__ import annotations

from surgectl.stage.boxoffice import orders
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.defects.another_basket import order_anew
from surgectl.stage.boxoffice.refusals import Shedding
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.signing import Signer

# What a cache that is too small for the storm holds on to: a real double click is still caught, a retry is not.
_REMEMBERED_NS = 120_000_000


def from_a_small_cache(books: Books, wish: orders.Purchase, signer: Signer, queue: int, shedding: Shedding) -> Order:
    """As it should be while the key is in the cache; afterwards nobody knows it, nor the basket, any more."""
    known = orders.by_key(books, wish)
    if known is not None and wish.now_ns - known.created_ns <= _REMEMBERED_NS:
        return known
    return order_anew(books, wish, signer, queue, shedding)


CONDUCT = Conduct(place=from_a_small_cache)
