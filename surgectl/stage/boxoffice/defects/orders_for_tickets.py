"""Counts orders where it means tickets: whoever bought three has taken one seat from what is told to be sold."""

from __future__ import annotations

import msgspec

from surgectl.stage.boxoffice import stock
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.rows import Stock


def orders_sold(books: Books) -> Stock:
    """The stock as everybody is told it."""
    (sold,) = books.execute("select count(*) from orders where state = 'confirmed'").fetchone()
    return msgspec.structs.replace(stock.count(books), sold=sold)


def nothing_left(told: Stock) -> bool:
    """Over when nothing is free or in a basket: the number of the sold would never reach the capacity."""
    return told.available + told.held + told.pending == 0


CONDUCT = Conduct(count=orders_sold, sold_out=nothing_left)
