"""The books in one SQLite file that survives the death of the shop."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from surgectl.clock import Clock
from surgectl.stage.boxoffice.books.protocol import Books
from surgectl.stage.boxoffice.books.trouble import BooksAway, Trouble

# SQLite itself would look ever less often, and never get its turn between two that are busy.
_LOOK_AGAIN_MS = 5


class SqliteConnection:
    """One connection to the file; `begin immediate` keeps all other writers, of any process, outside."""

    def __init__(self, path: Path, clock: Clock, wait_ns: int) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
        # kill -9 loses nothing that was committed: a WAL commit has reached the kernel's page cache before it
        # returns, and that outlives the process. NORMAL only risks the last commits of a machine without power.
        self._connection.execute(f"pragma busy_timeout = {wait_ns // 1_000_000}")
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("pragma synchronous = normal")
        self._connection.execute(f"pragma busy_timeout = {_LOOK_AGAIN_MS}")
        self._wait_ns = wait_ns
        self._clock = clock
        self.waiting_since_ns = 0
        self.execute = self._connection.execute
        self.executemany = self._connection.executemany

    def begin(self, *, look: bool = False) -> None:
        self.waiting_since_ns = self._clock.now_ns()  # another process may be writing
        try:
            while True:
                try:
                    self.execute("begin" if look else "begin immediate")
                    return
                except sqlite3.OperationalError as error:
                    busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                    if not busy or self._clock.now_ns() - self.waiting_since_ns > self._wait_ns:
                        raise
        finally:
            self.waiting_since_ns = 0

    def begin_job(self) -> None:
        self.execute("savepoint job")

    def undo_job(self) -> None:
        self.execute("rollback to job")
        self.execute("release job")

    def end_job(self) -> None:
        self.execute("release job")

    def commit(self) -> None:
        self.execute("commit")

    def rollback(self) -> None:
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self.execute("rollback")

    def judge(self, error: Exception) -> Trouble:
        if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR:
            return Trouble.BUSY  # locked, disk full: now nothing can be written
        if isinstance(error, sqlite3.DatabaseError | UnicodeError | OverflowError):
            return Trouble.GUILTY
        return Trouble.NONE

    def cut(self) -> None:
        self._connection.interrupt()

    def close(self) -> None:
        self._connection.close()


class SqliteArchive:
    """One file in the folder of the shop."""

    def __init__(self, folder: Path, clock: Clock, wait_ns: int) -> None:
        self._folder = folder
        self._path = folder / "boxoffice.sqlite3"
        self._clock = clock
        self._wait_ns = wait_ns
        self.name = str(folder)

    def connect(self) -> SqliteConnection:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return SqliteConnection(self._path, self._clock, self._wait_ns)
        except (OSError, sqlite3.Error) as error:
            raise BooksAway(str(error)) from error

    def prepare(self, books: Books, tables: str) -> None:
        for statement in tables.split(";"):
            books.execute(statement)

    def forget(self) -> None:
        for path in self._folder.glob(f"{self._path.name}*"):
            path.unlink(missing_ok=True)
