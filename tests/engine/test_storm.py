"""The whole storm, mostly on a virtual clock: ten minutes in a second."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from surgectl.clock import SystemClock
from surgectl.engine.drivers.aiohttp_driver import AiohttpDriver
from surgectl.engine.drivers.memory_driver import MemoryDriver
from surgectl.engine.probe import Probe
from surgectl.engine.run import Engine, EngineError, start_instant, storm
from surgectl.engine.runners.inline import InlineRunner
from surgectl.engine.scene import Part, Scene
from surgectl.fans.dialogue import Answer, Leave, Script, Think, Told
from surgectl.journey.messages import Reply, Wire
from surgectl.live.tap import Tap
from surgectl.plan.model import Arrival
from surgectl.recording.journal import Journal, JournalError
from surgectl.recording.rows import (
    DoneRow,
    DroppedRow,
    IntentRow,
    InvokeRow,
    LeftRow,
    ProbeRow,
    ToldRow,
    VitalsRow,
)
from tests.engine.rawserver import RawServer, Visit
from tests.engine.stagehands import CLOCK, MS, S, arrivals, buy, in_memory, judge, part, rows, send, virtually


async def quick(wire: Wire) -> Reply:
    await asyncio.sleep(0.02)
    return Reply(status=200, body=b"{}")


def buyer(arrival: Arrival, now_ns: int) -> Part:
    return part(arrival, now_ns, buy("http://shop", f"f{arrival.fan}", browse=2, think_ns=3 * S))


def of(kind: type, all_rows: list[Any]) -> list[Any]:
    return [row for row in all_rows if isinstance(row, kind)]


def test_ten_minutes_and_five_thousand_fans_in_seconds(tmp_path: Path) -> None:
    """A ten-minute profile plays in seconds, each fan exactly at its due instant, and each row in its place."""

    async def main() -> int:
        runner = in_memory(tmp_path, quick, buyer, fans=5_000, every_ns=120 * MS, lasts_ns=600 * S, tap=Tap(100))
        async with runner:
            await runner.load()
            assert runner.now_ns() == 600 * S
            await runner.drain(30 * S)
        tally = runner.tally()
        assert (tally.arrived, tally.dropped, tally.active, tally.left, tally.cut_off) == (5_000, 0, 0, 5_000, 0)
        assert tally.sent == 15_000 and tally.script_errors == 0
        return runner.now_ns()

    began = time.monotonic()
    lasted_ns = virtually(main)
    assert 600 * S <= lasted_ns < 610 * S
    assert time.monotonic() - began < 20, "on a virtual clock this must not take real minutes"
    story = rows(tmp_path / "ops" / "0.jsonl.zst")
    intents = of(IntentRow, story)
    assert len(intents) == 5_000
    assert all(0 <= row.at_ns - row.due_ns < MS for row in intents)
    assert len(of(InvokeRow, story)) == len(of(DoneRow, story)) == 15_000
    assert Counter(row.end for row in of(ToldRow, story)) == {"confirmed": 5_000}
    assert len(of(LeftRow, story)) == 5_000
    vitals = rows(tmp_path / "vitals.jsonl")
    assert 595 <= len(vitals) <= 610 and all(isinstance(row, VitalsRow) for row in vitals)
    assert max(row.fans for row in vitals) > 10


async def test_arrivals_are_never_early(tmp_path: Path) -> None:
    """On the machine's own clock no fan is let loose before its due instant."""
    clock = SystemClock()
    seen: list[int] = []

    def cast(arrival: Arrival, now_ns: int) -> Part:
        seen.append(now_ns - arrival.due_ns)
        return part(arrival, now_ns, _leaves())

    start = start_instant(clock, lead_ns=20 * MS)
    async with Journal(tmp_path) as journal, MemoryDriver(quick, clock, start) as driver:
        scene = Scene(clock=clock, start_ns=start, journal=journal, driver=driver)
        engine = Engine(scene, arrivals=arrivals(300, every_ns=1_300_000), load_ns=400 * MS, casting=cast)
        tally = await storm(engine, drain_at_most_ns=S)
    assert tally.arrived + tally.dropped == 300 and seen and min(seen) >= 0


