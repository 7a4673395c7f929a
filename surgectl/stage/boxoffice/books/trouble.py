"""What can be wrong with the books, told apart by what it means for the one who wanted something written."""

from __future__ import annotations

import enum


class BooksError(Exception):
    """The books could not do what was asked of them."""


class BooksAway(BooksError):
    """Known for certain: nothing was written, for the commit was never sent, or the database said no to it."""


class BooksUnknown(BooksError):
    """The commit was sent and not answered: in the books, or not. Asking again, idempotently, will tell."""


class Unwritable(BooksError):
    """A value that these books cannot hold, such as a text with a NUL in it. Nothing was written."""


class Trouble(enum.Enum):
    """What an exception inside a transaction means for that transaction."""

    NONE = "the job's own word: a refusal, a mistake in its code; the books are well"
    GUILTY = "one job of the batch asked for something impossible; the others must not suffer for it"
    AGAIN = "two writers met: the same batch, from the beginning, will do"
    BUSY = "the database lives but would not do it now"
    GONE = "the connection is of no use any more"
