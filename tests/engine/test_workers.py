"""Shards in processes of their own: together they play the plan once, and whatever becomes of one is noticed."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from surgectl.clock import SystemClock
from surgectl.engine.run import EngineError
from surgectl.engine.runners.processes import Crew, ProcessRunner
from surgectl.errors import InconclusiveError
from surgectl.live.portion import Portion, merged
from surgectl.recording.left_open import with_open_intents
from surgectl.recording.manifest import LostWorker, Tally, summed
from surgectl.recording.rows import IntentRow, LeftRow
from tests.engine.shard_entry import COMMAND, FANS, described
from tests.engine.stagehands import MS, S, rows

pytestmark = pytest.mark.real
CLOCK = SystemClock()


class Company:
    """A crew of two, what it says, and whom it misses."""

    def __init__(self, parts: Sequence[bytes], silent_at_most_s: float = 30) -> None:
        self.heard: dict[int, Portion] = {}
        self.lost: list[tuple[int, str]] = []
        self.missed = asyncio.Event()
        self.crew = Crew(
            COMMAND, parts, hear=self.heard.__setitem__, lost=self._miss, silent_at_most_s=silent_at_most_s
        )

    def _miss(self, shard: int, how: str) -> None:
        self.lost.append((shard, how))
        self.missed.set()

    def pids(self) -> list[int]:
        return [worker.pid for worker in self.crew.workers]

    @asynccontextmanager
    async def playing(self, load_ns: int = S) -> AsyncIterator[ProcessRunner]:
        async with self.crew:
            start_ns = CLOCK.now_ns() + 200 * MS
            async with ProcessRunner(self.crew, clock=CLOCK, start_ns=start_ns, load_ns=load_ns) as runner:
                yield runner


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_two_workers_play_the_plan_once(tmp_path: Path) -> None:
    """Every fan comes once, in the shard of its number; what the workers counted adds up; the processes end."""
    company = Company([described(tmp_path, shard, 2) for shard in range(2)])
    async with company.playing() as runner:
        await runner.load()
        await runner.drain(5 * S)
    shards = [rows(tmp_path / "ops" / f"{shard}.jsonl.zst") for shard in range(2)]
    fans = [[row.fan for row in shard if isinstance(row, IntentRow)] for shard in shards]
    assert fans == [list(range(0, FANS, 2)), list(range(1, FANS, 2))]
    tally = runner.tally()
    assert (tally.arrived, tally.left, tally.active, tally.sent) == (FANS, FANS, 0, FANS)
    whole = merged(list(company.heard.values()))
    assert (whole.funnel["arrived"], whole.ends, whole.active) == (FANS, {"confirmed": FANS}, 0)
    assert company.lost == [] and not any(map(runs, company.pids()))


@pytest.mark.quiet
async def test_a_killed_worker_is_missed_and_the_other_goes_on(tmp_path: Path) -> None:
    """SIGKILL in the middle: said within a second with its signal, never started again; the rest of the plan is played,
    and the torn recording says whom it left behind."""
    company = Company([described(tmp_path, 0, 2), described(tmp_path, 1, 2, "stays")])
    async with company.playing() as runner:
        load = asyncio.create_task(runner.load())
        while not (told := company.heard.get(1)) or told.active < 5:
            await asyncio.sleep(0.02)
        before = company.pids()
        os.kill(before[1], signal.SIGKILL)
        killed = time.monotonic()
        await asyncio.wait_for(company.missed.wait(), 5)
        took_s = time.monotonic() - killed
        await load
        await runner.drain(5 * S)
        await runner.read_statuses(S)
        assert company.pids() == before
    assert took_s < 1 and company.lost == [(1, "killed by SIGKILL")]
    assert len([row for row in rows(tmp_path / "ops" / "0.jsonl.zst") if isinstance(row, LeftRow)]) == FANS // 2
    lost = with_open_intents(LostWorker(shard=1, of=2, at_ns=S, why="x", planned=FANS // 2), tmp_path)
    assert 5 <= lost.intents == lost.open_intents < FANS // 2
    assert lost.open == sorted(lost.open) and set(lost.open) <= {f"i{fan}" for fan in range(1, FANS, 2)}


async def test_a_worker_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    """One that was stopped (SIGSTOP) holds nobody up for ever: it is ended, and the load comes to its end."""
    company = Company([described(tmp_path, shard, 2, "stays") for shard in range(2)], silent_at_most_s=2)
    async with company.playing() as runner:
        load = asyncio.create_task(runner.load())
        while len(company.heard) < 2:
            await asyncio.sleep(0.02)
        os.kill(company.pids()[0], signal.SIGSTOP)
        await asyncio.wait_for(load, 20)
        await runner.drain(100 * MS)
    assert company.lost == [(0, "it said nothing for 2s")]
    assert runner.tally().cut_off == FANS // 2 and not any(map(runs, company.pids()))


async def test_a_shorter_time_to_go_home_replaces_the_longer(tmp_path: Path) -> None:
    """A drain that is taken back and asked for again with less time ends in that time, with everybody cut off once."""
    company = Company([described(tmp_path, shard, 2, "stays", every_ns=2 * MS) for shard in range(2)])
    async with company.playing() as runner:
        await runner.load()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(runner.drain(3600 * S), 0.3)
        await asyncio.wait_for(runner.drain(100 * MS), 20)
        assert runner.tally().cut_off == FANS


async def test_nobody_comes_after_the_arrivals_were_stopped(tmp_path: Path) -> None:
    """The parent's word ends the load in every worker long before its time."""
    company = Company([described(tmp_path, shard, 2, every_ns=60 * S) for shard in range(2)])
    async with company.playing(load_ns=3600 * S) as runner:
        load = asyncio.create_task(runner.load())
        await asyncio.sleep(0.5)
        runner.stop_arrivals()
        await asyncio.wait_for(load, 20)
        await runner.drain(S)
    assert runner.tally().arrived == 1


@pytest.mark.parametrize(
    "how, error, says",
    [
        ("never ready", InconclusiveError, "exit 1: .*there is no such shop"),
        ("cannot be meant", EngineError, "ValueError: a bug"),
    ],
)
async def test_a_worker_that_is_not_ready_sends_nothing(tmp_path: Path, how: str, error: type, says: str) -> None:
    """Before anybody came the rehearsal is called off, with what the worker said last; no process stays."""
    company = Company([described(tmp_path, 0, 2), described(tmp_path, 1, 2, how)])
    with pytest.raises(error, match=says):
        async with company.playing():
            raise AssertionError("it began")
    assert not any(map(runs, company.pids())) and not (tmp_path / "ops").exists()


async def test_a_recording_that_cannot_be_written_stops_everybody(tmp_path: Path) -> None:
    """What one worker cannot open is an error of the whole, before the load."""
    (tmp_path / "ops" / "1.jsonl.zst").mkdir(parents=True)
    company = Company([described(tmp_path, shard, 2) for shard in range(2)])
    with pytest.raises(EngineError, match="cannot write the recording"):
        async with company.playing():
            raise AssertionError("it began")
    assert not any(map(runs, company.pids()))


def test_tallies_add_up_and_the_first_error_is_kept() -> None:
    """Counts are summed; of errors in words the first that there is."""
    one, two = Tally(arrived=1, cut_off=2), Tally(arrived=3, script_errors=1, first_script_error="a bug")
    assert summed([one, two]) == Tally(arrived=4, cut_off=2, script_errors=1, first_script_error="a bug")