def _leaves() -> Script:
    yield Leave(end="x", outcome="ok")


async def test_a_starved_generator_drops_and_says_so(tmp_path: Path) -> None:
    """When our own loop stalls, late arrivals are dropped, counted and journalled, never sent late in silence."""
    clock = SystemClock()

    def cast(arrival: Arrival, now_ns: int) -> Part:
        if arrival.fan == 5:
            time.sleep(0.4)  # the stall
        return part(arrival, now_ns, _leaves())

    start = clock.now_ns()
    vitals: list[VitalsRow] = []
    async with Journal(tmp_path) as journal, MemoryDriver(quick, clock, start) as driver:
        scene = Scene(clock=clock, start_ns=start, journal=journal, driver=driver)
        engine = Engine(
            scene,
            arrivals=arrivals(60, every_ns=20 * MS),
            load_ns=1_300 * MS,
            casting=cast,
            late_at_most_ns=150 * MS,
            vitals=vitals.append,
        )
        tally = await storm(engine, drain_at_most_ns=S)
    dropped = of(DroppedRow, rows(journal.path))
    assert 5 <= tally.dropped == len(dropped) < 54 and tally.arrived == 60 - tally.dropped
    assert all(row.at_ns - row.due_ns > 150 * MS and row.why == "late" for row in dropped)
    assert vitals and vitals[0].lag_ns > 250 * MS and vitals[0].arrival_lag_ns > 250 * MS


async def test_whoever_is_behind_may_come_late_but_is_counted(tmp_path: Path) -> None:
    """With the policy `late` nobody is dropped: those beyond the limit come all the same, in order, and are counted."""
    clock = SystemClock()
    came: list[int] = []

    def cast(arrival: Arrival, now_ns: int) -> Part:
        came.append(arrival.fan)
        if arrival.fan == 5:
            time.sleep(0.4)  # the stall
        return part(arrival, now_ns, _leaves())

    start = clock.now_ns()
    async with Journal(tmp_path) as journal, MemoryDriver(quick, clock, start) as driver:
        scene = Scene(clock=clock, start_ns=start, journal=journal, driver=driver)
        engine = Engine(
            scene,
            arrivals=arrivals(60, every_ns=20 * MS),
            load_ns=1_300 * MS,
            casting=cast,
            late_at_most_ns=150 * MS,
            behind="late",
        )
        tally = await storm(engine, drain_at_most_ns=S)
    told = rows(journal.path)
    late = [row for row in of(IntentRow, told) if row.at_ns - row.due_ns > 150 * MS]
    assert came == list(range(60)) and not of(DroppedRow, told)
    assert (tally.arrived, tally.dropped) == (60, 0)
    assert 5 <= tally.late <= len(late)
    assert all(row.at_ns >= row.due_ns for row in of(IntentRow, told))


def test_stopping_the_arrivals_ends_the_load_at_once(tmp_path: Path) -> None:
    """Nobody else comes, those who are there finish, and who never came is neither sent nor dropped."""

    async def main() -> None:
        async with Journal(tmp_path) as journal, MemoryDriver(quick, CLOCK, 0) as driver:
            scene = Scene(clock=CLOCK, start_ns=0, journal=journal, driver=driver)
            engine = Engine(scene, arrivals=arrivals(1_000, every_ns=S), load_ns=1_000 * S, casting=buyer)
            asyncio.get_running_loop().call_later(10.5, engine.stop_arrivals)
            tally = await storm(engine, drain_at_most_ns=60 * S)
            assert scene.now_ns() < 20 * S and engine.stopped
            assert (tally.arrived, tally.dropped, tally.left, tally.cut_off) == (11, 0, 11, 0)

    virtually(main)


