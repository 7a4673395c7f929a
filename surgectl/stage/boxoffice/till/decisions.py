"""How a shop whose money is taken elsewhere learns what became of its orders: it looks into the books."""

from __future__ import annotations

import logging
from itertools import islice

from surgectl.stage.boxoffice.books.looker import Looker
from surgectl.stage.boxoffice.books.protocol import Books
from surgectl.stage.boxoffice.books.trouble import BooksError
from surgectl.stage.boxoffice.counter import Counter
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till import claims

log = logging.getLogger("surgectl.stage.boxoffice")
_EVERY_NS = 50_000_000
_REFUNDS_EVERY = 20  # looks: money that went back changes one word in an order that is long decided


class Decisions:
    """Compares what we believe to be pending with what the books say is.

    At most `payment_queue` orders are pending, so a look is a short one; it needs no clock and no sequence that
    several writers would have to keep in order.
    """

    def __init__(self, counter: Counter, looker: Looker) -> None:
        self._counter = counter
        self._looker = looker
        self._open: set[str] = set()  # what we believe to be pending
        self._known = 0  # so many orders were looked at for that: new ones come at the end

    async def follow(self) -> None:
        """Until cancelled."""
        looks = 0
        while True:
            await self._counter.clock.sleep_until_ns(self._counter.clock.now_ns() + _EVERY_NS)
            looks += 1
            try:
                await self._look(refunds=looks % _REFUNDS_EVERY == 0)
            except BooksError as why:
                log.debug("nothing new: %s", why)
            except Exception:
                log.exception("the books could not be compared; tried again soon")

    async def _look(self, *, refunds: bool) -> None:
        known = self._counter.orders
        fresh = list(islice(known.values(), self._known, None))
        self._known += len(fresh)
        self._open.update(order.id for order in fresh if order.state == "pending")
        if not self._open and not refunds:
            return
        open_ = frozenset(self._open)

        def changed(books: Books) -> list[Order]:
            wanted = set(open_ - claims.pending(books))
            if refunds:
                wanted |= {order for order in claims.refunded(books) if _still(known.get(order), "failed")}
            return claims.some(books, sorted(wanted))

        for order in await self._looker.asked(changed):
            self._counter.show(order)
            self._open.discard(order.id)


def _still(order: Order | None, state: str) -> bool:
    return order is not None and order.state == state
