"""What one fan writes down, and in which order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from surgectl.clock import SystemClock
from surgectl.engine.barrier import Barriers
from surgectl.engine.drivers.aiohttp_driver import AiohttpDriver
from surgectl.engine.scene import Scene
from surgectl.fans.dialogue import Answer, Double, Fork, Leave, Meet, Minted, Script, Think, Told
from surgectl.journey.messages import Reply, Verdict
from surgectl.plan.model import Arrival
from surgectl.recording.journal import Journal, JournalError
from surgectl.recording.rows import DoneRow, IntentRow, InvokeRow, LeftRow, MintRow, ToldRow
from tests.engine.rawserver import RawServer, Visit
from tests.engine.stagehands import MS, Life, S, buy, part, rows, send, wire

CLOCK = SystemClock()
FAN = Arrival(0, 0, "all", "patient", 1)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    start = CLOCK.now_ns()
    async with Journal(tmp_path) as journal, AiohttpDriver(CLOCK, start) as driver:
        yield Scene(clock=CLOCK, start_ns=start, journal=journal, driver=driver)


async def play(scene: Scene, script: Script, **more: Any) -> list[Any]:
    fan = Life(scene, part(FAN, scene.now_ns(), script, **more))
    await fan.live(0)
    scene.journal.flush()
    return rows(scene.journal.path)


async def ok(visit: Visit) -> None:
    while True:
        await visit.request()
        await visit.reply()


def of(kind: type, all_rows: list[Any]) -> list[Any]:
    return [row for row in all_rows if isinstance(row, kind)]


async def test_a_whole_life(scene: Scene) -> None:
    """Intent, invoke, done, told, left: in that order, with instants that never go backwards."""
    async with RawServer(ok) as server:
        story = await play(scene, buy(server.url, "a", browse=1, think_ns=20 * MS))
    kinds = [type(row) for row in story]
    assert kinds == [IntentRow, InvokeRow, DoneRow, InvokeRow, DoneRow, ToldRow, LeftRow]
    invoke, done = of(InvokeRow, story)[1], of(DoneRow, story)[1]
    first = of(DoneRow, story)[0]
    assert invoke.due_ns >= first.done_ns + 20 * MS, "after a pause, the next send is due from the answer on"
    assert invoke.due_ns <= invoke.at_ns <= done.sent_ns <= done.done_ns
    assert (done.outcome, done.why, done.status, done.claims) == ("ok", "confirmed", 200, {"order": "o1"})
    assert scene.counts.active == 0 and scene.counts.left == 1 and scene.counts.sent == 2


async def test_a_pay_stands_in_the_recording_when_the_shop_receives_it(scene: Scene) -> None:
    """Journal before send: the shop reads the recording on each hold and pay, and finds the attempt already there."""
    found: dict[str, bool] = {}

    async def reads(visit: Visit) -> None:
        while True:
            request = await visit.request()
            attempt = next(line for line in request.split(b"\r\n") if line.startswith(b"X-Attempt")).split()[1].decode()
            seen = {row.attempt for row in rows(scene.journal.path) if isinstance(row, InvokeRow)}
            found[attempt] = attempt in seen
            await visit.reply()

    def script(url: str, fan: int) -> Script:
        for number in range(5):
            yield send(url, f"f{fan}-{number}", role="hold" if number % 2 else "pay", op=number)
        yield Leave(end="x", outcome="ok")

    async with RawServer(reads) as server:
        fans = [Life(scene, part(Arrival(n, 0, "a", "p", 1), 0, script(server.url, n))) for n in range(20)]
        await asyncio.gather(*(fan.live(0) for fan in fans))
    assert len(found) == 100 and all(found.values())


async def test_nothing_is_sent_that_could_not_be_written_down(scene: Scene) -> None:
    """With a broken recording a pay never leaves."""
    async with RawServer(ok) as server:
        scene.journal._broken = JournalError("disk full")
        with pytest.raises(JournalError):
            await play(scene, buy(server.url, "a"))
        assert server.requests == []
        scene.journal._broken = None


async def test_every_broken_end_is_journalled(scene: Scene) -> None:
    """A reset after sending is info with its instant; a refused connection is a failure that was never sent."""

    async def resets(visit: Visit) -> None:
        await visit.request()
        visit.reset()

    async with RawServer(resets) as server:
        story = await play(scene, buy(server.url, "a"))
        url = server.url
    done = of(DoneRow, story)[0]
    assert (done.outcome, done.why, done.status) == ("info", "cut", None) and done.sent_ns is not None
    done = of(DoneRow, await play(scene, buy(url, "b")))[1]
    assert (done.outcome, done.why, done.sent_ns) == ("fail", "not-sent", None)


async def test_a_double_click_is_a_send_of_its_own(scene: Scene) -> None:
    """The second half of a double click has its own attempt, is journalled and flushed, and delays nothing."""

    async def slow(visit: Visit) -> None:
        while True:
            request = await visit.request()
            if b"a-2" in request:
                await asyncio.sleep(0.2)
            await visit.reply()

    def script(url: str) -> Script:
        double = Double(after_ns=30 * MS, attempt="a-2", wire=wire(url, "a-2"))
        answer = yield send(url, "a-1", double=double, key="k")
        assert isinstance(answer, Answer)
        yield Told(op=1, step="pay", role="pay", outcome="ok", end="confirmed")
        yield Leave(end="confirmed", outcome="ok")

    async with RawServer(slow) as server:
        story = await play(scene, script(server.url))
        assert len(server.requests) == 2
    one, two = of(InvokeRow, story)
    assert (one.double, two.double, two.attempt, two.key, two.op) == (False, True, "a-2", "k", one.op)
    assert two.due_ns - one.due_ns >= 30 * MS
    assert [row.attempt for row in of(DoneRow, story)] == ["a-1", "a-2"]
    order = [type(row) for row in story]
    assert order.index(LeftRow) < len(order) - 1, "the fan did not wait for the second click"


async def test_the_first_tab_that_is_confirmed_closes_the_others(scene: Scene) -> None:
    """Tabs are siblings with sends of their own; a success cancels the rest, whose sends in flight stay open."""

    slow: set[bytes] = set()
    both_wait = asyncio.Event()

    async def shop(visit: Visit) -> None:
        while True:
            request = await visit.request()
            if b"slow" in request:
                slow.add(request)
                if len(slow) == 2:
                    both_wait.set()
                await asyncio.Event().wait()
            if b"fast-pay" in request:
                await both_wait.wait()
            await visit.reply()

    def opens(url: str) -> Script:
        yield send(url, "m-join", role="join")
        yield Fork(tabs=(buy(url, "fast", browse=1), buy(url, "slow1"), thinks()))
        yield from buy(url, "slow-main")

    def thinks() -> Script:
        yield Think(ns=60 * S)
        yield Leave(end="bored", outcome="fail")

    async with RawServer(shop) as server:
        async with asyncio.timeout(5):
            story = await play(scene, opens(server.url))
    told = of(ToldRow, story)
    assert [(row.tab, row.end) for row in told] == [(1, "confirmed")]
    done = {row.attempt: row for row in of(DoneRow, story)}
    assert (done["slow1-pay"].outcome, done["slow1-pay"].why) == ("info", "quit")
    assert done["slow-main-pay"].sent_ns is not None and done["slow-main-pay"].why == "quit"
    assert {row.tab: row.end for row in of(LeftRow, story)} == {0: "closed", 1: "confirmed", 2: "closed", 3: "closed"}
    assert {row.attempt for row in of(InvokeRow, story)} == set(done), "every invoke has its done"
    assert scene.counts.active == scene.counts.in_flight == 0


async def test_tabs_have_cookies_of_their_own(scene: Scene) -> None:
    """A cookie of one tab never travels with another's request."""

    async def sets(visit: Visit) -> None:
        while True:
            request = await visit.request()
            attempt = next(line for line in request.split(b"\r\n") if line.startswith(b"X-Attempt")).split()[1].decode()
            await visit.reply(headers=f"Set-Cookie: who={attempt[0]}; Path=/\r\n")

    def twice(url: str, name: str) -> Script:
        yield send(url, f"{name}1", role="browse")
        yield send(url, f"{name}2", role="browse")
        yield Leave(end="x", outcome="ok")

    def opens(url: str) -> Script:
        yield Fork(tabs=(twice(url, "a"), twice(url, "b")))
        yield from twice(url, "c")

    async with RawServer(sets) as server:
        await play(scene, opens(server.url))
        for request in server.requests:
            name = next(line for line in request.split(b"\r\n") if line.startswith(b"X-Attempt")).split()[1].decode()
            cookie = [line for line in request.split(b"\r\n") if line.startswith(b"Cookie")]
            assert cookie == ([f"Cookie: who={name[0]}".encode()] if name[1] == "2" else [])


