"""Looks into the books without holding up whoever writes in them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from surgectl.stage.boxoffice.books.protocol import Archive, Books, Connection
from surgectl.stage.boxoffice.books.trouble import BooksAway, Trouble

T = TypeVar("T")


class Looker:
    """Reads through its own connection and thread: a long audit does not hold up the sale (readers block no writer).

    BooksAway where the database does not answer within `patience_ns`.
    """

    def __init__(self, archive: Archive, patience_ns: int) -> None:
        self._archive = archive
        self._patience_s = patience_ns / 1e9
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="boxoffice-reader")
        self._connection: Connection | None = None

    async def asked(self, look: Callable[[Books], T]) -> T:
        """What `look` finds in one snapshot."""
        looking = asyncio.get_running_loop().run_in_executor(self._thread, self._look, look)
        try:
            async with asyncio.timeout(self._patience_s):
                return await looking
        except TimeoutError:
            if self._connection is not None:
                self._connection.cut()
            raise BooksAway("the database does not answer") from None

    def _look(self, look: Callable[[Books], T]) -> T:
        fresh = self._connection is None
        if self._connection is None:
            self._connection = self._archive.connect()
        books = self._connection
        try:
            books.begin(look=True)
            found = look(books)
            books.commit()
            return found
        except Exception as error:
            trouble = books.judge(error)
            if trouble is not Trouble.GONE:
                books.rollback()
                if trouble is Trouble.NONE:
                    raise
            else:
                books.close()
                self._connection = None
                if not fresh:
                    return self._look(look)  # it was cut while nobody looked
            raise BooksAway(" ".join(str(error).split())) from error

    def close(self) -> None:
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()