def test_heal_comes_before_the_drain(tmp_path: Path) -> None:
    """Replies that hang in a fault come back once it is healed: healing first lets everybody finish."""

    async def main() -> None:
        healed = asyncio.Event()

        async def hangs(wire: Wire) -> Reply:
            await healed.wait()
            return Reply(status=200)

        async def heal() -> None:
            healed.set()

        async with Journal(tmp_path) as journal, MemoryDriver(hangs, CLOCK, 0) as driver:
            scene = Scene(clock=CLOCK, start_ns=0, journal=journal, driver=driver)

            def cast(arrival: Arrival, now_ns: int) -> Part:
                return part(arrival, now_ns, buy("http://shop", f"f{arrival.fan}"))

            engine = Engine(scene, arrivals=arrivals(10, every_ns=100 * MS), load_ns=2 * S, casting=cast)
            tally = await storm(engine, drain_at_most_ns=5 * S, heal=heal)
            assert (tally.left, tally.cut_off) == (10, 0)

    virtually(main)


def test_the_drain_has_a_deadline(tmp_path: Path) -> None:
    """Fans that are not done at the drain's deadline are cut off and counted; their sends stay open."""

    async def main() -> None:
        async def never(wire: Wire) -> Reply:
            await asyncio.Event().wait()
            raise AssertionError

        async with Journal(tmp_path) as journal, MemoryDriver(never, CLOCK, 0) as driver:
            scene = Scene(clock=CLOCK, start_ns=0, journal=journal, driver=driver)

            def cast(arrival: Arrival, now_ns: int) -> Part:
                return part(arrival, now_ns, patient(f"f{arrival.fan}"))

            def patient(name: str) -> Script:
                answer = yield send("http://shop", name)
                assert isinstance(answer, Answer)
                yield Think(ns=3_600 * S)
                yield Leave(end="x", outcome="ok")

            engine = Engine(scene, arrivals=arrivals(10, every_ns=100 * MS), load_ns=2 * S, casting=cast)
            tally = await storm(engine, drain_at_most_ns=5 * S)
            assert (tally.left, tally.cut_off, tally.active) == (10, 10, 0)
            assert scene.now_ns() < 8 * S
        assert {row.why for row in of(DoneRow, rows(journal.path))} == {"quit"}

    virtually(main)


def test_statuses_are_read_for_accepted_and_unknown_intents_alone(tmp_path: Path) -> None:
    """After settling, who was accepted or left in doubt is asked about: as knowledge, with bounded readers."""

    async def main() -> None:
        together = most = 0

        async def shop(wire: Wire) -> Reply:
            nonlocal together, most
            if "status" in wire.url:
                together += 1
                most = max(most, together)
                await asyncio.sleep(1)
                together -= 1
                return Reply(status=200)
            fan = int(wire.headers[0][1].split("-")[0])
            return Reply(status=[200, 202, 409, 500][fan % 4])

        def ask(fan: int) -> Script:
            answer = yield send("http://shop/status", f"{fan}-status", role="status", status_read=True, op=9)
            assert isinstance(answer, Answer)
            yield Told(op=9, step="status", role="status", outcome="ok", end="confirmed", status_read=True)
            yield Leave(end="confirmed", outcome="ok")

        def pay(fan: int) -> Script:
            answer = yield send("http://shop/pay", f"{fan}-pay")
            assert isinstance(answer, Answer)
            end, outcome = {
                200: ("confirmed", "ok"),
                202: ("accepted", "ok"),
                409: ("sold-out", "fail"),
                500: ("unknown", "info"),
            }[answer.reply.status]
            yield Told(op=1, step="pay", role="pay", outcome=outcome, end=end)
            yield Leave(end=end, outcome=outcome)

        def cast(arrival: Arrival, now_ns: int) -> Part:
            return part(arrival, now_ns, pay(arrival.fan), status=lambda script: ask(arrival.fan))

        async with Journal(tmp_path) as journal, MemoryDriver(shop, CLOCK, 0) as driver:
            scene = Scene(clock=CLOCK, start_ns=0, journal=journal, driver=driver)
            engine = Engine(scene, arrivals=arrivals(40, every_ns=MS), load_ns=S, casting=cast)
            async with engine:
                await engine.load()
                await engine.drain(S)
                await engine.read_statuses(60 * S, readers=5)
            assert most == 5
            assert (engine.tally().status_reads, engine.tally().statuses_unread) == (20, 0)
        story = rows(journal.path)
        told = [row for row in of(ToldRow, story) if row.status_read]
        assert sorted(int(row.intent[1:]) % 4 for row in told) == [1] * 10 + [3] * 10
        assert len(of(LeftRow, story)) == 40, "a status read is no tab that ends"

    virtually(main)


