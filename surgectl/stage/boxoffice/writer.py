"""One clerk writes in the books: everything that waited meanwhile goes in together."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from surgectl.stage.boxoffice.books import Books

T = TypeVar("T")
_BATCH = 512

# A job and the future that learns its result; a bare None is the end of the day.
_Job = tuple[Callable[[Books], Any], "asyncio.Future[Any]"]


class Writer:
    """Runs write jobs one after another in its own thread, many to a transaction (group commit).

    A job sees all jobs before it, so checking and acting inside one job is atomic. Its result is handed
    out only after the commit: whoever was told something will find it in the books after a kill -9.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="boxoffice-writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.waiting = 0
        """Jobs handed in and not yet answered: the measure of our own overload."""

    async def __aenter__(self) -> Writer:
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    async def run(self, job: Callable[[Books], T]) -> T:
        """Run `job` in a transaction; return its result after the commit. Its own exception comes back alone."""
        assert self._loop is not None, "the writer has not begun"
        done: asyncio.Future[T] = self._loop.create_future()
        self.waiting += 1
        self._jobs.put((job, done))
        try:
            return await done
        finally:
            self.waiting -= 1

    def _work(self) -> None:
        open_ = True
        while open_:
            batch: list[_Job] = []
            job = self._jobs.get()
            while job is not None:
                batch.append(job)
                if len(batch) >= _BATCH:
                    break
                try:
                    job = self._jobs.get_nowait()
                except Empty:
                    break
            open_ = job is not None
            if batch:
                self._commit(batch)

    def _commit(self, batch: list[_Job]) -> None:
        execute = self._connection.execute
        results: list[tuple[asyncio.Future[Any], Any, BaseException | None]] = []
        try:
            execute("begin immediate")
            for job, done in batch:
                execute("savepoint job")
                try:
                    results.append((done, job(self._connection), None))
                except Exception as error:  # noqa: BLE001 - handed to whoever asked for the job
                    execute("rollback to job")
                    results.append((done, None, error))
                execute("release job")
            execute("commit")
        except sqlite3.Error as error:
            # Nothing of this batch is in the books, so nobody may be told that it is.
            if self._connection.in_transaction:
                execute("rollback")
            results = [(done, None, error) for _, done in batch]
        assert self._loop is not None
        self._loop.call_soon_threadsafe(_answer, results)


def _answer(results: list[tuple[asyncio.Future[Any], Any, BaseException | None]]) -> None:
    for done, result, error in results:
        if done.done():
            continue  # the asker has left; what is written stays written
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)
