"""One clerk writes in the books: everything that waited meanwhile goes in together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from surgectl import chance
from surgectl.clock import Clock
from surgectl.stage.boxoffice.books.protocol import Archive, Books, Connection
from surgectl.stage.boxoffice.books.trouble import BooksAway, BooksError, BooksUnknown, Trouble, Unwritable

T = TypeVar("T")
_BATCH = 512
_BATCH_NS = 50_000_000
_QUEUE = 2000
_CONFLICTS = 5
_LOOK_S = 0.02
_PAUSE_LEAST_S, _PAUSE_MOST_S = 0.05, 1.0
_LEAVE_S = 5.0

log = logging.getLogger("surgectl.stage.boxoffice")


class _Job:
    """A job, who waits for its result, and since when. `patient`: it comes back until it is written."""

    __slots__ = ("done", "patient", "since_ns", "work")

    def __init__(self, work: Callable[[Books], Any], done: asyncio.Future[Any], patient: bool, since_ns: int) -> None:
        self.work = work
        self.done = done
        self.patient = patient
        self.since_ns = since_ns


_Answer = tuple[_Job, Any, BaseException | None]


class Writer:
    """Runs write jobs one after another in its own thread, many to a transaction (group commit).

    A job sees all jobs before it, and no other process writes meanwhile, so checking and acting inside one job
    is atomic. Its result is handed out only after the commit: whoever was told something will find it in the
    books after a kill -9. A job must be a function of the books alone: where two writers meet, or the connection
    breaks before the commit was sent, it is run again, or never was.

    For fans there is `run`: it fails, soon, with BooksAway (nothing was written) or BooksUnknown (nobody knows).
    For the shop's own decisions there is `run_until_written`: it does not fail with either, it repeats.

    `patience_ns`: so long the database may keep silent before fans are sent away; five times that may a fan's job
    wait in line. `give_up_ns`: after so long a silence the connection is cut and made anew.
    """

    def __init__(self, archive: Archive, clock: Clock, patience_ns: int, give_up_ns: int) -> None:
        self._archive = archive
        self._clock = clock
        self._patience_ns = patience_ns
        self._give_up_ns = give_up_ns
        self._thread = threading.Thread(target=self._work, name="boxoffice-writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._there = asyncio.Event()
        # Between the loop and the thread; all below is looked at and changed under `_changed`.
        self._changed = threading.Condition()
        self._own: deque[_Job] = deque()
        self._fans: deque[_Job] = deque()
        self._batch: list[_Job] = []  # in hand, and not on its way to be committed
        self._committing = False
        self._abandoned = False
        self._ending = False
        self._connection: Connection | None = None
        self._failures = 0
        self._reached = True
        self._prompt = True
        self.waiting = 0
        """Fans' jobs handed in and not yet answered: the measure of our own overload."""
        self.away = ""
        """Why the books cannot be written now; empty while they can."""

    async def __aenter__(self) -> Writer:
        self._loop = asyncio.get_running_loop()
        self._there.set()
        self._thread.start()
        self._watcher = self._loop.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        with self._changed:
            self._ending = True
            self._changed.notify()
        # A hung database must not keep the shop from closing: the watcher cuts the connection, the rest is its own.
        await asyncio.to_thread(self._thread.join, _LEAVE_S + self._give_up_ns / 1e9)
        if self._watcher is not None:
            self._watcher.cancel()

    async def run(self, job: Callable[[Books], T]) -> T:
        """Run `job` in a transaction; return its result after the commit. Its own exception comes back alone.

        BooksAway: nothing was written, and nothing will be. BooksUnknown: the commit was not answered.
        """
        if self.away:
            raise BooksAway(self.away)
        with self._changed:
            behind = self._fans and self._clock.now_ns() - self._fans[0].since_ns > 5 * self._patience_ns
            if behind or len(self._fans) >= _QUEUE:
                raise BooksAway("the clerk is behind")
        self.waiting += 1
        try:
            return await self._hand_in(job, patient=False)
        finally:
            self.waiting -= 1

    async def run_until_written(self, job: Callable[[Books], T]) -> T:
        """For what must not be lost: as `run`, but while the books are away or their answer is lost it waits and
        runs `job` again, until it is known to be written. Never BooksAway, never BooksUnknown.

        So `job` must be idempotent: it may find that it has been done already, by itself. It goes before fans.
        Cancelled (the shop closes), it may or may not have been done; whoever reads the books next will see.
        """
        while True:
            await self._there.wait()
            try:
                return await self._hand_in(job, patient=True)
            except (BooksAway, BooksUnknown) as why:
                log.info("written again when the books are back: %s", why)
                await asyncio.sleep(_LOOK_S)  # the thread may not have noticed yet that they are away

    async def _hand_in(self, job: Callable[[Books], T], patient: bool) -> T:
        assert self._loop is not None, "the writer has not begun"
        done: asyncio.Future[T] = self._loop.create_future()
        with self._changed:
            if self._ending:
                raise BooksAway("the shop is closing")
            (self._own if patient else self._fans).append(_Job(job, done, patient, self._clock.now_ns()))
            self._changed.notify()
        return await done

    # -- in the loop: nobody is left standing at the counter ----------------------------------------------------

    async def _watch(self) -> None:
        """Send fans away while the database is silent, and end a silence that lasts. Until cancelled."""
        suspect_ns = 0
        while True:
            await asyncio.sleep(_LOOK_S)
            now_ns = self._clock.now_ns()
            sent_away: list[_Job] = []
            connection = self._connection
            since_ns = connection.waiting_since_ns if connection is not None else 0
            silent_ns = now_ns - since_ns if since_ns else 0
            with self._changed:
                if silent_ns > self._patience_ns and not self.away and since_ns == suspect_ns:
                    self._lost("the database does not answer")
                # Seen twice: where this whole process was asleep, the answer is there and nobody has looked yet.
                suspect_ns = since_ns if silent_ns > self._patience_ns else 0
                if self.away:
                    if fans := [job for job in self._batch if not job.patient]:
                        # Under the lock that the commit needs too: what is abandoned here is never committed.
                        self._abandoned = True
                        sent_away += fans
                    sent_away += self._fans
                    self._fans.clear()
                while self._fans and now_ns - self._fans[0].since_ns > 10 * self._patience_ns:
                    sent_away.append(self._fans.popleft())
            why = self.away or "the clerk is behind"
            _answer([(job, None, BooksAway(why)) for job in sent_away])
            if silent_ns > self._give_up_ns and connection is not None:
                connection.cut()

    def _lost(self, why: str) -> None:
        """Under the lock. Fans are refused at the door from now on."""
        if not self.away:
            log.warning("the books are away: %s", why)
        self.away = why

    def _lose(self, why: str) -> None:
        self._reached = False
        with self._changed:
            self._lost(why)

    def _back(self) -> None:
        """Something was written. Fans are let in again once that does not take longer than they may wait."""
        self._reached = True
        if self.away and self._prompt:
            log.warning("the books are back")
            with self._changed:
                self.away = ""
                self._failures = 0

    # -- in the thread -------------------------------------------------------------------------------------

    def _work(self) -> None:
        while (batch := self._next()) is not None:
            try:
                answers = self._write(batch)
            except BooksError as why:
                answers = [(job, None, why) for job in batch]
                if self._failures or self._connection is None:
                    self._lose(str(why))
            except BaseException as error:  # noqa: BLE001 - a clerk that dies in silence would hang every fan
                log.exception("the clerk stumbled")
                answers = [(job, None, error) for job in batch]
                self._drop()
            else:
                if self._connection is not None:
                    self._back()
            with self._changed:
                self._batch, self._abandoned = [], False
            self._tell(answers)
        self._drop()
        with self._changed:
            left = [*self._own, *self._fans]
            self._own.clear()
            self._fans.clear()
        self._tell([(job, None, BooksAway("the shop is closing")) for job in left])

    def _next(self) -> list[_Job] | None:
        """The jobs of the next transaction; empty, while the books are away: a trial. None: the end."""
        with self._changed:
            if self.away and not self._ending:
                self._changed.wait(self._pause_s())
            while not (self._own or self._fans or self._ending or self.away):
                self._changed.wait()
            if self._ending and (self.away or not (self._own or self._fans)):
                return None
            batch: list[_Job] = []
            for queue in (self._own, self._fans):
                while queue and len(batch) < _BATCH:
                    batch.append(queue.popleft())
            return batch

    def _pause_s(self) -> float:
        """Full jitter, so that several shops do not come back to one database at one instant."""
        most_s = min(_PAUSE_MOST_S, _PAUSE_LEAST_S * (1 << min(self._failures, 10)))
        return most_s * (0.5 + 0.5 * chance.unit(self._clock.now_ns(), "books-back-off"))

    def _write(self, batch: list[_Job]) -> list[_Answer]:
        """All of it in one transaction → what to tell each. BooksError: true for every job of the batch."""
        for _ in range(_CONFLICTS):
            connection = self._open()
            self._committing = False
            with self._changed:
                self._batch = batch
            try:
                return self._commit(connection, batch)
            except Exception as error:
                trouble = connection.judge(error)
                if isinstance(error, BooksError):
                    raise
                if trouble is Trouble.GONE:
                    self._drop()
                    self._failures += 1
                    if self._committing:
                        raise BooksUnknown(_line(error)) from error
                    raise BooksAway(_line(error)) from error
                connection.rollback()
                if trouble is Trouble.AGAIN:
                    continue
                if trouble is Trouble.BUSY:
                    self._failures += 1
                    raise BooksAway(_line(error)) from error
                if len(batch) == 1:
                    what = Unwritable(_line(error)) if trouble is Trouble.GUILTY else error
                    return [(batch[0], None, what)]
                return self._one_by_one(batch)
        raise BooksAway("other writers were always faster")

    def _one_by_one(self, batch: list[_Job]) -> list[_Answer]:
        answers: list[_Answer] = []
        for count, job in enumerate(batch):
            try:
                answers += self._write([job])
            except BooksError as why:
                answers.append((job, None, why))
                if self._connection is None:
                    self._lose(str(why))
                    return answers + [(other, None, BooksAway(str(why))) for other in batch[count + 1 :]]
        return answers

    def _commit(self, connection: Connection, batch: list[_Job]) -> list[_Answer]:
        answers: list[_Answer] = []
        connection.begin()
        until_ns = self._clock.now_ns() + _BATCH_NS
        for count, job in enumerate(batch):
            if count and self._clock.now_ns() > until_ns:
                self._put_back(batch, count)
                break
            if job.done.cancelled():
                continue  # the asker has left before anything was done
            connection.begin_job()
            try:
                answers.append((job, job.work(connection), None))
            except Exception as error:
                if connection.judge(error) is not Trouble.NONE:
                    raise
                connection.undo_job()
                answers.append((job, None, error))
            else:
                connection.end_job()
        with self._changed:
            if self._abandoned:
                connection.rollback()
                raise BooksAway(self.away or "the database was silent for too long")
            self._batch = []  # from here on it cannot be abandoned: somebody may read it in the books
        self._committing = True
        sent_ns = self._clock.now_ns()
        connection.commit()
        self._prompt = self._clock.now_ns() - sent_ns < self._patience_ns
        return answers

    def _put_back(self, batch: list[_Job], count: int) -> None:
        """A transaction that lasts keeps those waiting whose work is done: the rest goes into the next one."""
        with self._changed:
            for job in reversed(batch[count:]):
                (self._own if job.patient else self._fans).appendleft(job)
            del batch[count:]

    def _open(self) -> Connection:
        if self._connection is None:
            try:
                self._connection = self._archive.connect()
            except BooksAway:
                self._failures += 1
                raise
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _tell(self, answers: list[_Answer]) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody is left to be told
            self._loop.call_soon_threadsafe(self._told, answers)

    def _told(self, answers: list[_Answer]) -> None:
        if self._reached:
            self._there.set()  # slow perhaps, but it writes: what must not be lost goes in
        else:
            self._there.clear()
        _answer(answers)


def _answer(answers: list[_Answer]) -> None:
    for job, result, error in answers:
        if job.done.done():
            continue  # the asker has left; what is written stays written
        if error is None:
            job.done.set_result(result)
        else:
            job.done.set_exception(error)


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
