"""A tiny shop that remembers what it was asked with, and the collectors that hear of its rehearsal: real HTTP, in a
thread of this process."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TARGET = """\
surgectl-target: 1
name: street
base_url: "{shop}"
headers: {{X-Name: "{{attempt}}"}}
journey:
  - step: look
    role: browse
    get: /about
    outcomes: [{{when: {{status: 200}}, then: next}}]
  - step: buy
    role: pay
    post: /buy
    json: {{qty: "{{qty}}"}}
    outcomes: [{{when: {{status: 200}}, end: confirmed}}, {{when: {{status: 409}}, end: sold-out}}]
    claims: {{order: {{json: order}}}}
probes:
  about: {{get: /about}}
"""
PROFILE = """\
surgectl: 1
name: street
about: Forty fans in two seconds.
target: target.yaml
seed: 3
sale: {tickets: 30, price: 25.00 EUR, limit: 4, wants: {1: 100%}}
load: [{phase: sale, rate: 20/s, for: 2s}]
fans: {patient: 100%}
probe: {step: about, rate: 4/s}
generator: {dropped_at_most: 10%, lag_p99_at_most: 3s, late_at_most: 5s}
settle: {at_most: 500ms}
expect: {invariants: {require: []}}
"""


class Street:
    """What came in, from the server's thread; read it when the rehearsal is over."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        """Path and headers of all that the shop was asked."""
        self.metrics: list[tuple[dict[str, str], ExportMetricsServiceRequest]] = []
        self.traces: list[ExportTraceServiceRequest] = []
        self.written: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        """What the next writes are answered with; then 204."""
        self.url = ""
        self._orders = itertools.count(1)

    async def about(self, request: web.Request) -> web.Response:
        self.asked.append((request.path, dict(request.headers)))
        return web.Response(text="we sell tickets")

    async def buy(self, request: web.Request) -> web.Response:
        self.asked.append((request.path, dict(request.headers)))
        number = next(self._orders)
        if number > 30:
            return web.json_response({"code": "SOLD_OUT"}, status=409)
        return web.json_response({"order": f"o{number}"})

    async def otlp_metrics(self, request: web.Request) -> web.Response:
        told = ExportMetricsServiceRequest.FromString(await request.read())
        self.metrics.append((dict(request.headers), told))
        return web.Response(content_type="application/x-protobuf")

    async def otlp_traces(self, request: web.Request) -> web.Response:
        self.traces.append(ExportTraceServiceRequest.FromString(await request.read()))
        return web.Response(content_type="application/x-protobuf")

    async def write(self, request: web.Request) -> web.Response:
        self.written.append((dict(request.headers), await request.read()))
        return web.Response(status=self.answers.pop(0) if self.answers else 204, text="no")

    def spans(self) -> list[Any]:
        return [
            span
            for told in self.traces
            for resource in told.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@contextmanager
def open_street() -> Iterator[Street]:
    """Served on a free port of loopback for the length of the block."""
    street, ready, over = Street(), threading.Event(), threading.Event()

    async def serve() -> None:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_get("/about", street.about)
        app.router.add_post("/buy", street.buy)
        app.router.add_post("/v1/metrics", street.otlp_metrics)
        app.router.add_post("/v1/traces", street.otlp_traces)
        app.router.add_post("/api/v1/write", street.write)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        street.url = f"http://{host}:{port}"
        ready.set()
        await asyncio.to_thread(over.wait)
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield street
    finally:
        over.set()
        thread.join(10)


def until(seen: Any, within_s: float = 30.0) -> Any:
    """Wait for something to be seen."""
    deadline = time.monotonic() + within_s
    while not (found := seen()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found
