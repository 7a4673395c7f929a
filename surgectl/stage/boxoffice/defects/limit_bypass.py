"""Checks the limit while a basket is filled and counts only what is paid for: several baskets at once each fit in."""

from __future__ import annotations

from surgectl.clock import Clock
from surgectl.stage.boxoffice import holds
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.books.writer import Writer
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.refusals import Refused
from surgectl.stage.boxoffice.rows import Hold
from surgectl.stage.boxoffice.signing import Signer


async def count_then_take(writer: Writer, wish: holds.Wish, signer: Signer, clock: Clock) -> Hold:
    """A basket for each tab. How many tickets the fan has is asked before it is written, and baskets do not count."""
    has = await writer.run(lambda books: _bought(books, wish.email))
    if has + wish.qty > wish.limit:
        raise Refused(409, "LIMIT", f"{wish.limit} tickets per person, and you have {has}", limit=wish.limit, has=has)
    return await writer.run(lambda books: holds.put_aside(books, wish, holds.find_seats(books, wish), signer))


def _bought(books: Books, email: str) -> int:
    (has,) = books.execute(
        "select coalesce(sum(qty), 0) from orders where email = ? and state = 'confirmed'", (email,)
    ).fetchone()
    return int(has)


CONDUCT = Conduct(take=count_then_take)
