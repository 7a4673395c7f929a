"""Counts what is left apart from the tickets: two fans at once, and the counter knows of one of them only."""

from __future__ import annotations

import msgspec

from surgectl.clock import Clock
from surgectl.stage.boxoffice import holds, stock
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.books.writer import Writer
from surgectl.stage.boxoffice.conduct import Conduct, take_at_once
from surgectl.stage.boxoffice.rows import Hold, Stock
from surgectl.stage.boxoffice.signing import Signer

_KEY = "left"
# The counter stands in another house: what a look there and a word back take under load.
_AWAY_NS = 20_000_000


def left(books: Books) -> int:
    """What the counter says; as it begins, it is right."""
    row = books.execute("select value from meta where key = ?", (_KEY,)).fetchone()
    return int(row[0]) if row is not None else stock.count(books).available


def set_left(books: Books, value: int) -> None:
    books.execute(
        "insert into meta (key, value) values (?, ?) on conflict (key) do update set value = excluded.value",
        (_KEY, str(value)),
    )


async def take_and_count(writer: Writer, wish: holds.Wish, signer: Signer, clock: Clock) -> Hold:
    """Read the counter, put the seats aside, write the counter: whatever others wrote in between is lost."""
    before = await writer.run(left)
    await clock.sleep_until_ns(clock.now_ns() + _AWAY_NS)
    hold = await take_at_once(writer, wish, signer, clock)
    await writer.run(lambda books: set_left(books, before - hold.qty))
    return hold


def expire_and_count(books: Books, now_ns: int, seed: int) -> int:
    """What comes back from baskets is added to the counter."""
    back = sum(hold.qty for hold in holds.due(books, now_ns))
    if back:
        set_left(books, left(books) + back)
    return holds.expire(books, now_ns)


def as_counted(books: Books) -> Stock:
    """The stock as everybody is told it: what is left is what the counter says."""
    return msgspec.structs.replace(stock.count(books), available=left(books))


CONDUCT = Conduct(take=take_and_count, expire=expire_and_count, count=as_counted)
