"""What nobody foresaw ends in a count and a row: a fan never hangs on it, and the shop is never blamed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any

import pytest

from surgectl.clock import SystemClock
from surgectl.engine.drivers import browser
from surgectl.engine.drivers.aiohttp_driver import AiohttpDriver
from surgectl.engine.drivers.wire.connection import Connection
from surgectl.engine.drivers.wire.wire_driver import WireDriver
from surgectl.engine.scene import Scene
from surgectl.fans.dialogue import Double, Fork, Leave, Move, Script, Told
from surgectl.journey.messages import Wire
from surgectl.plan.model import Arrival
from surgectl.recording.journal import Journal, JournalError
from surgectl.recording.rows import DoneRow, InvokeRow, LeftRow, ProbeRow
from tests.engine.conftest import Make
from tests.engine.rawserver import RawServer, Visit
from tests.engine.stagehands import MS, Life, part, rows, send, wire

CLOCK = SystemClock()
FAN = Arrival(0, 0, "all", "patient", 1)


@pytest.fixture
async def scene(tmp_path: Path, make_driver: Make) -> AsyncIterator[Scene]:
    start = CLOCK.now_ns()
    async with Journal(tmp_path) as journal, make_driver(CLOCK, start) as driver:
        yield Scene(clock=CLOCK, start_ns=start, journal=journal, driver=driver)


async def play(scene: Scene, script: Script) -> list[Any]:
    fan = Life(scene, part(FAN, scene.now_ns(), script))
    async with asyncio.timeout(5):
        await fan.live(0)
    scene.journal.flush()
    return rows(scene.journal.path)


async def ok(visit: Visit) -> None:
    while True:
        await visit.request()
        await visit.reply()


def of(kind: type, all_rows: list[Any]) -> list[Any]:
    return [row for row in all_rows if isinstance(row, kind)]


def once(url: str, **more: Any) -> Script:
    yield send(url, "a", **more)
    yield Leave(end="x", outcome="ok")


@pytest.mark.parametrize(
    "line", ["a=b; Max-Age=--5", "a=b; Max-Age=" + "9" * 5000, "a=b; Expires=1 Jan 00:00:00 Z+9999999999"]
)
async def test_a_strange_cookie_is_ignored(scene: Scene, line: str) -> None:
    """A shop may write any nonsense into a cookie's age: the reply still comes."""

    async def sets(visit: Visit) -> None:
        await visit.request()
        await visit.reply(headers=f"Set-Cookie: {line}\r\n")

    async with RawServer(sets) as server:
        story = await play(scene, once(server.url))
    assert [row.why for row in of(DoneRow, story)] == ["confirmed"]
    assert scene.counts.script_errors == scene.counts.in_flight == scene.counts.active == 0


