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
from surgectl.stage.payments.provider import Provider
from surgectl.stage.payments.views import count, fold_charges, fold_refunds, show_letter

_encode = msgspec.json.Encoder().encode
_ROWS_A_CHUNK = 1000
T = TypeVar("T")


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
        return await _rows(request, [show_letter(letter) for letter in provider.book.outbox.letters])

    async def deliveries(request: web.Request) -> web.StreamResponse:
        return await _rows(request, provider.deliveries.rows)

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
            web.get("/_sim/deliveries", deliveries),
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
