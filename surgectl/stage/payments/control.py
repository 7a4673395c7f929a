"""The provider's back door: its ledger, its request log and its faults, on a port that no proxy stands before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeVar

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from surgectl.clock import Clock
from surgectl.errors import SurgectlError, UsageError
from surgectl.stage.payments.faults import Fault, FaultsRequest
from surgectl.stage.payments.ledger import Entry
from surgectl.stage.payments.provider import Provider
from surgectl.stage.payments.webhooks.outbox import Letter

_encode = msgspec.json.Encoder().encode
_ROWS_A_CHUNK = 1000
T = TypeVar("T")


class Counters(msgspec.Struct, frozen=True):
    """GET /_sim/counters. Money in minor units, all currencies added up; counts since the start or the reset."""

    charges: int
    declined: int
    refunds: int
    captured_minor: int
    refunded_minor: int
    requests: int
    in_flight: int
    posts: int
    replayed: int
    limited: int
    undelivered: int
    intents: int
    ledger: int
    keys: int


class ChargeRow(msgspec.Struct, kw_only=True):
    """GET /_sim/charges: one charge as it stands now, with the key and words that link it to a fan."""

    charge: str
    intent: str | None
    state: str
    authorised_minor: int
    captured_minor: int
    refunded_minor: int = 0
    voided_minor: int = 0
    currency: str
    key: str | None
    request: str
    payment_method: str | None
    receipt_email: str | None
    description: str | None
    metadata: dict[str, str]
    at: str
    at_ns: int
    reply_delivered: bool | None


class RefundRow(msgspec.Struct, kw_only=True):
    """GET /_sim/refunds."""

    refund: str
    charge: str | None
    intent: str | None
    amount_minor: int
    currency: str
    state: str = "succeeded"
    key: str | None
    metadata: dict[str, str]
    at: str


class WebhookRow(msgspec.Struct, kw_only=True):
    """GET /_sim/webhooks: one event for one endpoint, and how its telling goes.

    `state` is waiting, delivered, given-up, dropped (by a fault) or endpoint-deleted; `last_status` is null where
    nothing answered.
    """

    event: str
    type: str
    endpoint: str
    url: str
    created: int
    state: str
    tries: int
    last_status: int | None
    last_error: str | None


class ArmedRow(msgspec.Struct):
    """GET /_sim/faults: a fault in force, the requests it looked at and those it hit."""

    fault: Fault
    seen: int
    hit: int


class _ResetRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    seed: int | None = None


class _SeedRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    seed: int


def control_app(provider: Provider, clock: Clock) -> web.Application:
    """The routes of the control plane; nothing here is ever reached through the API's port."""

    async def ledger(request: web.Request) -> web.StreamResponse:
        return await _rows(request, provider.book.entries)

    async def requests(request: web.Request) -> web.StreamResponse:
        return await _rows(request, provider.log.rows)

    async def charges(request: web.Request) -> web.StreamResponse:
        return await _rows(request, fold_charges(provider.book.entries))

    async def refunds(request: web.Request) -> web.StreamResponse:
        return await _rows(request, fold_refunds(provider.book.entries))

    async def counters(_: web.Request) -> web.Response:
        return _json(count(provider))

    async def reset(request: web.Request) -> web.Response:
        body = await request.read()
        await provider.reset(_read(body or b"{}", _ResetRequest).seed)
        return _json(count(provider))

    async def webhooks(request: web.Request) -> web.StreamResponse:
        return await _rows(request, [_webhook_row(letter) for letter in provider.book.outbox.letters])

    async def show_faults(_: web.Request) -> web.Response:
        return _json([ArmedRow(armed.fault, armed.seen, armed.hit) for armed in provider.faults.armed])

    async def seed(request: web.Request) -> web.Response:
        wanted = _read(await request.read(), _SeedRequest)
        provider.faults.reseed(wanted.seed)
        return _json(wanted)

    async def set_faults(request: web.Request) -> web.Response:
        provider.faults.arm(_read(await request.read(), FaultsRequest), clock.now_ns())
        return await show_faults(request)

    async def clear_faults(request: web.Request) -> web.Response:
        provider.faults.armed = []
        return await show_faults(request)

    app = web.Application(middlewares=[_one_line_errors], client_max_size=1 << 20)
    app.add_routes(
        [
            web.get("/_sim/ledger", ledger),
            web.get("/_sim/requests", requests),
            web.get("/_sim/charges", charges),
            web.get("/_sim/refunds", refunds),
            web.get("/_sim/webhooks", webhooks),
            web.get("/_sim/counters", counters),
            web.post("/_sim/reset", reset),
            web.post("/_sim/seed", seed),
            web.get("/_sim/faults", show_faults),
            web.post("/_sim/faults", set_faults),
            web.delete("/_sim/faults", clear_faults),
        ]
    )
    return app


