"""What a clerk may do with the books, and what the keeper of a connection must do for all clerks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from surgectl.stage.boxoffice.books.trouble import Trouble


class Rows(Protocol):
    """What a statement found."""

    @property
    def description(self) -> Sequence[Any] | None:
        """A sequence for each column, its name first (DB-API 2.0)."""
        ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


class Books(Protocol):
    """A database connection inside a write job. SQL must run on SQLite and on PostgreSQL alike, `?` for a value.

    A statement that starts with `select` reads; any other writes, and its rows are nobody's business: it may
    not even have been sent yet when `execute` returns, only before the commit.
    """

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Rows: ...

    def executemany(self, sql: str, values: Iterable[Sequence[Any]], /) -> object: ...


class Connection(Books, Protocol):
    """Books with their transactions. One thread uses it; only `cut` and `waiting_since_ns` are for others."""

    waiting_since_ns: int
    """When the statement that the database has not answered yet was handed over; 0 while nothing is awaited."""

    def begin(self, *, look: bool = False) -> None:
        """Begin a transaction. To write: no other writer of the same sale is inside, here or in another process,
        so whatever a job has seen holds until the commit. `look`: to read one snapshot that nobody waits for."""
        ...

    def begin_job(self) -> None:
        """From here on `undo_job` takes back."""
        ...

    def undo_job(self) -> None: ...

    def end_job(self) -> None: ...

    def commit(self) -> None: ...

    def rollback(self) -> None:
        """End the transaction without a trace. Raises nothing: where it cannot, the connection is useless, and
        the database forgets the transaction by itself."""
        ...

    def judge(self, error: Exception) -> Trouble:
        """What an exception raised since `begin` means."""
        ...

    def cut(self) -> None:
        """Make whatever waits for the database fail now. From any thread."""
        ...

    def close(self) -> None: ...


class Archive(Protocol):
    """Where the books of one sale are kept; opens connections to them."""

    name: str
    """For people: without a password."""

    def connect(self) -> Connection:
        """BooksAway where the database cannot be reached, with the reason in one line."""
        ...

    def prepare(self, books: Books, tables: str) -> None:
        """Inside a transaction: make the tables that are not there. `tables`: statements ended by `;`, `integer`
        for 64 bits and `int` for small numbers."""
        ...

    def forget(self) -> None:
        """Delete the sale, all of it."""
        ...


def marks(values: Sequence[Any]) -> str:
    """(7, 8, 9) → `?, ?, ?`, for `in (…)`."""
    return ", ".join("?" * len(values))
