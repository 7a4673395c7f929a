"""What a guard may know of each second while it happens, however many workers counted it."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from surgectl.live.meter import CONFIRM, Meter
from surgectl.live.portion import Portion
from surgectl.live.reading import Cell, Reading, Tick
from surgectl.live.view import LiveView
from surgectl.recording.rows import DoneRow, IntentRow, InvokeRow, LeftRow, OpRow, ToldRow
from surgectl.stats.rough import counter_of
from tests.live import history
from tests.live.test_portion import events

S = history.S


def metered() -> LiveView:
    return LiveView(history.PHASES, history.FAULTS, 7, 85 * S, meter=Meter(["p"]))


def plain(reading: Reading | None) -> tuple[dict[object, object], dict[object, object], int]:
    assert reading is not None
    cells = {(c.step, c.profile, c.second): msgspec.structs.replace(c, round=0) for c in reading.cells}
    ticks = {(t.event, t.profile, t.second): t.count for t in reading.ticks}
    return dict(cells), dict(ticks), reading.lost


@settings(max_examples=150, deadline=None)
@given(events(), st.integers(1, 4), st.integers(1, 20))
def test_the_shards_meters_add_up(told: list[tuple[int, OpRow]], of: int, pulse: int) -> None:
    """Rows metered in one view, and metered by shard and sent now and then as what had changed, are the same."""
    whole, house = metered(), metered()
    shards = [metered() for _ in range(of)]
    for at, (fan, row) in enumerate(told):
        whole.fold(row)
        shards[fan % of].fold(row)
        if at % pulse == 0:
            tell(house, at % of, shards[at % of])
    for number, shard in enumerate(shards):
        tell(house, number, shard)
    assert plain(house.reading(of)) == plain(whole.reading())


def tell(house: LiveView, number: int, shard: LiveView) -> None:
    sent = msgspec.msgpack.encode(shard.portion(news=True))
    house.hear(number, msgspec.msgpack.decode(sent, type=Portion))


def test_nothing_new_is_not_told_again() -> None:
    """A pulse carries what changed since the last one, and nothing else."""
    meter = Meter()
    meter.fold_all(history.rows())
    assert len(meter.news().cells) == len(meter.reading().cells) > 100
    assert meter.news().cells == ()


def cell(meter: Meter, step: str) -> Cell:
    (found,) = [c for c in meter.reading().cells if c.step == step]
    return found


def bought(*rows: OpRow) -> Meter:
    meter = Meter()
    came = IntentRow(intent="i", fan=1, profile="p", phase="x", qty=1, price_minor=1, currency="EUR", due_ns=S, at_ns=S)
    meter.fold_all([came, *rows])
    return meter


def pay(number: int, at_ns: int) -> InvokeRow:
    return InvokeRow(attempt=f"a{number}", intent="i", step="pay", role="pay", op=number, due_ns=at_ns, at_ns=at_ns)


def told(number: int, at_ns: int, outcome: str, end: str) -> ToldRow:
    return ToldRow(intent="i", op=number, step="pay", role="pay", outcome=outcome, end=end, at_ns=at_ns)  # type: ignore[arg-type]


def test_a_send_under_way_has_no_duration_yet() -> None:
    """What was sent and not answered is waiting; its answer is a duration from when it was due."""
    meter = bought(pay(1, 2 * S))
    assert (cell(meter, "pay").waiting, cell(meter, "pay").ended) == (1, {})
    meter.fold_all([DoneRow(attempt="a1", outcome="ok", why="confirmed", sent_ns=2 * S, done_ns=5 * S)])
    assert (cell(meter, "pay").waiting, cell(meter, "pay").ended) == (0, {counter_of(3 * S): 1})


def test_a_refusal_is_not_the_last_word() -> None:
    """Whose card was declined may pay again: their clock stands still only once they are gone, or have a ticket."""
    declined = [pay(1, 2 * S), told(1, 3 * S, "fail", "declined")]
    clock = cell(bought(*declined), CONFIRM)
    assert (clock.begun, clock.done, clock.vague, clock.waiting) == (1, 0, 1, 0)
    gone = cell(bought(*declined, LeftRow(intent="i", end="declined", outcome="fail", at_ns=4 * S)), CONFIRM)
    assert (gone.done, gone.vague, gone.ended) == (1, 0, {counter_of(S): 1})
    again = cell(bought(*declined, pay(2, 4 * S), told(2, 9 * S, "ok", "confirmed")), CONFIRM)
    assert (again.done, again.vague, again.ended) == (1, 0, {counter_of(7 * S): 1})


def test_what_happened_is_counted_once_a_fan() -> None:
    """Two tabs that are told of the same ticket are one confirmation."""
    meter = bought(pay(1, 2 * S), told(1, 3 * S, "ok", "confirmed"), pay(2, 3 * S), told(2, 4 * S, "ok", "confirmed"))
    ticks = {t.event: t for t in meter.reading().ticks}
    assert ticks["confirmed"] == Tick("confirmed", "", 3, 1, 0)
    assert ticks["paid"].count == 1
