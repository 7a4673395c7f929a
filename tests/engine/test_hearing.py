"""Fans who wait for a push, through the whole engine and over real sockets: what the recording says of them."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from surgectl.cli.try_fan import try_target
from surgectl.clock import SystemClock
from surgectl.engine.drivers.wire.wire_driver import WireDriver
from surgectl.engine.run import Engine
from surgectl.engine.scene import Part, Scene
from surgectl.fans.intent import Intent
from surgectl.fans.person import Person
from surgectl.plan.model import Arrival
from surgectl.recording.journal import Journal
from surgectl.recording.rows import DoneRow, IntentRow, InvokeRow, LeftRow
from tests.engine.rawserver import RawServer, Visit
from tests.engine.stagehands import S, arrivals, rows
from tests.fans.talk import policy
from tests.journey.shop import journey

TARGET = """
journey:
  - step: join
    role: join
    post: /queue
    outcomes: [{when: {status: 202}, then: poll}]
    await:
      sse: /events
      within: 20s
      outcomes: [{when: {json: {state: admitted}}, then: next}]
      take: {pass: {json: pass}}
      claims: {position: {json: position}}
  - {step: pay, role: pay, post: "/pay/{pass}", outcomes: [{when: {status: 201}, end: confirmed}]}
"""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


async def shop(visit: Visit) -> None:
    while True:
        asked = await visit.request()
        if b"/events" in asked.split(b"\r\n")[0]:
            await visit.say(HEAD + b'data: {"position":2}\n\ndata: {"position":1}\n\n')
            await asyncio.sleep(0.05)
            await visit.say(b'data: {"state":"admitted","pass":"p7"}\n\n')
            await visit.reader.read()
            return
        await visit.reply(b"{}", "202 Accepted" if b"/queue" in asked else "201 Created")


async def mute(visit: Visit) -> None:
    while True:
        asked = await visit.request()
        if b"/events" in asked.split(b"\r\n")[0]:
            await visit.say(HEAD)
            await visit.reader.read()
            return
        await visit.reply(b"{}", "202 Accepted")


async def play(folder: Path, url: str, fans: int, drain_ns: int) -> tuple[list[Any], Engine, WireDriver]:
    clock = SystemClock()
    start_ns = clock.now_ns()
    compiled, behaves = journey(TARGET, base_url=url), policy("patience: {poll: 20m}")

    def cast(arrival: Arrival, now_ns: int) -> Part:
        person = Person(compiled, behaves, Intent(run="r", intent=f"r-{arrival.fan}", fan=arrival.fan, seed=1, qty=1))
        intent = IntentRow(
            intent=f"r-{arrival.fan}",
            fan=arrival.fan,
            profile="patient",
            phase="all",
            qty=1,
            price_minor=1,
            currency="EUR",
            due_ns=arrival.due_ns,
            at_ns=now_ns,
        )
        return Part(intent=intent, script=person.script)

    async with Journal(folder) as journal, WireDriver(clock, start_ns) as driver:
        scene = Scene(clock=clock, start_ns=start_ns, journal=journal, driver=driver)
        async with Engine(scene, arrivals=arrivals(fans, every_ns=0), load_ns=0, casting=cast) as engine:
            await engine.load()
            await engine.drain(drain_ns)
            assert not scene.ears and scene.counts.in_flight == 0
        path = journal.path
    return rows(path), engine, driver


async def test_each_message_is_a_poll_in_the_recording(tmp_path: Path) -> None:
    """Joined once, one connection, each message with its claims, confirmed, and nothing left open."""
    async with RawServer(shop) as server:
        found, engine, _ = await play(tmp_path, server.url, 5, 20 * S)
        streams = [asked for asked in server.requests if asked.startswith(b"GET /events")]
    assert engine.tally().script_errors == 0, engine.tally().first_script_error
    assert {row.end for row in found if isinstance(row, LeftRow)} == {"confirmed"}
    assert len(streams) == 5
    mine = {row.attempt: row for row in found if isinstance(row, InvokeRow) and row.intent == "r-0"}
    done = [row for row in found if isinstance(row, DoneRow) and row.attempt in mine]
    assert [(mine[row.attempt].step, mine[row.attempt].poll) for row in done] == [
        ("join", False),
        ("join", True),
        ("join", True),
        ("join", True),
        ("pay", False),
    ]
    assert [row.claims.get("position") for row in done[1:4]] == [2, 1, None]
    assert [mine[row.attempt].method for row in done] == ["POST", "GET", "", "", "POST"], "one request, three messages"
    for row, later in zip(done, done[1:], strict=False):
        assert row.sent_ns is not None and later.sent_ns is not None
        # The second message came with the first: it may have been said as early.
        assert row.sent_ns <= row.done_ns and (row.done_ns < later.sent_ns or row.sent_ns == later.sent_ns)


async def test_the_drain_ends_those_who_listen(tmp_path: Path) -> None:
    """Cut off in the middle of a wait: the connection is closed, and every invoke has its done."""
    async with RawServer(mute) as server:
        found, engine, driver = await play(tmp_path, server.url, 3, S // 2)
    assert engine.tally().cut_off == 3 and driver.open_sockets == 0
    invoked = {row.attempt for row in found if isinstance(row, InvokeRow)}
    done = {row.attempt: row for row in found if isinstance(row, DoneRow)}
    assert invoked == set(done) and sum(row.why == "quit" for row in done.values()) == 3


def test_somebody_who_tries_sees_each_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`check --try`: the connection, every message with what was read of it, and the rule that ended the wait."""
    loop, ready, url = asyncio.new_event_loop(), threading.Event(), [""]

    async def serve() -> None:
        async with RawServer(shop) as server:
            url[0] = server.url
            ready.set()
            await over.wait()

    over = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        file = tmp_path / "pushing.yaml"
        file.write_text(f"surgectl-target: 1\nname: pushing\nbase_url: {url[0]}\n{TARGET}")
        assert try_target(str(file), {}) == 0
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
    said = capsys.readouterr().out
    assert "join (await)" in said and "event stream" in said
    assert 'message: {"position":2}' in said and 'message: {"position":1}' in said
    assert "rule 0: {when: {json: {state: admitted}}, then: next}" in said and "ended confirmed" in said
