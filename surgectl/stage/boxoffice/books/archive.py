"""Finds out where a sale wants to be written down."""

from __future__ import annotations

from pathlib import Path

from surgectl.clock import Clock
from surgectl.errors import UsageError
from surgectl.stage.boxoffice.books.postgres import PostgresArchive
from surgectl.stage.boxoffice.books.protocol import Archive
from surgectl.stage.boxoffice.books.sqlite import SqliteArchive
from surgectl.stage.boxoffice.books.writer import Writer
from surgectl.stage.boxoffice.options import Options


def archive_of(options: Options, clock: Clock) -> Archive:
    """The archive that these options name; nothing is opened yet. UsageError where it cannot be meant."""
    if not options.database:
        return SqliteArchive(Path(options.data), clock, options.books_timeout_ns)
    scheme = options.database.partition("://")[0]
    if scheme in ("postgresql", "postgres"):
        return PostgresArchive(options.database, options.database_schema, clock, options.books_timeout_ns)
    raise UsageError(
        "only a PostgreSQL can be named by URL",
        where="box office: database",
        hint="postgresql://user@host:5432/database, or nothing: then it is an SQLite file",
    )


def writer_of(archive: Archive, options: Options, clock: Clock) -> Writer:
    """The clerk of one process; any number of processes may have one on the same archive."""
    return Writer(archive, clock, options.books_patience_ns, options.books_timeout_ns)