async def test_a_cut_off_fan_says_what_is_known(scene: Scene) -> None:
    """A fan that the engine cuts off journals its send as quit, leaves, and asks for its status later."""
    got = asyncio.Event()

    async def hangs(visit: Visit) -> None:
        await visit.request()
        got.set()
        await asyncio.Event().wait()

    async with RawServer(hangs) as server:
        fan = Life(scene, part(FAN, 0, buy(server.url, "a")))
        task = asyncio.create_task(fan.live(0))
        await got.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    scene.journal.flush()
    story = rows(scene.journal.path)
    done, left = of(DoneRow, story)[0], of(LeftRow, story)[0]
    assert (done.outcome, done.why) == ("info", "quit") and done.sent_ns is not None
    assert (left.end, left.outcome) == ("cut-off", "info")
    assert fan.fan.wants_status and scene.counts.active == 0


async def test_a_fan_cut_off_while_it_waits_for_its_order_leaves_an_open_question(scene: Scene) -> None:
    """The shop has begun the payment, the fan polls or pauses, the engine cuts it off: that is no failure."""

    def waits(url: str, *, told: bool) -> Script:
        yield send(url, "a")
        if told:
            yield Told(op=1, step="pay", role="pay", outcome="ok", end="next")
        yield Think(ns=60 * S, why="poll")
        yield Leave(end="x", outcome="ok")

    async with RawServer(ok) as server:
        for told in (False, True):
            fan = Life(scene, part(FAN, 0, waits(server.url, told=told)))
            task = asyncio.create_task(fan.live(0))
            async with asyncio.timeout(5):
                while scene.counts.sent < 1 + told or scene.counts.in_flight:
                    await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert fan.fan.wants_status is not told
    scene.journal.flush()
    assert [row.outcome for row in of(LeftRow, rows(scene.journal.path))] == ["info", "fail"]


