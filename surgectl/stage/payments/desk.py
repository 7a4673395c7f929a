"""Takes one request through the provider: who are you, is there room, have I answered this before, then pay.

The order is Stripe's (docs.stripe.com/error-low-level): 401 and 429 come before the idempotency layer and may
differ the next time; parameters that do not validate are not stored; once execution began, the result is.
"""

from __future__ import annotations

import asyncio
import logging

import msgspec
from aiohttp import web

from surgectl import chance
from surgectl.clock import Clock
from surgectl.errors import SurgectlError
from surgectl.stage.payments import commands as ask
from surgectl.stage.payments import form
from surgectl.stage.payments.book import Book, Done
from surgectl.stage.payments.browser import admit, seen
from surgectl.stage.payments.deeds import execute
from surgectl.stage.payments.delivery import Answer, hang
from surgectl.stage.payments.describe import describe
from surgectl.stage.payments.door import Door
from surgectl.stage.payments.expand import expanded
from surgectl.stage.payments.faults import Fate, Faults
from surgectl.stage.payments.form import Tree
from surgectl.stage.payments.gates import Locks
from surgectl.stage.payments.idempotency import Memory
from surgectl.stage.payments.later import Later
from surgectl.stage.payments.ledger import Commit, Entry, Stored
from surgectl.stage.payments.objects import Intent
from surgectl.stage.payments.options import Options
from surgectl.stage.payments.pending import Pending
from surgectl.stage.payments.reads import read
from surgectl.stage.payments.refusal import ErrorBody, Refusal, bad_request, error_body
from surgectl.stage.payments.requestlog import Received
from surgectl.stage.payments.routes import read_command, read_deletion
from surgectl.stage.payments.scribe import Scribe
from surgectl.stage.payments.stamp import Stamp
from surgectl.stage.payments.webhooks.courier import Courier
from surgectl.stage.payments.webhooks.deliveries import DeliveryLog
from surgectl.units import NS_PER_S

_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
_LOOK_AGAIN_S = 0.05
_OUR_FAULT = error_body(
    ErrorBody(type="api_error", message="An error occurred internally with the provider. We have been notified.")
)


