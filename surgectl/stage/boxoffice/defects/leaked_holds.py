"""Forgets to put the seats back: a basket ends, and nobody can buy what was in it."""

from __future__ import annotations

import sqlite3

from surgectl.stage.boxoffice import holds
from surgectl.stage.boxoffice.conduct import Conduct


def expire_without_giving_back(books: sqlite3.Connection, now_ns: int, seed: int) -> int:
    """The hold is marked as ended; its seats stay as they are for ever."""
    ended = holds.due(books, now_ns)
    books.executemany("update holds set state = 'expired' where id = ?", [(hold.id,) for hold in ended])
    return len(ended)


CONDUCT = Conduct(expire=expire_without_giving_back)
