"""Clears out old baskets and does not look whether one was bought: some tickets vanish after the confirmation."""

from __future__ import annotations

from surgectl import chance
from surgectl.stage.boxoffice import holds
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.units import NS_PER_S

_IDLE_NS = NS_PER_S // 2
_ONE_IN = 5


def expire_whatever_is_idle(books: Books, now_ns: int, seed: int) -> int:
    """The right expiry, and then a sweep over "forgotten" baskets that ignores the state of their order.

    It strikes one basket in five: those whose session the imagined cache had dropped.
    """
    ended = holds.expire(books, now_ns)
    rows = books.execute(
        "select h.n, h.id, o.id from holds h join orders o on o.hold = h.id"
        " where h.state = 'ordered' and o.state = 'confirmed' and o.decided_ns <= ?",
        (now_ns - _IDLE_NS,),
    ).fetchall()
    for n, hold_id, order in rows:
        if chance.bits(seed, "lost-ticket", n) % _ONE_IN:
            continue
        hold = holds.find(books, hold_id)
        if hold is not None:
            holds.release(books, hold, "expired", now_ns)
            books.execute("update tickets set state = 'void' where ord = ?", (order,))
            ended += 1
    return ended


CONDUCT = Conduct(expire=expire_whatever_is_idle)
