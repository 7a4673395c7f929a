"""Shards that count apart count right together."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from surgectl.live.portion import Portion, merged, together
from surgectl.live.view import LiveView
from surgectl.recording.rows import (
    DoneRow,
    DroppedRow,
    IntentRow,
    InvokeRow,
    LeftRow,
    OpRow,
    ProbeRow,
    ToldRow,
    VitalsRow,
)
from tests.live import history

S = history.S
OUTCOMES = st.sampled_from(["ok", "fail", "info"])
STEPS = st.sampled_from(["join", "hold", "pay"])
ENDS = st.sampled_from(["confirmed", "sold-out", "accepted", "unknown", "closed", "cut-off"])
TABS = st.integers(0, 2)


@st.composite
def events(draw: st.DrawFn) -> list[tuple[int, OpRow]]:
    """(fan, row) in the order of time: anything that may come of fans, also what makes no sense."""
    told: list[tuple[int, OpRow]] = []
    came: set[int] = set()
    attempts: list[tuple[int, str]] = []
    at_ns = 0
    for _ in range(draw(st.integers(0, 60))):
        at_ns += draw(st.integers(0, S))
        fan = draw(st.integers(0, 6))
        intent = f"run-{fan}"
        if fan not in came:
            came.add(fan)
            row: OpRow = IntentRow(
                intent=intent, fan=fan, profile="p", phase="x", qty=1, price_minor=1, currency="EUR",
                due_ns=at_ns, at_ns=at_ns,
            )  # fmt: skip
            told.append((fan, row))
            continue
        tab, step = draw(TABS), draw(STEPS)
        match draw(st.sampled_from(["invoke", "done", "told", "left", "dropped", "probe"])):
            case "invoke":
                attempts.append((fan, f"{intent}-{len(attempts)}"))
                row = InvokeRow(
                    attempt=attempts[-1][1], intent=intent, step=step, role=step, op=draw(st.integers(1, 2)),
                    due_ns=at_ns, at_ns=at_ns, tab=tab, try_=draw(st.integers(1, 2)), poll=draw(st.booleans()),
                )  # fmt: skip
            case "done" if attempts:
                fan, attempt = draw(st.sampled_from(attempts))
                why = draw(st.sampled_from(["next", "shed", "timeout"]))
                row = DoneRow(attempt=attempt, outcome=draw(OUTCOMES), why=why, sent_ns=at_ns, done_ns=at_ns)
            case "told":
                row = ToldRow(
                    intent=intent, op=draw(st.integers(1, 2)), step=step, role=step, outcome=draw(OUTCOMES),
                    end=draw(ENDS), at_ns=at_ns, tab=tab, status_read=draw(st.booleans()),
                )  # fmt: skip
            case "left":
                row = LeftRow(intent=intent, end=draw(ENDS), outcome=draw(OUTCOMES), at_ns=at_ns, tab=tab)
            case "dropped":
                row = DroppedRow(fan=fan + 100, due_ns=at_ns, at_ns=at_ns)
            case _:
                fan = 0  # the prober is with the first shard
                row = ProbeRow(step="about", due_ns=at_ns, sent_ns=at_ns, done_ns=at_ns, outcome=draw(OUTCOMES))
        told.append((fan, row))
    return told


def view() -> LiveView:
    return LiveView(history.PHASES, history.FAULTS, 7, 85 * S)


@settings(max_examples=150, deadline=None)
@given(events(), st.integers(1, 4))
def test_the_shards_together_are_the_whole(told: list[tuple[int, OpRow]], of: int) -> None:
    """Rows folded in one view, and folded by shard, sent as bytes and merged, show the same screen."""
    whole, house = view(), view()
    shards = [view() for _ in range(of)]
    for fan, row in told:
        whole.fold(row)
        shards[fan % of].fold(row)
    for number, shard in enumerate(shards):
        house.hear(number, msgspec.msgpack.decode(msgspec.msgpack.encode(shard.portion()), type=Portion))
    together, alone = house.snapshot(9 * S), whole.snapshot(9 * S)
    assert msgspec.structs.replace(together, workers=1, log=[]) == msgspec.structs.replace(alone, log=[])
    assert [said for _, said in together.log] == [said for _, said in alone.log]


def test_what_a_shard_says_again_replaces_what_it_said() -> None:
    """A portion is the state and no difference: hearing it twice counts once."""
    shard, house = view(), view()
    for _, row in (pair for pair in enumerate(history.rows()) if not isinstance(pair[1], VitalsRow)):
        shard.fold(row)
    for _ in range(3):
        house.hear(0, shard.portion())
    assert house.snapshot(0).funnel == shard.snapshot(0).funnel
    assert merged([shard.portion()]) == shard.portion()


def test_two_pulses_are_shown_as_one() -> None:
    """Sockets and memory add up; lateness and the processor are those of the worst worker."""
    one = VitalsRow(at_ns=1, lag_ns=5, cpu=0.2, fans=10, in_flight=1, sockets=3, rss_bytes=100, arrival_lag_ns=9)
    two = VitalsRow(at_ns=2, lag_ns=1, cpu=0.9, fans=20, in_flight=2, sockets=4, rss_bytes=200, arrival_lag_ns=0)
    both = together([one, two])
    assert both == VitalsRow(
        at_ns=2, lag_ns=5, cpu=0.9, fans=30, in_flight=3, sockets=7, rss_bytes=300, arrival_lag_ns=9
    )
    assert together([]) is None