class Desk:
    """Where the books, the memory, the limits and the faults meet."""

    def __init__(
        self,
        options: Options,
        clock: Clock,
        book: Book,
        memory: Memory,
        faults: Faults,
        scribe: Scribe,
        deliveries: DeliveryLog,
    ) -> None:
        self.options = options
        self._clock = clock
        self._book = book
        self._memory = memory
        self._faults = faults
        self._scribe = scribe
        self._door = Door(options)
        self._locks = Locks(options.lock_wait_ns / NS_PER_S)
        self._count = 0
        self.courier = Courier(book.outbox, deliveries, faults, options, clock, scribe.note_mail)
        self.later = Later(self._decide, clock)

    async def open(self) -> None:
        """Go on with what an earlier life left: letters to post, payments and refunds to decide."""
        await self.courier.open()
        self.later.open(self._book.pending.values())

    async def close(self) -> None:
        await self.later.close()
        await self.courier.close()

    async def forget(self) -> None:
        self.later.forget()
        self._door = Door(self.options)
        await self.courier.forget()

    async def answer(self, request: web.BaseRequest, body: bytes, row: Received, entries: list[Entry]) -> Answer:
        """The reply; what it moved is added to `entries`, what there is to say about it to `row`."""
        posted = row.method == "POST"
        door, inside = self._door, False
        self._count += 1
        try:
            tree: Tree = {}
            unread: Refusal | None = None
            try:
                tree = _read_tree(request, body, posted)
            except Refusal as refusal:
                unread = refusal  # said only to those who may come in
            if posted:
                describe(row, tree, self._book)
            said = tree.get("key")
            browser = door.check_key(request.headers.get("Authorization"), said if isinstance(said, str) else None)
            await door.enter(row.method, row.path, row.at_ns)
            inside = True
            if unread is not None:
                raise unread
            if browser:
                admit(self._book, row.method, row.path, tree)
            if posted:
                answer = await self._post(request, tree, row, entries)
                return answer if not browser else _as_seen(answer)
            if row.method == "DELETE":  # idempotent by nature: the key is ignored
                return await self._execute(request, read_deletion(row.path), tree, None, row, entries)
            answer = await self._get(request, tree, row)
            return answer if not browser else _as_seen(answer)
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
        fate = self._faults.draw("GET", row.path, row.at_ns)
        row.fault = str(fate)
        await self._latency(0.25, fate)
        cut = await _before(request, fate)
        if cut is not None:
            return cut
        return _after(Answer(200, read(self._book, row.path, query), {}), fate)

    async def _post(self, request: web.BaseRequest, tree: Tree, row: Received, entries: list[Entry]) -> Answer:
        row.params = form.fingerprint(row.path, tree)
        key = None if self.options.defect == "no-idempotency" else row.key
        if key is not None:
            now_ns = int(self._clock.wall().timestamp() * NS_PER_S)
            try:
                stored = self._memory.recall(key, row.path, row.params, now_ns)
            except Refusal as refusal:
                if self.options.defect != "twice-captured" or refusal.status != 409:
                    raise
                stored = key = None  # built wrongly: while the first is being worked on, nobody knows of it
            if stored is not None:
                row.replayed = True
                return _replay(stored)
        command = read_command(row.path, tree)
        if key is not None:
            self._memory.begin(key, row.params)
        try:
            return await self._execute(request, command, tree, key, row, entries)
        finally:
            if key is not None:
                self._memory.end(key)

    async def _execute(
        self,
        request: web.BaseRequest,
        command: ask.Command,
        tree: Tree,
        key: str | None,
        row: Received,
        entries: list[Entry],
    ) -> Answer:
        fate = self._faults.draw(row.method, row.path, row.at_ns)
        row.fault = str(fate)
        cut = await _before(request, fate)
        if cut is not None:
            if fate.before == "500-stored":
                self._scribe.keep(key, row, 500, _OUR_FAULT, Commit())
            return cut
        target = self._book.target(command)
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
        self, command: ask.Command, tree: Tree, key: str | None, row: Received, entries: list[Entry], fate: Fate
    ) -> Answer:
        row.executed = True
        stamp = Stamp(self._clock.now_ns(), self._clock.wall(), row.request, row.key, row.params)
        try:
            done = execute(self._book, command, stamp, fate.verdict, fate.refund)
        except Refusal as refusal:
            body = refusal.body()
            row.executed = refusal.executed
            if refusal.executed:
                self._scribe.keep(key, row, refusal.status, body, Commit())
            return _after(Answer(refusal.status, body, {}), fate)
        if isinstance(done.shown, Intent):
            row.payment_intent = done.shown.id
            if row.payment is None:
                row.payment = done.shown.id
        status, body = done.status, self._body(done, tree)
        if fate.after == "500-stored":
            status, body = 500, _OUR_FAULT
        self._scribe.keep(key, row, status, body, done.commit)
        self._tell(done.commit)
        entries += done.commit.entries
        return _after(Answer(status, body, {}), fate)

    def _tell(self, commit: Commit) -> None:
        """Only what is written down is posted, and only that is decided later."""
        if self._book.outbox.fresh:
            self.courier.collect()
        if commit.pending:
            self.later.take(commit.pending)

    async def _decide(self, pending: Pending) -> None:
        """The end of something pending: in the name of the request that began it."""
        command = ask.Settle(pending)
        target = self._book.target(command)
        if target is not None and not await self._locks.take(target):
            await asyncio.sleep(_LOOK_AGAIN_S)
            self.later.take([pending])
            return
        try:
            if self._book.still_pending(pending):
                now = self._clock.wall()
                stamp = Stamp(self._clock.now_ns(), now, pending.request, pending.key, pending.params)
                done = execute(self._book, command, stamp)
                self._scribe.append(done.commit)
                self._tell(done.commit)
        except SurgectlError as error:  # the scribe has said that it is broken: the provider ends
            _log.error("%s", error)
        finally:
            if target is not None:
                self._locks.give(target)

    def _body(self, done: Done, tree: Tree) -> bytes:
        if done.refused is not None:
            return done.refused
        raw = done.shown_raw if done.shown_raw is not None else _encode(done.shown)
        return expanded(self._book, raw, form.listed(tree, "expand")) if "expand" in tree else raw

    async def _latency(self, share: float, fate: Fate) -> None:
        length_s = fate.issuer_ns / NS_PER_S
        if self.options.latency_ns:
            length_s += share * chance.lognormal(
                self.options.latency_ns / NS_PER_S, 0.25, self.options.seed, "payments.latency", self._count
            )
        if length_s > 0:
            await asyncio.sleep(length_s)


def _as_seen(answer: Answer) -> Answer:
    if answer.body:
        answer.body = seen(answer.body)
    return answer


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
