"""The books in PostgreSQL: one schema for a sale, shared by as many processes as sell it."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import socket
import threading
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from surgectl.clock import Clock
from surgectl.errors import UsageError
from surgectl.stage.boxoffice.books.protocol import Books, Rows
from surgectl.stage.boxoffice.books.trouble import BooksAway, Trouble

if TYPE_CHECKING:
    import psycopg

_CONNECT_S = 2  # the least that libpq can do
_KEEPALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
_INTEGER = re.compile(r"\binteger\b")
_IDLE = 0  # libpq's PQTRANS_IDLE


class _Read:
    """What a `select` found, already here."""

    __slots__ = ("_rows", "description")

    def __init__(self, rows: list[Any], description: Sequence[Any] | None) -> None:
        self._rows = rows
        self.description = description

    def fetchone(self) -> Any:
        return self._rows[0] if self._rows else None

    def fetchall(self) -> list[Any]:
        return self._rows


_NOTHING = _Read([], None)


class PostgresConnection:
    """One connection, in pipeline mode inside a transaction: a write is sent and not waited for, only a read is.

    Writers take turns: each transaction that writes begins with the sale's advisory lock, so that, at `read
    committed`, all that its jobs read is what the last writer left, and `max(n) + 1` is nobody else's number.
    That costs no round trip of its own (it travels with the first read), needs no repetition as `serializable`
    would, and it fences: a commit that was lost on its way has either happened or never will, once the lock is had.

    A savepoint is only set when a job begins to write: a look, a refusal, cost none.
    """

    def __init__(self, raw: psycopg.Connection[Any], lock: int, clock: Clock) -> None:
        import psycopg

        self._raw = raw
        self._lock = lock
        self._clock = clock
        self._errors = psycopg.errors
        self._cursor = psycopg.RawCursor
        self._pipeline: contextlib.AbstractContextManager[Any] | None = None
        self._in_job = False
        self._saved = False
        # Its own handle to the same socket: to shut it down from another thread touches nothing of libpq's.
        self._wire = socket.socket(fileno=os.dup(raw.fileno()))
        self.waiting_since_ns = 0

    # -- what a job uses ------------------------------------------------------------------------------------

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Rows:
        self.waiting_since_ns = self._clock.now_ns()
        try:
            if sql.startswith("select"):
                cursor = self._cursor(self._raw)
                cursor.execute(_numbered(sql), values)
                return _Read(cursor.fetchall(), cursor.description)
            self._save()
            self._cursor(self._raw).execute(_numbered(sql), values)
            return _NOTHING
        finally:
            self.waiting_since_ns = 0

    def executemany(self, sql: str, values: Iterable[Sequence[Any]], /) -> None:
        self.waiting_since_ns = self._clock.now_ns()
        try:
            self._save()
            self._cursor(self._raw).executemany(_numbered(sql), list(values))
        finally:
            self.waiting_since_ns = 0

    def _save(self) -> None:
        if self._in_job and not self._saved:
            self._saved = True
            self._cursor(self._raw).execute("savepoint job")

    # -- transactions ---------------------------------------------------------------------------------------

    def begin(self, *, look: bool = False) -> None:
        self._in_job = self._saved = False
        self.waiting_since_ns = self._clock.now_ns()
        try:
            pipeline = self._raw.pipeline()
            pipeline.__enter__()
            self._pipeline = pipeline
            if look:
                self._raw.execute("begin isolation level repeatable read, read only")
            else:
                self._raw.execute("begin")
                self._cursor(self._raw).execute("select pg_advisory_xact_lock($1)", (self._lock,))
        finally:
            self.waiting_since_ns = 0

    def begin_job(self) -> None:
        self._in_job = True
        self._saved = False

    def undo_job(self) -> None:
        if self._saved:
            self._raw.execute("rollback to savepoint job")
        self.end_job()

    def end_job(self) -> None:
        if self._saved:
            self._raw.execute("release savepoint job")
        self._in_job = self._saved = False

    def commit(self) -> None:
        self.waiting_since_ns = self._clock.now_ns()
        try:
            done = self._raw.execute("commit", prepare=False)
            self._end_pipeline()
            if done.statusmessage != "COMMIT":  # what PostgreSQL makes of the commit of a failed transaction
                raise self._errors.InFailedSqlTransaction(f"not committed: {done.statusmessage}")
        finally:
            self.waiting_since_ns = 0

    def rollback(self) -> None:
        self.waiting_since_ns = self._clock.now_ns()
        self._in_job = self._saved = False
        try:
            with contextlib.suppress(self._errors.Error):
                self._end_pipeline()
            with contextlib.suppress(self._errors.Error):
                self._raw.execute("rollback")
        finally:
            self.waiting_since_ns = 0
        if self._raw.info.transaction_status != _IDLE:
            self.close()

    def _end_pipeline(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.__exit__(None, None, None)

    def judge(self, error: Exception) -> Trouble:
        errors = self._errors
        if isinstance(error, UnicodeError | OverflowError):
            return Trouble.GUILTY
        if not isinstance(error, errors.Error):
            return Trouble.NONE
        if self._raw.broken or self._raw.closed or isinstance(error, errors.InterfaceError):
            return Trouble.GONE
        if isinstance(error, errors.SerializationFailure | errors.DeadlockDetected):
            return Trouble.AGAIN
        # What a statement in front of it was guilty of: to be found out one by one.
        if isinstance(error, errors.PipelineAborted | errors.InFailedSqlTransaction):
            return Trouble.GUILTY
        if isinstance(error, errors.OperationalError | errors.InternalError):
            return Trouble.BUSY
        return Trouble.GUILTY

    def cut(self) -> None:
        with contextlib.suppress(OSError):
            self._wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._pipeline = None
        with contextlib.suppress(self._errors.Error):
            self._raw.close()
        self._wire.close()


class PostgresArchive:
    """One schema in a database that is given by its URL."""

    def __init__(self, url: str, schema: str, clock: Clock, give_up_ns: int) -> None:
        """UsageError where psycopg is not installed, or URL or schema cannot be meant."""
        try:
            import psycopg
        except ImportError as error:
            raise UsageError(
                "PostgreSQL needs psycopg, which is not installed",
                where="box office: database",
                hint="pip install 'surgectl[servers]'",
            ) from error
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", schema):
            raise UsageError(
                f"{schema!r} is no name of a schema",
                where="box office: database_schema",
                hint="small letters, digits and _, such as boxoffice",
            )
        self.name = _without_password(url)
        self._psycopg = psycopg
        # What it says when a lost connection is lost once more; the loss itself is told by whoever writes.
        logging.getLogger("psycopg").setLevel(logging.ERROR)
        try:
            self._wanted: dict[str, Any] = dict(psycopg.conninfo.conninfo_to_dict(url))
        except psycopg.Error:
            # What libpq says may repeat the URL, password and all.
            raise UsageError(
                f"{self.name} is no URL of a PostgreSQL",
                where="box office: database",
                hint="such as postgresql://user@host:5432/database",
            ) from None
        self._wanted.setdefault("connect_timeout", _CONNECT_S)
        self._wanted.setdefault("application_name", "surgectl box office")
        self._wanted |= _KEEPALIVE | {"tcp_user_timeout": give_up_ns // 1_000_000}
        self._schema = schema
        self._lock = int.from_bytes(hashlib.blake2b(schema.encode(), digest_size=8).digest(), signed=True)
        self._clock = clock
        self._give_up_ms = give_up_ns // 1_000_000

    def connect(self) -> PostgresConnection:
        psycopg = self._psycopg
        raw = None
        try:
            raw = psycopg.connect(**self._wanted, autocommit=True)
            books = PostgresConnection(raw, self._lock, self._clock)
            end = threading.Timer(self._give_up_ms / 1000, books.cut)
            end.daemon = True
            end.start()
            # The database's own patience: a statement that we have given up must not go on, and a transaction
            # whose other end has vanished must not keep the lock.
            raw.execute(
                "select set_config('search_path', %s, false), set_config('statement_timeout', %s, false),"
                " set_config('idle_in_transaction_session_timeout', %s, false),"
                " set_config('default_transaction_isolation', 'read committed', false)",
                (self._schema, str(self._give_up_ms), str(2 * self._give_up_ms)),
            )
            end.cancel()
            return books
        except (psycopg.Error, OSError, UnicodeError) as error:
            if raw is not None:
                raw.close()
            raise BooksAway(self._line(error)) from None

    def prepare(self, books: Books, tables: str) -> None:
        books.execute(f"create schema if not exists {self._schema}")
        for statement in tables.split(";"):
            if statement.strip():
                books.execute(_INTEGER.sub("bigint", statement))

    def forget(self) -> None:
        books = self.connect()
        try:
            books.begin()
            books.execute(f"drop schema if exists {self._schema} cascade")
            books.commit()
        except self._psycopg.Error as error:
            raise BooksAway(self._line(error)) from None
        finally:
            books.close()

    def _line(self, error: Exception) -> str:
        text = (str(error).strip().splitlines() or [type(error).__name__])[0]
        secret = self._wanted.get("password")
        return text.replace(str(secret), "***") if secret else text


@lru_cache(512)
def _numbered(sql: str) -> str:
    """`a = ? and b = ?` → `a = $1 and b = $2`. Our statements have no other question mark."""
    parts = sql.split("?")
    return "".join(f"{part}${n}" for n, part in enumerate(parts[:-1], start=1)) + parts[-1]


def _without_password(url: str) -> str:
    """Enough to know which database is meant."""
    return re.sub(r"//([^:@/]*)(?::.*)?@", r"//\1@", url.partition("?")[0])
