"""Each attempt of a fan says which trace it belongs to, and its name in the recording says the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb

from surgectl.clock import SystemClock
from surgectl.engine.drivers.memory_driver import MemoryDriver
from surgectl.engine.drivers.traced import Traced, Tracing
from surgectl.engine.scene import Scene
from surgectl.fans.dialogue import Double, Leave, Script
from surgectl.journey.messages import Reply, Wire
from surgectl.plan.model import Arrival
from surgectl.recording import traces
from surgectl.recording.journal import Journal
from surgectl.recording.rows import InvokeRow
from tests.engine.stagehands import MS, Life, buy, part, rows, send, wire

CLOCK = SystemClock()


async def played(tmp_path: Path, script: Script, share: float = 1.0, fan: int = 4) -> tuple[list[Wire], list[str]]:
    """What the shop was asked, and the attempts as recorded."""
    asked: list[Wire] = []

    async def shop(wire: Wire) -> Reply:
        asked.append(wire)
        return Reply(status=200, body=b"{}")

    start = CLOCK.now_ns()
    async with Journal(tmp_path) as journal, Traced(MemoryDriver(shop, CLOCK, start), Tracing(share, 7)) as driver:
        scene = Scene(clock=CLOCK, start_ns=start, journal=journal, driver=driver)
        await Life(scene, part(Arrival(fan, 0, "all", "patient", 1), scene.now_ns(), script)).live(0)
        journal.flush()
        return asked, [row.attempt for row in rows(journal.path) if isinstance(row, InvokeRow)]


def header(wire: Wire) -> str:
    (found,) = [value for name, value in wire.headers if name.lower() == "traceparent"]
    return found


async def test_an_attempt_carries_the_trace_of_its_intent(tmp_path: Path) -> None:
    """One trace a fan, one span an attempt, as W3C writes them; what else the request carries is as it was."""
    asked, attempts = await played(tmp_path, buy("http://shop", "a", browse=2))
    assert [header(wire) for wire in asked] == [
        f"00-{traces.trace_id('i4')}-{traces.span_id(attempt)}-01" for attempt in attempts
    ]
    for sent in asked:
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", header(sent))
        assert sent.body == b"{}" and sent.method == "POST" and sent.headers[0][0] == "X-Attempt"
    assert len({header(wire) for wire in asked}) == 3


async def test_a_double_click_is_two_spans(tmp_path: Path) -> None:
    """The same bytes twice, and yet the shop's traces can tell which click they came from."""

    def clicks() -> Script:
        double = Double(after_ns=MS, attempt="a-2", wire=wire("http://shop", "a-1"))
        yield send("http://shop", "a-1", double=double)
        yield Leave(end="confirmed", outcome="ok")

    asked, attempts = await played(tmp_path, clicks())
    assert sorted(attempts) == ["a-1", "a-2"]
    assert {header(wire)[36:52] for wire in asked} == {traces.span_id("a-1"), traces.span_id("a-2")}


async def test_a_targets_own_traceparent_wins(tmp_path: Path) -> None:
    """A shop that hands out traces to be continued gets them back untouched, however it spells the header."""
    own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    def speaks() -> Script:
        asked = Wire(method="GET", url="http://shop", headers=(("TraceParent", own),))
        yield send("http://shop", "a-1", wire=asked)
        yield Leave(end="confirmed", outcome="ok")

    asked, _ = await played(tmp_path, speaks())
    assert [header(wire) for wire in asked] == [own]


async def test_whose_trace_is_kept_is_chance_by_seed_and_fan(tmp_path: Path) -> None:
    """A tenth of the fans say 01, always the same ones; the others carry the header with 00."""
    kept = [fan for fan in range(2000) if traces.sampled(0.1, 7, fan)]
    assert 150 < len(kept) < 250
    assert set(kept) <= {fan for fan in range(2000) if traces.sampled(0.2, 7, fan)}
    assert not any(traces.sampled(0.0, 7, fan) for fan in range(100))
    for fan, flag in ((kept[0], "01"), (next(fan for fan in range(9) if fan not in kept), "00")):
        asked, _ = await played(tmp_path / str(fan), buy("http://shop", "a"), share=0.1, fan=fan)
        assert header(asked[0]).endswith(f"-{flag}")


def test_sql_makes_the_same_numbers() -> None:
    """The expressions in docs/outlets.md lead from a recording to a trace, and a trace back to its recording."""
    said: Any = duckdb.execute("SELECT substr(sha256('i-7'), 1, 32), substr(sha256('i-7.0.1'), 1, 16)").fetchone()
    assert said == (traces.trace_id("i-7"), traces.span_id("i-7.0.1"))