@web.middleware
async def _one_line_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A request that cannot be meant is told so in one line."""
    try:
        return await handler(request)
    except UsageError as error:
        return web.json_response({"error": str(error)}, status=400)
    except SurgectlError as error:
        return web.json_response({"error": str(error)}, status=500)


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise UsageError(
            str(error), where="request body", hint="see Fault in surgectl/stage/payments/faults.py"
        ) from error


def _json(value: object) -> web.Response:
    return web.Response(body=_encode(value), content_type="application/json")


def count(provider: Provider) -> Counters:
    """The totals now."""
    totals, rows = provider.book.totals, provider.log.rows
    return Counters(
        charges=totals.charges,
        declined=totals.declined,
        refunds=totals.refunds,
        captured_minor=totals.captured_minor,
        refunded_minor=totals.refunded_minor,
        requests=len(rows),
        in_flight=provider.log.in_flight,
        posts=provider.log.posts,
        replayed=provider.log.replayed,
        limited=provider.log.limited,
        undelivered=provider.log.undelivered,
        intents=len(provider.book.intents),
        ledger=len(provider.book.entries),
        keys=len(provider.memory),
    )


def fold_charges(entries: Sequence[Entry]) -> list[ChargeRow]:
    """What each charge came to, in the order in which they were made."""
    rows: dict[str, ChargeRow] = {}
    for entry in entries:
        if entry.charge is None:
            continue
        row = rows.get(entry.charge)
        if row is None:
            row = rows[entry.charge] = ChargeRow(
                charge=entry.charge,
                intent=entry.intent,
                state="processing" if entry.op == "charge.pending" else entry.outcome,
                authorised_minor=entry.amount_minor,
                captured_minor=0,
                currency=entry.currency,
                key=entry.key,
                request=entry.request,
                payment_method=entry.payment_method,
                receipt_email=entry.receipt_email,
                description=entry.description,
                metadata=entry.metadata,
                at=entry.at.isoformat(),
                at_ns=entry.at_ns,
                reply_delivered=entry.reply_delivered,
            )
        row.captured_minor += entry.captured_minor
        row.refunded_minor += entry.refunded_minor
        if entry.op == "charge.captured":
            row.state = "captured"
        elif entry.op == "charge.authorised":
            row.state = "authorised"
        elif entry.op == "charge.failed":
            row.state, row.authorised_minor = "failed", 0
        elif entry.op == "charge.voided":
            row.state, row.voided_minor = "voided", entry.amount_minor
        elif entry.op in ("refund.succeeded", "refund.failed"):
            row.state = "refunded" if row.refunded_minor >= row.captured_minor else "captured"
    return list(rows.values())


def fold_refunds(entries: Sequence[Entry]) -> list[RefundRow]:
    """What each refund came to: `pending`, `succeeded` or `failed`."""
    rows: dict[str, RefundRow] = {}
    for entry in entries:
        if entry.refund is None:
            continue
        row = rows.get(entry.refund)
        if row is None:
            row = rows[entry.refund] = RefundRow(
                refund=entry.refund,
                charge=entry.charge,
                intent=entry.intent,
                amount_minor=entry.amount_minor,
                currency=entry.currency,
                key=entry.key,
                metadata=entry.metadata,
                at=entry.at.isoformat(),
            )
        row.state = entry.op.removeprefix("refund.")
    return list(rows.values())


def _webhook_row(letter: Letter) -> WebhookRow:
    return WebhookRow(
        event=letter.event.id,
        type=letter.event.type,
        endpoint=letter.endpoint.id,
        url=letter.endpoint.url,
        created=letter.event.created,
        state=letter.state,
        tries=letter.tries,
        last_status=letter.last_status,
        last_error=letter.last_error,
    )


async def _rows(request: web.Request, rows: Sequence[msgspec.Struct]) -> web.StreamResponse:
    """NDJSON of the rows after the `after`-th, at most `limit`; X-Total-Count is how many there were in all."""
    total = len(rows)
    first = min(_number(request, "after", 0), total)
    last = min(first + _number(request, "limit", total), total)
    response = web.StreamResponse(
        headers={"Content-Type": "application/x-ndjson", "X-Total-Count": str(total), "X-Next-After": str(last)}
    )
    await response.prepare(request)
    for at in range(first, last, _ROWS_A_CHUNK):
        chunk = rows[at : min(at + _ROWS_A_CHUNK, last)]
        await response.write(b"".join(_encode(row) + b"\n" for row in chunk))
        await asyncio.sleep(0)  # payments go on while somebody reads a long ledger
    await response.write_eof()
    return response


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"{name}={text[:40]} is not a whole number", where=request.path, hint=f"try {name}=100")
    return int(text)
