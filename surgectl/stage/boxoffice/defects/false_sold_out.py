"""Takes "all in baskets" for "sold out", and remembers it for ever: what comes back from the baskets is not sold."""

from __future__ import annotations

from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.rows import Stock


def none_left_now(stock: Stock) -> bool:
    """Nothing to be had at this instant; a basket that runs out in the next one is forgotten."""
    return stock.available == 0


CONDUCT = Conduct(sold_out=none_left_now)
