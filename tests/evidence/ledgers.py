"""A real HTTP server whose answers a test decides, and a target that reads it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from surgectl.evidence.reading import Patience
from surgectl.profile.target import Target

QUICK = Patience(timeout_ns=2_000_000_000, tries=3, backoff_ns=1_000_000)

TORN = object()
"""An answer that ends in the middle of its body."""

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Answers every request with `answer`, and remembers what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[Any] = []
        self.answer: Callable[[web.Request, int], Any] = lambda request, number: []
        """(request, its number from 0) → a JSON document, or a whole response."""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        number = len(self.asked)
        self.asked.append(request.path_qs)
        self.headers.append(dict(request.headers))
        body = await request.read()
        self.bodies.append(_read(body, request.content_type) if body else None)
        found = self.answer(request, number)  # type: ignore[arg-type]  # a BaseRequest has all that the tests read
        if found is TORN:
            return await _torn(request)
        if isinstance(found, web.StreamResponse):
            return found
        return web.json_response(found)


def _read(body: bytes, content_type: str) -> Any:
    return dict(parse_qsl(body.decode())) if "urlencoded" in content_type else msgspec.json.decode(body)


async def _torn(request: web.BaseRequest) -> web.StreamResponse:
    reply = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
    await reply.prepare(request)
    await reply.write(b'{"data": [')
    assert request.transport is not None
    request.transport.close()
    return reply


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """A server on a free port of the loopback."""
    server = Server()
    runner = web.ServerRunner(web.Server(server.handle))
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        host, port = runner.addresses[0][:2]
        server.url = f"{'https' if tls else 'http'}://{host}:{port}"
        yield server
    finally:
        await runner.cleanup()


def target(base_url: str, evidence: dict[str, Any], **more: Any) -> Target:
    """A target with books and without a journey."""
    fields = {"surgectl-target": 1, "name": "t", "base_url": base_url, "journey": [], "evidence": evidence, **more}
    return msgspec.convert(fields, Target, dec_hook=_value)


def _value(kind: type, value: Any) -> Any:
    """Values with a unit, from text or as they are."""
    return kind.parse(value) if isinstance(value, str) else kind(value)  # type: ignore[attr-defined]  # of profile/values


def order_rows(first: int, last: int) -> list[dict[str, Any]]:
    """Raw orders `first` … `last - 1`."""
    return [{"order": f"o{number}", "state": "valid", "id": number} for number in range(first, last)]
