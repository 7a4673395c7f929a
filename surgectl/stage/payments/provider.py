"""The provider as one thing: opened from its ledger, asked over HTTP, and closed again."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from surgectl.clock import Clock
from surgectl.errors import SurgectlError
from surgectl.stage.payments.book import Book
from surgectl.stage.payments.delivery import deliver
from surgectl.stage.payments.desk import Desk
from surgectl.stage.payments.faults import Faults
from surgectl.stage.payments.idempotency import Memory
from surgectl.stage.payments.ledger import Entry
from surgectl.stage.payments.options import Options
from surgectl.stage.payments.requestlog import Received, RequestLog
from surgectl.stage.payments.scribe import Scribe
from surgectl.stage.payments.webhooks.deliveries import DeliveryLog
from surgectl.units import NS_PER_S

_log = logging.getLogger(__name__)
_SHORT_MEMORY_NS = NS_PER_S // 5


class Provider:
    """One simulated payment provider: books, memory, limits, faults and logs."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self._clock = clock
        self.book = Book(options)
        self.memory = Memory(_SHORT_MEMORY_NS if options.defect == "short-memory" else options.key_ttl_ns)
        self.faults = Faults(options.seed)
        self.log = RequestLog(options.data / "requests.ndjson" if options.data else None)
        self.deliveries = DeliveryLog(options.data / "deliveries.ndjson" if options.data else None)
        self._scribe = Scribe(options, clock, self.memory, self.log)
        self._desk = Desk(options, clock, self.book, self.memory, self.faults, self._scribe, self.deliveries)
        self._count = 0
        # Ids of requests differ from those of an earlier life, whose last ones may be lost with it.
        self._life = f"{int(clock.wall().timestamp() * 1000):x}"

    @property
    def broken(self) -> asyncio.Future[SurgectlError]:
        """Set to the error when the ledger cannot be written any more: then nothing may be answered."""
        return self._scribe.broken

    async def __aenter__(self) -> Provider:
        self._scribe.open(self.book)
        self.deliveries.open()
        await self._desk.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._desk.close()
        await self._scribe.close()
        self.deliveries.close()

    async def reset(self, seed: int | None) -> None:
        """Forget every object, key, webhook endpoint, log line and fault, here and on disk."""
        await self._desk.forget()
        if seed is not None:
            self.faults.reseed(seed)
        self.faults.armed = []
        self.book.reset()
        self.deliveries.forget()
        self._scribe.forget()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whole: a caller who goes away does not stop it, and is noted as gone."""
        clock, headers = self._clock, request.headers
        self._count += 1
        row = Received(
            at_ns=clock.now_ns(),
            at=clock.wall(),
            request=f"req_{self._life}{self._count:07d}",
            method=request.method,
            path=request.path,
            key=headers.get("Idempotency-Key"),
        )
        entries: list[Entry] = []
        log, generation = self.log, self.book.generation
        log.in_flight += 1
        try:
            try:
                body = await request.read()
            except (ConnectionError, HttpProcessingError, web.HTTPRequestEntityTooLarge) as error:
                # Cut on its way to us: nothing was begun, and whoever could be told has gone.
                _log.info("%s %s never arrived whole: %s", row.method, row.path, type(error).__name__)
                return web.Response(status=413 if isinstance(error, web.HTTPException) else 400)
            answer = await self._desk.answer(request, body, row, entries)
            row.status = answer.status
            answer.headers["Request-Id"] = row.request
            answer.headers["Content-Type"] = "application/json"
            if row.key is not None:
                answer.headers["Idempotency-Key"] = row.key
            response, row.reply = await deliver(request, answer)
            return response
        finally:
            row.done_ns = clock.now_ns()
            log.in_flight -= 1
            log.note(row)
            if entries and generation == self.book.generation:
                delivered = row.reply == "written"
                for entry in entries:
                    entry.reply_delivered = delivered
                self._scribe.note_replies(entries)
