"""Looks at who wants to buy and says clear or deny, the same for the same person every time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web

from surgectl import chance
from surgectl.clock import Clock, SystemClock
from surgectl.errors import UsageError
from surgectl.stage.address import split_address
from surgectl.stage.identity.options import Options
from surgectl.units import NS_PER_S

_BACKLOG = 1024
_LAST_REPLIES_S = 2.0
_BURST_NS = NS_PER_S // 10


class Check(msgspec.Struct, frozen=True):
    """The answer to POST /v1/checks: idempotent by e-mail address, so a check may be repeated at will."""

    id: str
    verdict: str
    """clear or deny"""


class Asked(msgspec.Struct, frozen=True):
    """One request in the log; `at` in epoch seconds, `status` as it was sent."""

    at: float
    method: str
    path: str
    status: int
    email: str | None = None
    verdict: str | None = None


class _Wanted(msgspec.Struct):
    email: str


_wanted = msgspec.json.Decoder(_Wanted)
_encode = msgspec.json.Encoder().encode


class House:
    """Who asks gets a verdict that depends on the address and the seed alone."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._step_ns = round(NS_PER_S / options.rate_per_s) if options.rate_per_s else 0
        self._next_ns = 0
        self.log: list[Asked] = []

    def check(self, email: str) -> Check:
        person = email.strip().casefold()
        number = int.from_bytes(hashlib.blake2b(person.encode(), digest_size=8).digest(), "big")
        denied = chance.unit(self._options.seed, "identity", number) < self._options.deny_share
        return Check(id=f"chk_{number:016x}", verdict="deny" if denied else "clear")

    def _too_many(self) -> bool:
        """A leaky bucket, as the provider's gates are; beyond it a caller is sent away at once."""
        if not self._step_ns:
            return False
        due_ns = max(self._next_ns, self._clock.now_ns())
        if due_ns - self._clock.now_ns() > _BURST_NS:
            return True
        self._next_ns = due_ns + self._step_ns
        return False

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if request.method == "GET" and path == "/_sim/requests":
            return web.Response(body=b"".join(_encode(row) + b"\n" for row in self.log), content_type="text/plain")
        if request.method == "GET" and path == "/healthz":
            return _json(200, {"ok": True})
        if request.method != "POST" or path != "/v1/checks":
            return self._said(request, _json(404, _error("not_found", "POST /v1/checks is all there is")))
        try:
            email = _wanted.decode(await request.read()).email
        except msgspec.MsgspecError as error:
            return self._said(request, _json(400, _error("bad_request", str(error))))
        if self._too_many():
            busy = _json(429, _error("rate_limit", "too many checks at once"), {"Retry-After": "1"})
            return self._said(request, busy, email)
        if self._options.latency_ns:
            await asyncio.sleep(self._options.latency_ns / NS_PER_S)
        check = self.check(email)
        return self._said(request, _json(200, check), email, check.verdict)

    def _said(
        self, request: web.BaseRequest, response: web.Response, email: str | None = None, verdict: str | None = None
    ) -> web.Response:
        at = self._clock.wall().timestamp()
        self.log.append(Asked(at, request.method, request.path, response.status, email, verdict))
        return response


@asynccontextmanager
async def running(options: Options, clock: Clock | None = None) -> AsyncIterator[str]:
    """Open, and close again → its URL. UsageError where the port cannot be had."""
    house = House(options, clock or SystemClock())
    host, port = split_address(options.listen, "--listen")
    runner = web.ServerRunner(web.Server(house.handle, access_log=None), shutdown_timeout=_LAST_REPLIES_S)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port, backlog=_BACKLOG).start()
        except OSError as error:
            raise UsageError(f"cannot listen: {error.strerror}", where=options.listen) from error
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def serve(options: Options, stop: asyncio.Event, ready: Callable[[str], None]) -> None:
    """Answer until `stop` is set; `ready` is called once with the URL."""
    async with running(options) as url:
        ready(url)
        await stop.wait()


def _error(code: str, message: str) -> dict[str, object]:
    return {"error": {"code": code, "message": message}}


def _json(status: int, body: object, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=_encode(body), status=status, content_type="application/json", headers=headers)
