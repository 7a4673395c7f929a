"""What a clerk may do with the books: portable SQL, `?` for a value, inside the transaction that the writer keeps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol


class Rows(Protocol):
    """What a statement found."""

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


class Books(Protocol):
    """A database connection inside a write job. SQL must run on SQLite and on PostgreSQL alike."""

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Rows: ...

    def executemany(self, sql: str, values: Iterable[Sequence[Any]], /) -> object: ...
