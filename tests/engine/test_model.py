"""Any crowd, any shop, any hour of closing: what the recording and the counters must say in every case."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest

from surgectl.clock import LoopClock, VirtualLoop
from surgectl.engine.drivers.memory_driver import MemoryDriver
from surgectl.engine.run import Engine
from surgectl.engine.scene import Part, Scene
from surgectl.fans.dialogue import Answer, Double, Fork, Leave, Meet, Minted, Script, Think, Told
from surgectl.journey.messages import Reply, Verdict, Wire
from surgectl.plan.model import Arrival
from surgectl.recording import journal as journal_module
from surgectl.recording.journal import Journal, JournalError
from surgectl.recording.rows import DoneRow, DroppedRow, IntentRow, InvokeRow, LeftRow, OpRow, ToldRow
from tests.engine.stagehands import MS, S, judge, part, rows, send, wire

CLOCK = LoopClock()
ROLES = ("browse", "join", "hold", "pay", "status")
BROKEN = ("not-sent", "timeout", "cut", "invalid")


class Shop:
    """Answers, breaks, waits or never answers, as the die says; and knows what reached it."""

    def __init__(self, roll: random.Random, journal: Journal) -> None:
        self.roll = roll
        self.journal = journal
        self.reached: Counter[str] = Counter()
        self.refused: set[str] = set()
        self.paid: set[str] = set()
        """Holds and payments that came; a poll is none."""
        self.unwritten: list[str] = []
        """Came before the journal held them."""
        self.asked_later: set[str] = set()
        """Intents that ended in doubt."""

    async def __call__(self, wire: Wire) -> Reply:
        attempt, role = (value for _, value in wire.headers)
        self.reached[attempt] += 1
        if role in ("hold", "pay"):
            self.paid.add(attempt)
            rows = (row for row in self.journal._rows if isinstance(row, InvokeRow))
            self.unwritten += [row.attempt for row in rows if row.attempt == attempt]
        roll = self.roll
        if roll.random() < 0.7:
            await asyncio.sleep(roll.choice((0, 0.001, 0.05, 0.4, 3)))
        luck = roll.random()
        if luck < 0.6:
            return Reply(status=roll.choice((200, 200, 409, 503)), body=b"{}")
        if luck < 0.8:
            why = roll.choice(BROKEN)
            if why == "not-sent":
                self.refused.add(attempt)
            return Reply(broken=why)
        if luck < 0.85:
            raise LookupError("ours")
        await asyncio.sleep(3600)
        raise AssertionError("nobody waits so long")


def judging(roll: random.Random) -> Callable[[Reply], Verdict]:
    def judged(reply: Reply) -> Verdict:
        if roll.random() < 0.03:
            raise LookupError("a judge")
        return judge(reply)

    return judged


def acts(roll: random.Random, intent: str, tab: int, *, status: bool = False) -> Script:
    """A script that does what the die says."""
    number = 0

    def asked(attempt: str, role: str) -> Wire:
        given = wire("http://shop", attempt, timeout_ns=roll.choice((20 * MS, 2 * S, 10 * S)))
        return msgspec.structs.replace(given, headers=(("X-Attempt", attempt), ("X-Role", role)))

    try:
        for op in range(roll.randint(0, 5)):
            what = roll.random()
            if what < 0.55:
                number += 1
                attempt, role = f"{intent}.{'s' if status else ''}{tab}.{number}", roll.choice(ROLES)
                poll, double = roll.random() < 0.2, None
                said = "poll" if poll else role
                if roll.random() < 0.4:
                    after_ns = roll.choice((0, MS, 60 * MS, 5 * S))
                    double = Double(after_ns=after_ns, attempt=f"{attempt}d", wire=asked(f"{attempt}d", said))
                given: dict[str, Any] = {"op": op, "poll": poll, "double": double, "key": "k", "judge": judging(roll)}
                answer = yield send("", attempt, role=role, wire=asked(attempt, said), **given)
                assert isinstance(answer, Answer) and answer.reply.done_ns <= answer.now_ns
                if roll.random() < 0.5:
                    end = roll.choice(("confirmed", "accepted", "sold-out", "unknown"))
                    outcome: Any = {"confirmed": "ok", "accepted": "ok", "sold-out": "fail"}.get(end, "info")
                    yield Told(op=op, step=role, role=role, outcome=outcome, end=end, status_read=status)
            elif what < 0.7:
                yield Think(ns=roll.choice((-1, 0, 5 * MS, 2 * S, 100 * S)))
            elif what < 0.78:
                yield Meet(name=roll.choice("ab"), fans=roll.randint(1, 6), within_ns=roll.choice((0, 30 * MS, 9 * S)))
            elif what < 0.85:
                yield Minted(name="key", value=f"{intent}.{tab}.{op}")
            elif what < 0.93 and tab == 0 and not status:
                first = roll.randrange(1, 10**6)
                yield Fork(tabs=tuple(acts(roll, intent, first + more) for more in range(roll.randint(1, 3))))
            elif what < 0.96:
                raise LookupError("a script")
        if roll.random() < 0.04:
            return
        yield Leave(end=roll.choice(("home", "target-error")), outcome="fail", detail="x")
    finally:
        if roll.random() < 0.02:
            raise LookupError("a script's end")


def parted(roll: random.Random, arrival: Arrival, now_ns: int) -> Part:
    if roll.random() < 0.03:
        raise LookupError("casting")
    intent = f"i{arrival.fan}"

    def status(_: object) -> Script | None:
        return acts(roll, intent, 0, status=True) if roll.random() < 0.9 else None

    return part(arrival, now_ns, acts(roll, intent, 0), status)


async def run(
    seed: int, folder: Path, tell: Callable[[Shop, Engine], None] = lambda *_: None
) -> tuple[list[OpRow], Shop, Engine, MemoryDriver]:
    """One storm; whatever hangs for ever is an error."""
    roll = random.Random(seed)
    start = CLOCK.now_ns()
    async with Journal(folder) as journal:
        shop = Shop(roll, journal)
        driver = MemoryDriver(shop, CLOCK, start)
        scene = Scene(clock=CLOCK, start_ns=start, journal=journal, driver=driver)
        load_ns = roll.choice((0, 100 * MS, 5 * S))
        fans = [Arrival(fan, roll.randrange(load_ns + 1), "all", "p", 1) for fan in range(roll.randint(1, 12))]
        engine = Engine(
            scene,
            arrivals=sorted(fans, key=lambda each: each.due_ns),
            load_ns=load_ns,
            casting=lambda arrival, now_ns: parted(roll, arrival, now_ns),
        )
        tell(shop, engine)
        async with asyncio.timeout(100_000), engine:
            if roll.random() < 0.2:
                asyncio.get_running_loop().call_later(roll.random() * load_ns / 1e9, engine.stop_arrivals)
            await engine.load()
            await engine.drain(roll.choice((0, 30 * MS, 4 * S, 500 * S)))
            await asyncio.sleep(0)
            assert (scene.counts.active, scene.counts.in_flight) == (0, 0), "after the drain"
            shop.asked_later = {fan.intent for fan in engine._open_questions}
            await engine.read_statuses(roll.choice((30 * MS, 50 * S)), readers=3)
            await asyncio.sleep(0)
    return rows(journal.path), shop, engine, driver


def check(story: list[Any], shop: Shop, engine: Engine, driver: MemoryDriver) -> None:
    counts = engine.scene.counts
    assert (counts.active, counts.in_flight, driver.open_sockets) == (0, 0, 0)
    assert len(story) == engine.scene.journal.rows, "a row is lost"
    intents = [row.intent for row in story if isinstance(row, IntentRow)]
    dropped = [row for row in story if isinstance(row, DroppedRow)]
    assert counts.left == len(intents) == len(set(intents)) and counts.arrived == len(intents) + len(dropped)

    invoked: dict[str, InvokeRow] = {}
    done: dict[str, DoneRow] = {}
    left: set[tuple[str, int]] = set()
    seen: set[tuple[str, int]] = set()
    won: dict[str, int] = {}
    for row in story:
        if isinstance(row, InvokeRow):
            assert row.attempt not in invoked and row.due_ns <= row.at_ns
            invoked[row.attempt] = row
            if ".s" not in row.attempt:
                at = (row.intent, row.tab)
                seen.add(at)
                assert row.double or at not in left, "sent by one who has left"
                assert row.double or won.get(row.intent, row.tab) == row.tab, "sent by a tab that was closed"
        elif isinstance(row, DoneRow):
            asked = invoked[row.attempt]
            assert row.attempt not in done and row.done_ns >= asked.at_ns
            assert row.sent_ns is None or asked.at_ns <= row.sent_ns <= row.done_ns
            done[row.attempt] = row
        elif isinstance(row, LeftRow):
            assert (row.intent, row.tab) not in left, "left twice"
            left.add((row.intent, row.tab))
        elif isinstance(row, ToldRow) and not row.status_read:
            assert (row.intent, row.tab) not in left, "told by one who has left"
            if row.end == "confirmed":
                won.setdefault(row.intent, row.tab)
    assert set(invoked) == set(done), "every attempt has its end"
    assert seen <= left and {intent for intent, _ in left} == set(intents), "every tab leaves"
    for intent in intents:
        tabs = sorted(tab for fan, tab in left if fan == intent)
        assert tabs == list(range(len(tabs))), "every tab leaves"

    assert not shop.unwritten, "sent before it was written"
    assert set(shop.reached) <= set(invoked) and set(shop.reached.values()) <= {1}, "sent twice"
    for attempt, row in done.items():
        assert (row.sent_ns is None) == (attempt not in shop.reached or attempt in shop.refused) or row.why == "quit"
        if row.outcome == "fail" and row.why == "not-sent":
            assert attempt not in shop.reached or attempt in shop.refused, "a false definite no"
        asked = invoked[attempt]
        if row.why == "quit":
            assert row.outcome == "info" and row.sent_ns is not None
            if asked.role in ("hold", "pay") and asked.intent not in won and ".s" not in attempt:
                assert asked.intent in shop.asked_later, "nobody asks what became of it"


@pytest.mark.parametrize("frame", [2_000, 3])
def test_whatever_happens(frame: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every send one end, every tab one leave, nothing before it is written, no counter adrift, and nobody hangs."""
    monkeypatch.setattr(journal_module, "FRAME_ROWS", frame)
    ends: Counter[str] = Counter()
    for seed in range(300):
        with TemporaryDirectory() as folder, asyncio.Runner(loop_factory=VirtualLoop) as runner:
            lost: list[Any] = []
            runner.get_loop().set_exception_handler(lambda _, context, lost=lost: lost.append(context))
            try:
                story, shop, engine, driver = runner.run(run(seed, Path(folder)))
                check(story, shop, engine, driver)
                assert not lost, "an error that nobody heard of"
            except BaseException as error:
                error.add_note(f"seed {seed}")
                raise
        ends.update(row.end for row in story if isinstance(row, LeftRow))
        ends.update(row.why for row in story if isinstance(row, DoneRow))
    assert {"home", "closed", "cut-off", "script-error", "quit", "not-sent", "timeout", "confirmed"} <= set(ends), ends


def test_whatever_happens_on_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The storm ends in the journal's error, soon; no hold or payment leaves unwritten, and no counter drifts."""
    monkeypatch.setattr(journal_module, "FRAME_ROWS", 5)
    write = journal_module.write_whole
    ended = 0
    for seed in range(150):
        left = [seed % 9]

        def full(descriptor: int, data: bytes, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(28, "No space left on device")
            write(descriptor, data)

        monkeypatch.setattr(journal_module, "write_whole", full)
        with TemporaryDirectory() as folder, asyncio.Runner(loop_factory=VirtualLoop) as runner:
            lost: list[Any] = []
            runner.get_loop().set_exception_handler(lambda _, context, lost=lost: lost.append(context))
            told: list[tuple[Shop, Engine]] = []
            try:
                runner.run(run(seed, Path(folder), lambda *those, told=told: told.append(those)))
            except JournalError:
                ended += 1
            (shop, engine) = told[0]
            counts = engine.scene.counts
            assert (counts.active, counts.in_flight) == (0, 0) and not lost, f"seed {seed}"
            written = {row.attempt for row in rows(engine.scene.journal.path) if isinstance(row, InvokeRow)}
            assert shop.paid <= written, f"seed {seed}"
    assert ended > 100
