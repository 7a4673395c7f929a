"""The engine with a step in Python: it is timed, its failure is told, and the next send is due when it was done."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from surgectl.clock import LoopClock, VirtualLoop
from surgectl.engine.drivers.memory_driver import MemoryDriver
from surgectl.engine.run import Engine
from surgectl.engine.scene import Part, Scene
from surgectl.fans.intent import Intent
from surgectl.fans.person import Person
from surgectl.journey.messages import Reply, Wire
from surgectl.plan.model import Arrival
from surgectl.recording.journal import Journal
from surgectl.recording.manifest import Tally
from surgectl.recording.rows import IntentRow, InvokeRow, LeftRow
from tests.engine.stagehands import S, rows
from tests.fans.talk import policy
from tests.journey.shop import journey
from tests.journey.steps import offer

SHOP = """
journey:
  - {step: work, call: work, with: {fan: "{fan}"}, take: {proof: {json: proof}}}
  - {step: buy, role: pay, post: "/{proof}", outcomes: [{when: {status: 201}, end: confirmed}]}
"""


class SlowClock(LoopClock):
    """Time passes in a loop that waits, and where somebody computes."""

    spent_ns = 0

    def now_ns(self) -> int:
        return super().now_ns() + self.spent_ns


def rehearsed(folder: Path, work: Any, monkeypatch: pytest.MonkeyPatch, clock: LoopClock) -> tuple[Tally, list[Any]]:
    """Three fans, a second apart."""
    offer(monkeypatch, work=work)
    shop = journey(SHOP)

    def cast(arrival: Arrival, now_ns: int) -> Part:
        name = f"r-{arrival.fan}"
        person = Person(shop, policy(), Intent(run="r", intent=name, fan=arrival.fan, seed=3, qty=1), start_ns=now_ns)
        due_ns = arrival.due_ns
        row = IntentRow(
            intent=name, fan=arrival.fan, profile="p", phase="all", qty=1, price_minor=1, currency="EUR",
            due_ns=due_ns, at_ns=now_ns,
        )  # fmt: skip
        return Part(intent=row, script=person.script)

    async def sell(wire: Wire) -> Reply:
        return Reply(status=201, sent_ns=1)

    async def main() -> Tally:
        crowd = (Arrival(fan, (fan + 1) * S, "all", "p", 1) for fan in range(3))
        async with Journal(folder) as journal, MemoryDriver(sell, clock, 0) as driver:
            scene = Scene(clock=clock, start_ns=0, journal=journal, driver=driver)
            async with Engine(scene, arrivals=crowd, load_ns=5 * S, casting=cast) as engine:
                await engine.load()
                await engine.drain(S)
                return engine.tally()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        tally = runner.run(main())
    return tally, rows(folder / "ops" / "0.jsonl.zst")


def test_a_slow_step_is_told_by_name_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, with the first that took long; the request after it is due once it was done, for a browser works too."""
    clock = SlowClock()

    def work(call: Any) -> dict[str, int]:
        clock.spent_ns += 30_000_000 if call.given["fan"] == 1 else 1_000_000
        return {"proof": 7}

    tally, story = rehearsed(tmp_path, work, monkeypatch, clock)
    assert (tally.calls, tally.slow_calls, tally.calls_ns) == (3, 1, 32_000_000)
    assert tally.first_slow_call == "work took 30ms"
    sends = {row.intent: row for row in story if isinstance(row, InvokeRow)}
    arrivals = {row.intent: row for row in story if isinstance(row, IntentRow)}
    assert sends["r-1"].due_ns - arrivals["r-1"].due_ns == 30_000_000
    assert sends["r-1"].at_ns >= sends["r-1"].due_ns


def test_a_step_that_fails_is_an_error_of_the_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fan leaves before anything is sent, its row says why, and no error of ours is counted."""

    def work(call: Any) -> dict[str, int]:
        raise RuntimeError(f"no work for {call.fan}")

    tally, story = rehearsed(tmp_path, work, monkeypatch, LoopClock())
    assert (tally.target_errors, tally.script_errors, tally.sent) == (3, 0, 0)
    assert tally.first_target_error == "journey[0]: step work call work: RuntimeError: no work for 0"
    left = [row for row in story if isinstance(row, LeftRow)]
    assert {(row.end, row.outcome) for row in left} == {("target-error", "fail")} and "no work for 2" in left[2].detail
