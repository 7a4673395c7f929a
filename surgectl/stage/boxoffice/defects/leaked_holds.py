"""Forgets to put the seats back: a basket ends, and nobody can buy what was in it."""

from __future__ import annotations

from surgectl.clock import Clock
from surgectl.stage.boxoffice import holds
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.books.writer import Writer
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.rows import Hold
from surgectl.stage.boxoffice.signing import Signer


async def take_another_each_time(writer: Writer, wish: holds.Wish, signer: Signer, clock: Clock) -> Hold:
    """A double click, a second tab, a retry: each gets a basket of its own, and all but one are left to expire."""
    return await writer.run(lambda books: holds.take_another(books, wish, signer))


def expire_without_giving_back(books: Books, now_ns: int, seed: int) -> int:
    """The hold is marked as ended; its seats stay as they are for ever."""
    ended = holds.due(books, now_ns)
    for hold in ended:
        holds.close(books, hold.id, "expired", now_ns)
    return len(ended)


CONDUCT = Conduct(take=take_another_each_time, expire=expire_without_giving_back)
