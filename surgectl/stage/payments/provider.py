"""Takes each request through the provider: who are you, is there room, have I answered this before, then pay.

The order is Stripe's (docs.stripe.com/error-low-level): 401 and 429 come before the idempotency layer and may
differ the next time; parameters that do not validate are not stored; once execution began, the result is.
"""

from __future__ import annotations

import asyncio
import logging

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from surgectl import chance
from surgectl.clock import Clock
from surgectl.errors import SurgectlError
from surgectl.stage.payments import form
from surgectl.stage.payments.book import Book, Done
from surgectl.stage.payments.commands import Command
from surgectl.stage.payments.deeds import execute
from surgectl.stage.payments.delivery import Answer, deliver, hang
from surgectl.stage.payments.describe import describe
from surgectl.stage.payments.door import Door
from surgectl.stage.payments.entries import Stamp
from surgectl.stage.payments.faults import Fate, Faults
from surgectl.stage.payments.form import Tree
from surgectl.stage.payments.gates import Locks
from surgectl.stage.payments.idempotency import Memory
from surgectl.stage.payments.ledger import AppendFile, Commit, Entry, Mail, Stored, read_commits
from surgectl.stage.payments.objects import Intent
from surgectl.stage.payments.options import Options
from surgectl.stage.payments.reads import encode_intent, read
from surgectl.stage.payments.refusal import ErrorBody, Refusal, bad_request, error_body
from surgectl.stage.payments.requestlog import Received, RequestLog
from surgectl.stage.payments.routes import read_command, read_deletion
from surgectl.stage.payments.webhooks.courier import Courier
from surgectl.units import NS_PER_S

_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
_SHORT_MEMORY_NS = NS_PER_S
_SAVE_EVERY_S = 0.2
_OUR_FAULT = error_body(
    ErrorBody(type="api_error", message="An error occurred internally with the provider. We have been notified.")
)


