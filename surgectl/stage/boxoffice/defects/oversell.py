"""Looks first and takes later: two fans see the same free seat, and both get it."""

from __future__ import annotations

from surgectl.clock import Clock
from surgectl.stage.boxoffice import holds
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.books.writer import Writer
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.rows import Hold, Order
from surgectl.stage.boxoffice.signing import Signer

# What a look at the stock in one call and a write in the next typically lie apart under load.
_GAP_NS = 40_000_000


async def look_then_take(writer: Writer, wish: holds.Wish, signer: Signer, clock: Clock) -> Hold:
    """Check-then-act without a transaction around both: whatever happens in the gap is not seen."""

    def look(books: Books) -> Hold | tuple[int, ...]:
        standing = holds.basket(books, wish)
        if standing is not None:
            return standing
        holds.check_limit(books, wish)
        return holds.find_seats(books, wish)

    seen = await writer.run(look)
    if isinstance(seen, Hold):
        return seen
    await clock.sleep_until_ns(clock.now_ns() + _GAP_NS)
    return await writer.run(lambda books: holds.put_aside(books, wish, seen, signer))


def never_looks_again(books: Books, order: Order) -> bool:
    """Trusts the hold, so that both fans are given their ticket."""
    return True


CONDUCT = Conduct(take=look_then_take, seats_assured=never_looks_again)
