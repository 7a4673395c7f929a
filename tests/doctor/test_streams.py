"""Streams: opened as a fan opens them, and silence is never a pass."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from rich.console import Console

from surgectl.cli.try_fan import try_one
from surgectl.clock import SystemClock
from surgectl.doctor.checkup import Checkup
from surgectl.doctor.patient import Bought, Heard
from surgectl.doctor.streams import WAITS_NS, look_at_streams, of_purchase
from surgectl.engine.drivers.wire.wire_driver import WireDriver
from surgectl.journey.compile import compile_target
from surgectl.journey.messages import EVENT, Reply, Verdict
from surgectl.profile.load import load_target
from tests.doctor.patients import BUYS, patient, said, shop
from tests.journey.steps import offer

CLOCK = SystemClock()
SILENCE_NS = 1_500_000_000
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
OUTCOMES = [{"when": {"event": "turn"}, "then": "next"}, {"when": {"status": 410}, "end": "sold-out"}]


def waits(**wait: Any) -> list[dict[str, Any]]:
    return [{"step": "queue", "await": {"within": "10m", "outcomes": OUTCOMES, **wait}}, BUYS]


@asynccontextmanager
async def room(answer: Answer) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/events", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def looked(answer: Answer, journey: list[dict[str, Any]], waits_ns: int = WAITS_NS) -> list[Checkup]:
    async with room(answer) as url:
        examined = patient(shop(url, journey=journey))
        async with WireDriver(CLOCK, CLOCK.now_ns()) as driver:
            return await look_at_streams(examined, None, driver, CLOCK, waits_ns)


def says(*pieces: bytes, status: int = 200, kind: str = "text/event-stream", stays: bool = True) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse(status=status, headers={"Content-Type": kind})
        await reply.prepare(request)
        for piece in pieces:
            await reply.write(piece)
        if stays:
            await asyncio.sleep(30)
        return reply

    return answer


SSE = waits(sse="/events")


@pytest.mark.parametrize(
    ("answer", "verdict", "words"),
    [
        (says(b"event: turn\ndata: {}\n\n"), "pass", "the first message (turn) after"),
        (says(b"event: ad\ndata: {}\n\n"), "pass", "which no rule names: not yet"),
        (says(stays=False), "note", "ended after"),
        (says(status=200, kind="text/html", stays=False), "fail", "answered 200, content type text/html"),
        (says(status=404, kind="text/plain", stays=False), "fail", "answered 404"),
        (says(status=410, kind="text/plain", stays=False), "note", "which rule 1 calls sold-out"),
    ],
    ids=["a message", "another message", "an end", "a page", "nowhere", "a refusal"],
)
async def test_what_an_event_stream_says(answer: Answer, verdict: str, words: str) -> None:
    """A message is ok, also one that no rule names; a page is no stream, and a refusal is one where a rule says so."""
    found = await looked(answer, SSE)
    assert (said(found, "queue")[0], words in said(found, "queue")[1]) == (verdict, True), found


async def test_a_web_socket_that_is_none() -> None:
    """Whoever does not agree to speak is named by its answer."""
    found = await looked(says(kind="text/plain", stays=False), waits(ws="/events"))
    assert said(found, "queue")[0] == "fail" and "answered 200" in said(found, "queue")[1]


@pytest.mark.real
async def test_silence_is_never_a_pass() -> None:
    """Opened, nothing heard: unknown, of a stream and of a WebSocket; a comment that keeps a stream alive is a sign."""

    async def quiet(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        return socket

    silent, socket, alive = await asyncio.gather(
        looked(says(), SSE, SILENCE_NS),
        looked(quiet, waits(ws="/events"), SILENCE_NS),
        looked(says(b": still here\n\n"), SSE, SILENCE_NS),
    )
    assert said(silent, "queue")[0] == "unknown" and "event stream opened, nothing heard" in said(silent, "queue")[1]
    assert said(socket, "queue")[0] == "unknown" and "WebSocket opened, nothing heard" in said(socket, "queue")[1]
    assert said(alive, "queue")[0] == "pass" and "signs of life, and no message" in said(alive, "queue")[1]


async def test_an_address_that_a_fan_would_have_to_take() -> None:
    """Nothing is opened; who takes it is named, and that --buy walks there."""
    asked = 0

    async def counts(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return web.Response()

    join = {"step": "join", "post": "/queue", "take": {"place": {"json": "id"}}}
    found = await looked(counts, [join, *waits(sse="/events?place={place}")])
    assert said(found, "queue")[0] == "unknown" and "{place}, which step join takes" in said(found, "queue")[1]
    assert "--buy" in said(found, "queue")[1] and asked == 0


async def test_an_opening_that_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's Python has the last word here as in a run; where it fails nothing is sent."""
    offer(monkeypatch, sign=lambda call: {"headers": {"X-Signature": call.given["secret"][::-1]}})
    seen: list[str | None] = []

    async def wants(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("X-Signature"))
        return await says(b"data: {}\n\n")(request)

    signed = waits(sse="/events", call="sign", **{"with": {"secret": "abc"}})
    assert said(await looked(wants, signed), "queue")[0] == "pass" and seen == ["cba"]
    offer(monkeypatch, sign=lambda call: 1 // 0)
    assert said(await looked(wants, signed), "queue")[0] == "fail" and seen == ["cba"]


def test_what_the_fan_who_bought_has_heard() -> None:
    """The first message counts; one who never came there leaves it unknown."""
    journey = compile_target(shop(journey=SSE))
    message = Reply(status=200, headers=((EVENT, "turn"),), body=b"{}")
    came = Heard(reply=message, verdict=Verdict(outcome="ok", why="next", then="next", rule=0), took_ns=1_000_000)
    bought = Bought(run="r", intent="i", end="confirmed", outcome="ok", requests=3, minted={}, claims={})
    heard = Bought(
        **{name: getattr(bought, name) for name in bought.__struct_fields__} | {"heard": {"journey[0]": came}}
    )
    assert said(of_purchase(journey, heard), "queue")[0] == "pass"
    assert said(of_purchase(journey, bought), "queue") == (
        "unknown",
        "the fan, who ended confirmed, never listened there",
    )


TRIED = """\
surgectl-target: 1
name: room
base_url: "${SHOP_URL}"
mint: {email: "fan-{intent}@example.org"}
journey:
  - {step: join, post: /events, outcomes: [{when: {status: 405}, then: next}]}
  - step: queue
    await: {sse: /events, outcomes: [{when: {event: turn}, end: confirmed}]}
"""


async def test_the_fan_who_buys_tells_what_was_heard(tmp_path: Path) -> None:
    """The first of several messages, at the step that waited for it."""
    (tmp_path / "room.yaml").write_text(TRIED)
    held: list[Bought] = []

    async def then(bought: Bought) -> None:
        held.append(bought)

    async with room(says(b": hello\n\nevent: ad\ndata: {}\n\n", b"event: turn\ndata: {}\n\n")) as url:
        silent = Console(file=io.StringIO())
        await try_one(str(tmp_path / "room.yaml"), {"SHOP_URL": url}, "patient", silent, then)
    journey = compile_target(load_target(tmp_path / "room.yaml", {"SHOP_URL": "http://127.0.0.1:1"}, environ={}))
    (bought,) = held
    assert bought.end == "confirmed"
    verdict, told = said(of_purchase(journey, bought), "queue")
    assert verdict == "pass" and "the first message (ad)" in told and "no rule names" in told