async def test_a_request_that_lacks_a_variable_is_an_error_of_the_target(scene: Scene) -> None:
    """A tab that left with target-error is counted, and its row says which variable."""

    def lacks() -> Script:
        yield Leave(end="target-error", outcome="fail", detail="journey[2]: step pay needs {hold}")

    story = await play(scene, lacks())
    assert of(LeftRow, story)[0].detail == scene.counts.first_target_error == "journey[2]: step pay needs {hold}"
    assert scene.counts.tally().target_errors == 1


async def test_a_fan_cut_off_before_its_bytes_left_did_nothing(scene: Scene) -> None:
    """A send that is cancelled while it waits for the flush is a failure that was never sent."""
    async with RawServer(ok) as server:
        task = asyncio.create_task(Life(scene, part(FAN, 0, buy(server.url, "a"))).live(0))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert server.requests == []
    scene.journal.flush()
    done = of(DoneRow, rows(scene.journal.path))[0]
    assert (done.outcome, done.why, done.sent_ns) == ("fail", "not-sent", None)


def bad_judge(reply: Reply) -> Verdict:
    raise LookupError("no such rule")


async def test_a_judge_that_fails_is_counted_and_stays_open(scene: Scene) -> None:
    """A judge's exception is info in the recording and an internal error at the end: never a pass, never silence."""

    def script(url: str) -> Script:
        yield send(url, "a", judge=bad_judge)
        yield Leave(end="x", outcome="ok")

    async with RawServer(ok) as server:
        story = await play(scene, script(server.url))
    done, left = of(DoneRow, story)[0], of(LeftRow, story)[0]
    assert (done.outcome, done.why, done.status) == ("info", "script-error", 200)
    assert (left.end, left.outcome) == ("script-error", "info")
    assert scene.counts.script_errors == 1 and "no such rule" in scene.counts.first_script_error