@pytest.mark.parametrize("role", ["pay", "browse"])
async def test_an_error_of_ours_after_the_reply(scene: Scene, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is journalled as open, counted, and the fan goes home."""

    def fails(*_: object) -> bool:
        raise LookupError("ours")

    async def leads(visit: Visit) -> None:
        await visit.request()
        await visit.reply(status="302 Found", headers="Location: /b\r\n")

    monkeypatch.setattr(browser.redirect, "wanted", fails)
    async with RawServer(leads) as server:
        story = await play(scene, once(server.url, role=role))
    (done,), (left,) = of(DoneRow, story), of(LeftRow, story)
    assert (done.outcome, done.why) == ("info", "script-error") and done.sent_ns is not None
    assert left.end == "script-error" and "LookupError: ours" in scene.counts.first_script_error
    assert scene.counts.in_flight == scene.counts.active == 0


@pytest.mark.parametrize("role", ["pay", "browse"])
async def test_an_error_of_ours_while_sending(scene: Scene, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, where it is not even known whether a byte left."""

    async def fails(*_: object, **__: object) -> None:
        raise LookupError("ours")

    if isinstance(scene.driver, WireDriver):
        monkeypatch.setattr(scene.driver, "dial", fails)
    else:
        assert isinstance(scene.driver, AiohttpDriver)
        monkeypatch.setattr(scene.driver.http, "request", fails)
    story = await play(scene, once("http://127.0.0.1:9", role=role))
    (done,) = of(DoneRow, story)
    assert (done.outcome, done.why, done.sent_ns) == ("info", "script-error", None)
    assert "LookupError: ours" in scene.counts.first_script_error
    with pytest.raises(LookupError):
        await scene.driver.session().send(wire("http://127.0.0.1:9", "a"), 0)


@pytest.mark.parametrize("role", ["pay", "browse"])
@pytest.mark.parametrize("double", [False, True])
async def test_a_send_that_cannot_even_begin(
    scene: Scene, role: str, double: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted once; the fan goes home, and nothing stays in flight."""
    start = browser.Browser.start

    def fails(self: browser.Browser, wire: Wire, *more: Any) -> Any:
        if not double or dict(wire.headers)["X-Attempt"] == "a-2":
            raise LookupError("ours")
        return start(self, wire, *more)

    monkeypatch.setattr(browser.Browser, "start", fails)
    async with RawServer(ok) as server:
        click = Double(after_ns=MS, attempt="a-2", wire=wire(server.url, "a-2"))
        story = await play(scene, once(server.url, role=role, double=click if double else None))
    (left,) = of(LeftRow, story)
    assert left.end == ("x" if double else "script-error")
    assert scene.counts.script_errors == 1
    assert scene.counts.in_flight == scene.counts.active == 0


class Clinging:
    """A script that will not be closed."""

    def __init__(self, moves: Generator[Move, Any, None]) -> None:
        self.send = moves.send

    def close(self) -> None:
        raise LookupError("ours")


async def test_a_script_that_will_not_end(scene: Scene) -> None:
    """Its fan goes home all the same."""
    async with RawServer(ok) as server:
        script: Any = Clinging(once(server.url))
        story = await play(scene, script)
    assert [row.end for row in of(LeftRow, story)] == ["x"]
    assert "LookupError: ours" in scene.counts.first_script_error and scene.counts.active == 0


async def test_a_second_click_in_a_tab_that_a_sibling_closes(scene: Scene) -> None:
    """The first success closes the other tabs: whose hand hung over the button does not press it any more."""
    paid = asyncio.Event()

    async def shop(visit: Visit) -> None:
        while True:
            request = await visit.request()
            if b"slow" in request:
                paid.set()
                await asyncio.Event().wait()
            await paid.wait()
            await visit.reply()

    def wins(url: str) -> Script:
        yield send(url, "fast")
        yield Told(op=1, step="pay", role="pay", outcome="ok", end="confirmed")
        yield Leave(end="confirmed", outcome="ok")

    def opens(url: str) -> Script:
        click = Double(after_ns=300 * MS, attempt="slow-2", wire=wire(url, "slow-2"))
        yield Fork(tabs=(wins(url),))
        yield send(url, "slow", double=click)

    async with RawServer(shop) as server:
        story = await play(scene, opens(server.url))
        assert len(server.requests) == 2
    assert {row.attempt for row in of(InvokeRow, story)} == {"fast", "slow"}
    assert {row.tab: row.end for row in of(LeftRow, story)} == {0: "closed", 1: "confirmed"}


async def test_a_driver_that_closes_tells_those_who_still_wait_for_a_name() -> None:
    """Nobody waits for ever for a connection that will not be made."""
    driver = WireDriver(CLOCK, CLOCK.now_ns())

    async def never(*_: object) -> Connection:
        await driver._resolver.addresses("127.0.0.1", 9)
        raise asyncio.CancelledError  # as a look-up that was given up

    driver.dial = never  # type: ignore[method-assign]
    async with driver:
        async with asyncio.timeout(5):
            reply = await driver.session().send(wire("http://127.0.0.1:9", "a"), 0)
    assert (reply.broken, reply.sent_ns) == ("quit", None)


async def test_a_row_that_cannot_be_encoded_is_heard_by_all_who_wait(tmp_path: Path) -> None:
    """Whoever waits for its row is told that it will never be safe; and so is whoever comes later."""

    def fails(text: str) -> str:
        raise LookupError("ours")

    heard: list[JournalError | None] = []
    row = ProbeRow(step="home", due_ns=0, sent_ns=None, done_ns=0, outcome="ok")
    with pytest.raises(JournalError, match="LookupError"):
        async with Journal(tmp_path, redact=fails) as journal:
            journal.append(row)
            journal.when_written(heard.append)
            with pytest.raises(JournalError):
                await journal.commit()
            assert heard == [journal.broken] and journal.broken is not None
            journal.append(row)
