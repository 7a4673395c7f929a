"""How long the shop takes, second by second, while it happens: what a guard can judge and others can draw.

A fold over the tap's rows, cheap enough to share a core with the run. It keeps the numbers that thresholds speak of:
the latency of each step by the second in which it was due, the clock of each payment (`CONFIRM`), and what happened in
each second. A fan belongs to one shard, so the shards' cells add up: what changed travels with each pulse
(portion.py). Durations are counted as stats/rough.py has them, to two digits.

What it cannot know it says: a send under way has no duration yet, an attempt that may still be asked again has no end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from surgectl.live.reading import Cell, Reading, Tick
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
from surgectl.stats.rough import EDGES
from surgectl.thresholds.samples import CONFIRM, GOODPUT, PROBED, SHED
from surgectl.thresholds.threshold import EVENTS, FATES
from surgectl.units import NS_PER_S

_EFFECTS = frozenset({"hold", "pay"})
_COUNTED_ELSEWHERE = frozenset(EVENTS)
_COMING = {"join": "joined", "hold": "held"}
_NONE: frozenset[str] = frozenset()
_REMEMBERED = 10_000
_UNDER_WAY = 100_000


class _Track:
    """The cells of one step and retry profile; the newest at hand."""

    __slots__ = ("cell", "cells", "second")

    def __init__(self) -> None:
        self.cells: dict[int, Cell] = {}
        self.second = -1
        self.cell: Cell | None = None


class _Want:
    """What has to be known of one intent."""

    __slots__ = ("asked", "doubt", "ended", "pay", "pay_ns", "profile", "refused_ns", "seen", "steps", "tabs", "tracks")

    def __init__(self, profile: str, tracks: dict[str, _Track]) -> None:
        self.profile = profile
        self.tracks = tracks
        self.tabs = 1
        self.steps: frozenset[str] = _NONE
        """Those that were tried: few combinations, shared by all."""
        self.seen: frozenset[str] = _NONE
        """Events and ends that count once."""
        self.pay: Cell | None = None
        """Where its clock began; None: it does not run."""
        self.pay_ns = 0
        self.refused_ns = -1
        self.doubt = False
        self.ended = False
        self.asked: set[int] | None = None
        """Payments that were asked for and not answered yet."""


class Meter:
    """Folds rows into cells. `profiles` are the retry profiles that are wanted by themselves."""

    def __init__(self, profiles: Iterable[str] = ()) -> None:
        self._profiles = frozenset(profiles)
        self._tracks: dict[str, dict[str, _Track]] = {"": {}}
        self._everybody = self._tracks[""]
        self._ticks: dict[tuple[str, str, int], Tick] = {}
        self._sent = Tick("sent", "", -1)
        self._pushed: set[str] = set()
        """Waits for a message, which send nothing."""
        self._sets: dict[tuple[frozenset[str], str], frozenset[str]] = {}
        self._shared: dict[frozenset[str], frozenset[str]] = {}
        self._newest: dict[str | tuple[str, str], Tick] = {}
        self._wants: dict[str, _Want] = {}
        self._gone: OrderedDict[str, _Want] = OrderedDict()
        self._under_way: dict[str, tuple[Cell, int]] = {}
        self._round = 0
        self._changed: list[Cell] = []
        self._changed_ticks: list[Tick] = []
        self._seen_ns = -1
        self.lost = 0
        self.take: dict[type, Callable[[Any], None]] = {
            InvokeRow: self._invoked,
            DoneRow: self._done,
            ToldRow: self._told,
            IntentRow: self._arrived,
            LeftRow: self._left,
            DroppedRow: self._dropped,
            ProbeRow: self._probe,
            VitalsRow: self._vital,
        }

    def __repr__(self) -> str:
        return f"<Meter to {max(0, self._seen_ns) / NS_PER_S:.1f} s, {len(self._under_way)} under way>"

    def fold_all(self, rows: Iterable[object]) -> None:
        """Take these into account, oldest first."""
        take = self.take
        for row in rows:
            if (fold := take.get(type(row))) is not None:
                fold(row)

    def reading(self) -> Reading:
        """All of it. The cells are the meter's own: they go on growing."""
        tracks = [track for steps in self._tracks.values() for track in steps.values()]
        cells = tuple(cell for track in tracks for cell in track.cells.values())
        return Reading(cells=cells, ticks=tuple(self._ticks.values()), seen_ns=self._seen_ns, lost=self.lost)

    def news(self) -> Reading:
        """What changed since this was last asked."""
        cells, ticks = tuple(self._changed), tuple(self._changed_ticks)
        self._changed, self._changed_ticks = [], []
        self._round += 1
        return Reading(cells=cells, ticks=ticks, seen_ns=self._seen_ns, lost=self.lost)

    # -- where things are counted

    def _cell(self, step: str, profile: str, at_ns: int) -> Cell:
        return self._cell_of(self._steps(profile), step, profile, at_ns)

    def _steps(self, profile: str) -> dict[str, _Track]:
        steps = self._tracks.get(profile)
        if steps is None:
            steps = self._tracks[profile] = {}
        return steps

    def _cell_of(self, steps: dict[str, _Track], step: str, profile: str, at_ns: int) -> Cell:
        track = steps.get(step)
        if track is None:
            track = steps[step] = _Track()
        second = at_ns // NS_PER_S if at_ns > 0 else 0
        cell = track.cell
        if track.second != second or cell is None:
            cell = track.cells.get(second)
            if cell is None:
                cell = track.cells[second] = Cell(step, profile, second)
            track.second, track.cell = second, cell
        if cell.round != self._round:
            self._grown(cell)
        return cell

    def _grown(self, cell: Cell) -> None:
        if cell.round != self._round:
            cell.round = self._round
            self._changed.append(cell)

    def _tick(self, event: str, profile: str, at_ns: int) -> Tick:
        which = (event, profile) if profile else event
        tick = self._newest.get(which)
        if tick is not None and tick.second == at_ns // NS_PER_S and tick.round == self._round:
            tick.count += 1
            return tick
        key = (event, profile, at_ns // NS_PER_S if at_ns > 0 else 0)
        tick = self._ticks.get(key)
        if tick is None:
            tick = self._ticks[key] = Tick(*key)
        self._newest[which] = tick
        tick.count += 1
        if tick.round != self._round:
            tick.round = self._round
            self._changed_ticks.append(tick)
        return tick

    def _more(self, some: frozenset[str], one: str) -> frozenset[str]:
        """The same with one more: a million fans share some dozens of sets."""
        known = self._sets.get((some, one))
        if known is None:
            known = self._sets[some, one] = self._shared.setdefault(some | {one}, some | {one})
        return known

    def _once(self, want: _Want, event: str, at_ns: int) -> None:
        if event not in want.seen:
            want.seen = self._more(want.seen, event)
            self._tick(event, want.profile, at_ns)

    # -- fans

    def _arrived(self, row: IntentRow) -> None:
        profile = row.profile if row.profile in self._profiles else ""
        self._wants[row.intent] = _Want(profile, self._steps(profile))
        self._tick("arrived", profile, row.at_ns)
        self._seen_ns = row.at_ns

    def _known(self, intent: str, tab: int) -> _Want | None:
        want = self._wants.get(intent)
        if want is None:
            want = self._gone.pop(intent, None)
            if want is None:
                return None
            self._wants[intent] = want
        want.tabs |= 1 << tab
        return want

    def _left(self, row: LeftRow) -> None:
        self._seen_ns = row.at_ns
        want = self._wants.get(row.intent)
        if want is None:
            return
        want.tabs &= ~(1 << row.tab)
        if row.outcome != "info" and row.end != "accepted":
            self._once(want, "resolved", row.at_ns)
        if want.tabs:
            return
        if want.pay is not None and not want.ended:
            self._gone_home(want, want.pay, row.at_ns)
        del self._wants[row.intent]
        self._gone[row.intent] = want
        if len(self._gone) > _REMEMBERED:
            self._gone.popitem(last=False)

    def _gone_home(self, want: _Want, cell: Cell, at_ns: int) -> None:
        """The last tab is closed: what this intent knows of its payment is all it will ever know."""
        if want.asked and not want.doubt:
            # An attempt without an answer: whether it failed for certain decides, and that is the audit's to say.
            if want.refused_ns < 0:
                cell.vague += 1
            self._end(want, cell, None, None)
        elif want.doubt or want.refused_ns < 0:
            self._end(want, cell, None, at_ns - want.pay_ns)
        else:
            self._end(want, cell, want.refused_ns - want.pay_ns, None)

    def _end(self, want: _Want, cell: Cell, ended_ns: int | None, open_ns: int | None) -> None:
        want.ended = True
        self._grown(cell)
        if ended_ns is None and open_ns is None:
            return
        if want.refused_ns >= 0:
            cell.vague -= 1
        cell.done += 1
        if ended_ns is not None:
            ended_ns = max(0, ended_ns)
            counter = bisect_right(EDGES, ended_ns) - 1
            cell.ended[counter] = cell.ended.get(counter, 0) + 1
            cell.ended_ns += ended_ns
        elif open_ns is not None:
            counter = bisect_right(EDGES, max(0, open_ns)) - 1
            cell.open[counter] = cell.open.get(counter, 0) + 1

    # -- attempts

    def _invoked(self, row: InvokeRow) -> None:
        at_ns = self._seen_ns = row.at_ns
        if row.poll:
            if not row.method:
                self._pushed.add(row.attempt)
            return
        intent, step, due_ns = row.intent, row.step, row.due_ns
        want = self._wants.get(intent)
        if want is None or not want.tabs >> row.tab & 1:
            want = self._known(intent, row.tab)
        if want is None:  # its arrival was lost on the way here
            cell = self._cell_of(self._everybody, step, "", due_ns)
        else:
            track, profile = want.tracks.get(step), want.profile
            if track is not None and track.second == due_ns // NS_PER_S and track.cell is not None:
                cell = track.cell
                if cell.round != self._round:
                    self._grown(cell)
            else:
                cell = self._cell_of(want.tracks, step, profile, due_ns)
            if step not in want.steps:
                want.steps = self._more(want.steps, step)
                cell.first += 1
        cell.begun += 1
        self._under_way[row.attempt] = (cell, due_ns)
        if len(self._under_way) > _UNDER_WAY:
            del self._under_way[next(iter(self._under_way))]
        if want is None:
            return
        if row.role in _EFFECTS:
            if row.role == "pay":
                if not row.double:
                    if want.asked is None:
                        want.asked = set()
                    want.asked.add(row.tab << 32 | row.op)
                if want.pay is None:
                    self._tick("paid", profile, at_ns)
                    want.pay = clock = self._cell(CONFIRM, profile, due_ns)
                    want.pay_ns = due_ns
                    clock.begun += 1

    def _done(self, row: DoneRow) -> None:
        at_ns = self._seen_ns = row.done_ns
        under_way = self._under_way.pop(row.attempt, None)
        outcome, sent_ns = row.outcome, row.sent_ns
        if under_way is None:  # of a poll
            if row.attempt in self._pushed:
                self._pushed.discard(row.attempt)
            elif sent_ns is not None:
                self._tick("sent", "", sent_ns)
            return
        cell, due_ns = under_way
        cell.done += 1
        if cell.round != self._round:
            self._grown(cell)
        if sent_ns is None:
            cell.unsent += 1
        else:
            sent = self._sent  # nothing happens as often
            if sent.second == sent_ns // NS_PER_S and sent.round == self._round and sent.profile == cell.profile:
                sent.count += 1
            else:
                self._sent = self._tick("sent", cell.profile, sent_ns)
            lasted_ns = at_ns - due_ns
            counter = bisect_right(EDGES, lasted_ns) - 1 if lasted_ns > 0 else 0
            counts = cell.open if outcome == "info" else cell.ended
            counts[counter] = counts.get(counter, 0) + 1
            if outcome != "info":
                cell.ended_ns += lasted_ns
        if outcome != "ok":
            self._not_well(row, cell, due_ns)

    def _not_well(self, row: DoneRow, cell: Cell, due_ns: int) -> None:
        if row.outcome == "info":
            cell.bad += 1
            self._tick("info", cell.profile, row.done_ns)
        if row.why == "not-sent":
            cell.bad += row.outcome != "info"
            self._tick("not-sent", cell.profile, row.done_ns)
        if row.why == "shed" or row.then == "shed":
            self._tick("shed", cell.profile, row.done_ns)
            shed = self._cell(SHED, cell.profile, due_ns)
            lasted_ns = max(0, row.done_ns - due_ns)
            counter = bisect_right(EDGES, lasted_ns) - 1
            shed.begun += 1
            shed.done += 1
            shed.ended[counter] = shed.ended.get(counter, 0) + 1
            shed.ended_ns += lasted_ns

    def _told(self, row: ToldRow) -> None:
        at_ns = self._seen_ns = row.at_ns
        end, outcome = row.end, row.outcome
        if row.status_read:
            want = self._wants.get(row.intent) or self._gone.get(row.intent)
            if want is not None and end == "confirmed" and outcome == "ok":
                self._once(want, "confirmed", at_ns)
            return
        want = self._wants.get(row.intent)
        if want is None or not want.tabs >> row.tab & 1:
            want = self._known(row.intent, row.tab)
            if want is None:
                return
        seen, role = want.seen, row.role
        if end not in seen and end not in _COUNTED_ELSEWHERE:
            self._once(want, end, at_ns)
        if end in FATES and role in _EFFECTS:
            self._tick(GOODPUT + end, want.profile, at_ns)
        if outcome == "ok":
            if end == "confirmed":
                self._once(want, "confirmed", at_ns)
            elif role in _COMING:
                self._once(want, _COMING[role], at_ns)
        if role == "pay":
            self._paid(want, row)

    def _paid(self, want: _Want, row: ToldRow) -> None:
        if want.asked is not None:
            want.asked.discard(row.tab << 32 | row.op)
        clock = want.pay
        if clock is None or want.ended:
            return
        if row.end == "confirmed":
            self._end(want, clock, row.at_ns - want.pay_ns, None)
        elif row.outcome == "fail":
            if want.refused_ns < 0:
                clock.vague += 1
                self._grown(clock)
            want.refused_ns = row.at_ns
        if row.outcome == "info" or row.end == "accepted":
            want.doubt = True

    # -- the rest

    def _dropped(self, row: DroppedRow) -> None:
        if row.why != "paused":  # that was somebody's wish
            self._tick("dropped", "", row.due_ns)
        self._seen_ns = row.at_ns

    def _probe(self, row: ProbeRow) -> None:
        cell = self._cell(PROBED + row.step, "", row.due_ns)
        cell.begun += 1
        cell.done += 1
        lasted_ns = row.done_ns - row.due_ns
        counter = bisect_right(EDGES, lasted_ns) - 1 if lasted_ns > 0 else 0
        if row.outcome == "info":
            cell.open[counter] = cell.open.get(counter, 0) + 1
        else:
            cell.ended[counter] = cell.ended.get(counter, 0) + 1
            cell.ended_ns += lasted_ns
        # A late one is our own fault, so it counts neither way: as if it had not been a probe (`unsent`).
        if row.why == "late":
            cell.unsent += 1
        elif row.outcome != "ok":
            cell.bad += 1

    def _vital(self, row: VitalsRow) -> None:
        self._seen_ns = max(self._seen_ns, row.at_ns)