def test_statuses_that_cannot_be_read_in_time_are_counted(tmp_path: Path) -> None:
    """What the deadline left unread is counted, for it cannot be judged."""

    async def main() -> None:
        async def hangs(wire: Wire) -> Reply:
            if "status" in wire.url:
                await asyncio.Event().wait()
            return Reply(status=500)

        def ask(script: Script) -> Script:
            yield send("http://shop/status", "s", role="status", status_read=True, op=9)
            yield Leave(end="x", outcome="info")

        def cast(arrival: Arrival, now_ns: int) -> Part:
            return part(arrival, now_ns, buy("http://shop", f"f{arrival.fan}"), status=ask)

        async with Journal(tmp_path) as journal, MemoryDriver(hangs, CLOCK, 0) as driver:
            scene = Scene(clock=CLOCK, start_ns=0, journal=journal, driver=driver)
            async with Engine(scene, arrivals=arrivals(12, every_ns=MS), load_ns=S, casting=cast) as engine:
                await engine.load()
                await engine.drain(S)
                await engine.read_statuses(2 * S, readers=5)
            assert (engine.tally().status_reads, engine.tally().statuses_unread) == (0, 12)

    virtually(main)


def test_a_fan_that_cannot_be_cast_is_counted_not_hidden(tmp_path: Path) -> None:
    """A casting that fails is an internal error: counted, journalled as dropped, the others go on."""

    async def main() -> None:
        def cast(arrival: Arrival, now_ns: int) -> Part:
            if arrival.fan == 3:
                raise LookupError("no such retry profile")
            return buyer(arrival, now_ns)

        async with Journal(tmp_path) as journal, MemoryDriver(quick, CLOCK, 0) as driver:
            scene = Scene(clock=CLOCK, start_ns=0, journal=journal, driver=driver)
            engine = Engine(scene, arrivals=arrivals(10, every_ns=MS), load_ns=S, casting=cast)
            tally = await storm(engine, drain_at_most_ns=60 * S)
        assert (tally.script_errors, tally.left) == (1, 9) and "no such retry profile" in tally.first_script_error
        assert [row.why for row in of(DroppedRow, rows(journal.path))] == ["script-error"]

    virtually(main)


def test_a_recording_that_breaks_stops_the_storm(tmp_path: Path) -> None:
    """When the recording can no longer be written, everybody is sent home and the storm raises."""

    async def main() -> None:
        journal = Journal(tmp_path)
        sent_after = 0
        broken = False

        async def shop(wire: Wire) -> Reply:
            nonlocal sent_after
            sent_after += broken
            return Reply(status=200)

        def breaks() -> None:
            nonlocal broken
            broken = True
            journal._broken = JournalError("No space left on device")

        async with MemoryDriver(shop, CLOCK, 0) as driver:
            with pytest.raises(JournalError, match="No space"):
                async with journal:
                    scene = Scene(clock=CLOCK, start_ns=0, journal=journal, driver=driver)
                    engine = Engine(scene, arrivals=arrivals(100, every_ns=S), load_ns=100 * S, casting=buyer)
                    asyncio.get_running_loop().call_later(10.5, breaks)
                    await storm(engine, drain_at_most_ns=60 * S)
        assert CLOCK.now_ns() < 15 * S and sent_after == 0

    virtually(main)


def test_an_engine_bug_is_an_internal_error(tmp_path: Path) -> None:
    """A driver that breaks its contract ends the run as an internal error, never as a quiet fan."""

    async def main() -> None:
        class Bad(MemoryDriver):
            def session(self, *, cookies: bool = True, fan: int = 0) -> Any:
                raise AttributeError("no sessions today")

        async with Journal(tmp_path) as journal, Bad(quick, CLOCK, 0) as driver:
            scene = Scene(clock=CLOCK, start_ns=0, journal=journal, driver=driver)
            engine = Engine(scene, arrivals=arrivals(5, every_ns=S), load_ns=5 * S, casting=buyer)
            with pytest.raises(EngineError, match="no sessions today"):
                await storm(engine, drain_at_most_ns=S)

    virtually(main)