class Provider:
    """One simulated payment provider: books, memory, limits, faults and logs."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self.options = options
        self._clock = clock
        data = options.data
        self.book = Book(options.seed, options.defect)
        self.memory = Memory(_SHORT_MEMORY_NS if options.defect == "short-memory" else options.key_ttl_ns)
        self.faults = Faults(options.seed)
        self.log = RequestLog(data / "requests.ndjson" if data else None)
        self._ledger = AppendFile(data / "ledger.ndjson" if data else None)
        # Set to the error when the ledger cannot be written any more: then nothing may be answered.
        self.broken: asyncio.Future[SurgectlError] = asyncio.get_running_loop().create_future()
        self._door = Door(self.options)
        self._locks = Locks(options.lock_wait_ns / NS_PER_S)
        self._count = 0
        # Ids of requests differ from those of an earlier life, whose last ones may be lost with it.
        self._life = f"{int(clock.wall().timestamp() * 1000):x}"
        self._marks: list[Entry] = []
        self._mail: list[Mail] = []
        self._courier = Courier(self.book.outbox, self.faults, options, clock, self._mail.append)
        self._saver: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Provider:
        if self._ledger.path is not None:
            for line in read_commits(self._ledger.path):
                if line.reset:
                    self.memory.forget()
                self.book.replay(line)
                if line.stored is not None:
                    self.memory.store(line.stored)
        self._ledger.open()
        self.log.open()
        await self._courier.__aenter__()
        self._saver = asyncio.create_task(self._save_now_and_then())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._saver is not None:
            self._saver.cancel()
            await asyncio.gather(self._saver, return_exceptions=True)
        await self._courier.__aexit__(None, None, None)
        self._save()
        self._ledger.close()
        self.log.close()

    async def reset(self, seed: int | None) -> None:
        """Forget every object, key, webhook endpoint, log line and fault, here and on disk."""
        await self._courier.forget()
        if seed is not None:
            self.faults.reseed(seed)
        self.faults.armed = []
        self._marks.clear()
        self._mail.clear()
        self.book.reset()
        self.memory.forget()
        self.log.forget()
        self._door = Door(self.options)
        self._append(Commit(reset=True))

    # -- one request ----------------------------------------------------------------------------------

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
            answer = await self._answer(request, body, row, entries)
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
                self._marks += entries

    async def _answer(self, request: web.BaseRequest, body: bytes, row: Received, entries: list[Entry]) -> Answer:
        posted = row.method == "POST"
        door, inside = self._door, False
        try:
            tree: Tree = {}
            unread: Refusal | None = None
            try:
                tree = _read_tree(request, body, posted)
            except Refusal as refusal:
                unread = refusal  # said only to those who may come in
            if posted:
                describe(row, tree, self.book)
            door.check_key(request.headers.get("Authorization"))
            await door.enter(row.method, row.path, row.at_ns)
            inside = True
            if unread is not None:
                raise unread
            if posted:
                return await self._post(request, tree, row, entries)
            if row.method == "DELETE":  # idempotent by nature: the key is ignored
                return await self._execute(request, read_deletion(row.path), tree, None, row, entries)
            return await self._get(request, tree, row)
        except Refusal as refusal:
            return Answer(refusal.status, refusal.body(), dict(refusal.headers))
        except SurgectlError as error:
            _log.error("%s", error)
            return Answer(500, _OUR_FAULT, {}, after="reset")
        finally:
            if inside:
                door.leave()

    async def _get(self, request: web.BaseRequest, query: Tree, row: Received) -> Answer:
        if row.method != "GET":
            raise Refusal(405, "invalid_request_error", f"Method not allowed ({row.method}: {row.path}).")
        fate = self.faults.draw("GET", row.path, row.at_ns)
        row.fault = str(fate)
        await self._latency(0.25, fate)
        cut = await _before(request, fate)
        if cut is not None:
            return cut
        return _after(Answer(200, read(self.book, row.path, query), {}), fate)

    async def _post(self, request: web.BaseRequest, tree: Tree, row: Received, entries: list[Entry]) -> Answer:
        row.params = form.fingerprint(row.path, tree)
        key = None if self.options.defect == "no-idempotency" else row.key
        if key is not None:
            stored = self.memory.recall(key, row.path, row.params, self._wall_ns())
            if stored is not None:
                row.replayed = True
                return _replay(stored)
        command = read_command(row.path, tree)
        if key is not None:
            self.memory.begin(key, row.params)
        try:
            return await self._execute(request, command, tree, key, row, entries)
        finally:
            if key is not None:
                self.memory.end(key)

    async def _execute(
        self,
        request: web.BaseRequest,
        command: Command,
        tree: Tree,
        key: str | None,
        row: Received,
        entries: list[Entry],
    ) -> Answer:
        fate = self.faults.draw(row.method, row.path, row.at_ns)
        row.fault = str(fate)
        cut = await _before(request, fate)
        if cut is not None:
            if fate.before == "500-stored":
                self._keep(key, row, 500, _OUR_FAULT, Commit())
            return cut
        target = self.book.target(command)
        if target is not None and not await self._locks.take(target):
            raise Refusal(
                429,
                "invalid_request_error",
                "This object cannot be accessed right now because another API request or Stripe process is currently "
                "accessing it. If you see this error intermittently, retry the request.",
                code="lock_timeout",
                headers={"Stripe-Should-Retry": "true"},
            )
        try:
            await self._latency(1.0, fate)
            # From here to the written line there is no await: a charge and its stored result are one step.
            return self._commit(command, tree, key, row, entries, fate)
        finally:
            if target is not None:
                self._locks.give(target)

    def _commit(
        self, command: Command, tree: Tree, key: str | None, row: Received, entries: list[Entry], fate: Fate
    ) -> Answer:
        row.executed = True
        stamp = Stamp(self._clock.now_ns(), self._clock.wall(), row.request, row.key, row.params)
        try:
            done = execute(self.book, command, stamp, fate.decline)
        except Refusal as refusal:
            body = refusal.body()
            if refusal.executed:
                self._keep(key, row, refusal.status, body, Commit())
            return _after(Answer(refusal.status, body, {}), fate)
        if isinstance(done.shown, Intent):
            row.payment_intent = done.shown.id
            if row.payment is None:
                row.payment = done.shown.id
        status, body = done.status, self._body(done, tree)
        if fate.after == "500-stored":
            status, body = 500, _OUR_FAULT
        self._keep(key, row, status, body, done.commit)
        if self.book.outbox.fresh:
            self._courier.collect()
        entries += done.commit.entries
        return _after(Answer(status, body, {}), fate)

    def _body(self, done: Done, tree: Tree) -> bytes:
        if done.refused is not None:
            return done.refused
        if "expand" in tree and isinstance(done.shown, Intent):
            return encode_intent(self.book, done.shown, form.listed(tree, "expand"))
        return done.shown_raw if done.shown_raw is not None else _encode(done.shown)

    def _keep(self, key: str | None, row: Received, status: int, body: bytes, commit: Commit) -> None:
        """Write down what happened and what the key is answered with, before anybody hears of it."""
        if key is not None and row.params is not None:
            stored = Stored(key, row.params, row.path, self._wall_ns(), row.request, status, body.decode())
            self.memory.store(stored)
            commit.stored = stored
        self._append(commit)

    def _append(self, commit: Commit) -> None:
        if self._ledger.path is None:
            return
        try:
            self._ledger.append(_encode(commit) + b"\n")
        except OSError as error:
            problem = SurgectlError(
                f"the ledger cannot be written: {error.strerror}", where=str(self._ledger.path), hint="free some disk"
            )
            if not self.broken.done():
                self.broken.set_result(problem)
            raise problem from error

    # -- keeping --------------------------------------------------------------------------------------

    async def _latency(self, share: float, fate: Fate) -> None:
        length_s = fate.issuer_ns / NS_PER_S
        if self.options.latency_ns:
            length_s += share * chance.lognormal(
                self.options.latency_ns / NS_PER_S, 0.25, self.options.seed, "payments.latency", self._count
            )
        if length_s > 0:
            await asyncio.sleep(length_s)

    def _wall_ns(self) -> int:
        return int(self._clock.wall().timestamp() * NS_PER_S)

    async def _save_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(_SAVE_EVERY_S)
            self._save()

    def _save(self) -> None:
        """Delivery marks and request lines go to disk in batches: they explain, they do not decide."""
        try:
            if self._marks or self._mail:
                marks, self._marks = self._marks, []
                commit = Commit(
                    delivered=[entry.seq for entry in marks if entry.reply_delivered],
                    undelivered=[entry.seq for entry in marks if not entry.reply_delivered],
                    mail=self._mail,
                )
                self._append(commit)
                self._mail.clear()
            self.log.save()
        except (OSError, SurgectlError) as error:
            _log.error("request log not saved: %s", error)
            if not self.broken.done():
                self.broken.set_result(SurgectlError(f"the request log cannot be written: {error}"))


def _read_tree(request: web.BaseRequest, body: bytes, posted: bool) -> Tree:
    if not posted:
        return form.read_form(request.query_string)
    if not body:
        return {}
    if "json" in request.headers.get("Content-Type", ""):
        return form.read_json(body)
    try:
        return form.read_form(body.decode())
    except UnicodeDecodeError as error:
        raise bad_request("The request body is not valid UTF-8.") from error


def _replay(stored: Stored) -> Answer:
    headers = {"Idempotent-Replayed": "true", "Original-Request": stored.request}
    if stored.status >= 500:
        headers["Stripe-Should-Retry"] = "false"  # the same key will be told the same for ever
    return Answer(stored.status, stored.body.encode(), headers)


async def _before(request: web.BaseRequest, fate: Fate) -> Answer | None:
    """The fault before anything is paid; an answer where it ends the request."""
    if fate.before is None:
        return None
    if fate.before == "hang":
        await hang(request, fate.before_ns)
        return Answer(0, b"", {}, after="hang")
    if fate.before_ns:
        await asyncio.sleep(fate.before_ns / NS_PER_S)
    if fate.before == "delay":
        return None
    if fate.before == "reset":
        return Answer(0, b"", {}, after="reset")
    return Answer(500, _OUR_FAULT, {})


def _after(answer: Answer, fate: Fate) -> Answer:
    if fate.after == "500":
        answer.status, answer.body = 500, _OUR_FAULT
    answer.after, answer.after_ns = fate.after, fate.after_ns
    return answer