async def test_a_script_that_fails_or_never_leaves_is_counted(scene: Scene) -> None:
    """A script's exception, and one that ends without leaving, are internal errors."""

    def fails() -> Script:
        yield Think(ns=1)
        raise KeyError("oops")

    def vanishes() -> Script:
        yield Think(ns=1)

    await play(scene, fails())
    story = await play(scene, vanishes())
    assert [row.end for row in of(LeftRow, story)] == ["script-error", "script-error"]
    assert scene.counts.script_errors == 2 and "oops" in scene.counts.first_script_error


async def test_a_fresh_key_is_journalled_before_anything_carries_it(scene: Scene) -> None:
    """A minted value stands before the send that uses it."""

    def script(url: str) -> Script:
        yield Minted(name="key", value="k2")
        yield send(url, "a", key="k2")
        yield Leave(end="x", outcome="ok")

    async with RawServer(ok) as server:
        story = await play(scene, script(server.url))
    kinds = [type(row) for row in story]
    assert kinds.index(MintRow) < kinds.index(InvokeRow)
    assert of(MintRow, story)[0].value == "k2"


async def test_what_a_key_was_used_for_is_journalled_as_a_digest(scene: Scene) -> None:
    """A hold or payment with a key carries a digest of its body: another for another wish."""
    plans = [
        ("pay", "k", b"hold 1", False),
        ("pay", "k", b"hold 1", False),
        ("pay", "k", b"hold 2", False),
        ("hold", "k", None, False),
        ("pay", None, b"hold 1", False),
        ("browse", "k", b"hold 1", False),
        ("pay", "k", b"hold 1", True),
    ]

    def script(url: str) -> Script:
        for number, (role, key, body, poll) in enumerate(plans):
            how = msgspec.structs.replace(wire(url, f"a-{number}"), body=body)
            yield send(url, f"a-{number}", role=role, key=key, wire=how, poll=poll)
        yield Leave(end="x", outcome="ok")

    async with RawServer(ok) as server:
        story = await play(scene, script(server.url))
    first, again, other, empty, *rest = [row.body for row in of(InvokeRow, story)]
    assert first == again and len({first, other, empty}) == 3 and len(first) == 16
    assert rest == [None, None, None]


async def test_barrier_opens_when_enough_have_come_or_gone(scene: Scene) -> None:
    """Fans wait until enough have come; those that ended count as arrived; nobody waits beyond the time."""
    scene.barriers = Barriers()
    opened: list[tuple[int, bool]] = []

    def meets(number: int, fans: int = 3, within_ns: int = 20 * S) -> Script:
        answer = yield Meet(name="go", fans=fans, within_ns=within_ns)
        assert isinstance(answer, bool)
        opened.append((number, answer))
        yield Leave(end="x", outcome="ok")

    def leaves() -> Script:
        yield Leave(end="gone", outcome="fail")

    lives = [Life(scene, part(Arrival(n, 0, "a", "p", 1), 0, meets(n))).live(0) for n in range(2)]
    waiting = asyncio.gather(*lives)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert opened == []
    await Life(scene, part(Arrival(2, 0, "a", "p", 1), 0, leaves())).live(0)
    async with asyncio.timeout(5):
        await waiting
    assert sorted(opened) == [(0, True), (1, True)]

    scene.barriers = Barriers()
    await Life(scene, part(Arrival(3, 0, "a", "p", 1), 0, meets(3, 9, 20 * MS))).live(0)
    assert opened[-1] == (3, False)


def test_shards_share_a_barrier() -> None:
    """The shares of all shards add up to the whole."""
    for fans in (7, 8, 20):
        assert sum(Barriers(shard=shard, of=3).share(fans) for shard in range(3)) == fans