def test_the_prober_keeps_its_rate_whatever_the_answers_do(tmp_path: Path) -> None:
    """Constant rate, own driver: a slow page delays no later question, and a failed one says so."""

    async def main() -> None:
        asked = 0

        async def page(wire: Wire) -> Reply:
            nonlocal asked
            asked += 1
            if asked % 10 == 0:
                await asyncio.sleep(3)
                return Reply(broken="cut")
            return Reply(status=200)

        wire = Wire(method="GET", url="http://shop/about")
        probing = Probe(step="about", wire=wire, judge=judge, rate_per_s=20)
        async with (
            Journal(tmp_path) as journal,
            MemoryDriver(quick, CLOCK, 0) as driver,
            MemoryDriver(page, CLOCK, 0) as own,
        ):
            scene = Scene(clock=CLOCK, start_ns=0, journal=journal, driver=driver)
            engine = Engine(
                scene,
                arrivals=arrivals(0, every_ns=1),
                load_ns=10 * S,
                casting=buyer,
                probing=probing,
                probe_driver=own,
            )
            await storm(engine, drain_at_most_ns=S)
        probes = of(ProbeRow, rows(journal.path))
        assert len(probes) == asked and 200 <= asked <= 202
        assert sorted(row.due_ns for row in probes) == [number * 50 * MS for number in range(asked)]
        assert all(row.sent_ns - row.due_ns < MS for row in probes)
        assert sum(row.outcome == "info" for row in probes) == asked // 10

    virtually(main)


async def test_start_at_a_wall_time() -> None:
    """--start-at: row time zero is when the wall clock shows that time."""
    clock = SystemClock()
    start = start_instant(clock, clock.wall() + timedelta(seconds=30))
    assert abs(start - clock.now_ns() - 30 * S) < S


async def test_a_storm_over_real_sockets(tmp_path: Path) -> None:
    """By attempt id: the server saw none twice and none that the recording lacks; every ok was seen exactly once."""
    clock = SystemClock()
    seen: Counter[str] = Counter()

    async def shaky(visit: Visit) -> None:
        while True:
            request = await visit.request()
            attempt = next(line for line in request.split(b"\r\n") if line.startswith(b"X-Attempt")).split()[1].decode()
            seen[attempt] += 1
            lot = hash(attempt) % 10
            if lot == 0:
                visit.reset()
                return
            if lot == 1:
                await visit.reply()
                visit.close()  # a kept-alive connection that dies while it is idle, or under the next request
                return
            await visit.reply()

    async with RawServer(shaky) as server:

        def cast(arrival: Arrival, now_ns: int) -> Part:
            return part(arrival, now_ns, buy(server.url, f"f{arrival.fan}", browse=2, think_ns=5 * MS))

        start = clock.now_ns()
        runner = InlineRunner(
            tmp_path,
            clock=clock,
            start_ns=start,
            arrivals=arrivals(300, every_ns=3 * MS),
            load_ns=S,
            casting=cast,
            driver=AiohttpDriver(clock, start),
        )
        async with runner:
            await runner.load()
            await runner.drain(5 * S)
    story = rows(tmp_path / "ops" / "0.jsonl.zst")
    invoked = {row.attempt for row in of(InvokeRow, story)}
    done = {row.attempt: row for row in of(DoneRow, story)}
    assert set(done) == invoked and max(seen.values()) == 1 and set(seen) <= invoked
    assert all(seen[row.attempt] == 1 for row in done.values() if row.outcome == "ok")
    unseen = [done[attempt] for attempt in invoked - set(seen)]
    assert all(row.outcome == "info" or row.why == "not-sent" for row in unseen)
    assert any(row.why == "cut" for row in done.values())
