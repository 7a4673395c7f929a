"""Writes the ledger: what was done and what its key is answered with, before anybody hears of it."""

from __future__ import annotations

import asyncio
import logging

import msgspec

from surgectl.clock import Clock
from surgectl.errors import SurgectlError
from surgectl.stage.payments.book import Book
from surgectl.stage.payments.idempotency import Memory
from surgectl.stage.payments.ledger import AppendFile, Commit, Entry, Mail, Stored, read_commits
from surgectl.stage.payments.options import Options
from surgectl.stage.payments.requestlog import Received, RequestLog
from surgectl.units import NS_PER_S

_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
_SAVE_EVERY_S = 0.2


class Scribe:
    """One ledger file. `broken` is set where it cannot be written any more: then nothing may be answered."""

    def __init__(self, options: Options, clock: Clock, memory: Memory, log: RequestLog) -> None:
        self._ledger = AppendFile(options.data / "ledger.ndjson" if options.data else None)
        self._clock = clock
        self._memory = memory
        self._log = log
        self.broken: asyncio.Future[SurgectlError] = asyncio.get_running_loop().create_future()
        self._replied: list[Entry] = []
        self._mail: list[Mail] = []
        self._saver: asyncio.Task[None] | None = None

    def open(self, book: Book) -> None:
        """Read back what an earlier process wrote, and go on after it."""
        if self._ledger.path is not None:
            for line in read_commits(self._ledger.path):
                if line.reset:
                    self._memory.forget()
                book.replay(line)
                if line.stored is not None:
                    self._memory.store(line.stored)
        self._ledger.open()
        self._log.open()
        self._saver = asyncio.create_task(self._save_now_and_then())

    async def close(self) -> None:
        if self._saver is not None:
            self._saver.cancel()
            await asyncio.gather(self._saver, return_exceptions=True)
        self._save()
        self._ledger.close()
        self._log.close()

    def keep(self, key: str | None, row: Received, status: int, body: bytes, commit: Commit) -> None:
        """One line: the movements, the objects and the key's answer stand or fall together."""
        if key is not None and row.params is not None:
            at_ns = int(self._clock.wall().timestamp() * NS_PER_S)
            stored = Stored(key, row.params, row.path, at_ns, row.request, status, body.decode())
            self._memory.store(stored)
            commit.stored = stored
        self.append(commit)

    def append(self, commit: Commit) -> None:
        """SurgectlError where the line cannot be written."""
        if self._ledger.path is None:
            return
        try:
            self._ledger.append(_encode(commit) + b"\n")
        except OSError as error:
            problem = SurgectlError(
                f"the ledger cannot be written: {error.strerror}", where=str(self._ledger.path), hint="free some disk"
            )
            self._break(problem)
            raise problem from error

    def note_replies(self, entries: list[Entry]) -> None:
        """Whether the replies about these got through is written with the next batch."""
        self._replied += entries

    def note_mail(self, mail: Mail) -> None:
        """So is how a webhook's letter ended: a kill before it means that the letter is sent once more."""
        self._mail.append(mail)

    def forget(self) -> None:
        self._replied.clear()
        self._mail.clear()
        self._memory.forget()
        self._log.forget()
        self.append(Commit(reset=True))

    def _break(self, problem: SurgectlError) -> None:
        if not self.broken.done():
            self.broken.set_result(problem)

    async def _save_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(_SAVE_EVERY_S)
            self._save()

    def _save(self) -> None:
        """Delivery marks and request lines go to disk in batches: they explain, they do not decide."""
        try:
            if self._replied or self._mail:
                replied, self._replied = self._replied, []
                mail, self._mail = self._mail, []
                self.append(
                    Commit(
                        delivered=[entry.seq for entry in replied if entry.reply_delivered],
                        undelivered=[entry.seq for entry in replied if not entry.reply_delivered],
                        mail=mail,
                    )
                )
            self._log.save()
        except (OSError, SurgectlError) as error:
            _log.error("request log not saved: %s", error)
            self._break(SurgectlError(f"the request log cannot be written: {error}"))
