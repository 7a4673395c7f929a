"""What the run looks like right now: a fold over the rows that the tap lets through.

Pure bookkeeping: `fold(row)` in, `Snapshot` out. It informs and never judges: the tap is lossy, the recording is not.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from surgectl.live.crowd import DOUBT, NO, STAGES, WON, OneFan
from surgectl.live.meter import Meter
from surgectl.live.meters import Meters
from surgectl.live.portion import Portion, Second, merged, together
from surgectl.live.reading import Reading
from surgectl.live.snapshot import FaultNow, Snapshot
from surgectl.plan.model import PlannedFault, PlannedPhase
from surgectl.recording.rows import (
    ChaosRow,
    DoneRow,
    DroppedRow,
    FaultRow,
    IntentRow,
    InvokeRow,
    LeftRow,
    MintRow,
    NoteRow,
    OpRow,
    ProbeRow,
    ToldRow,
    VitalsRow,
)
from surgectl.text import one_line
from surgectl.thresholds.samples import Stretch
from surgectl.units import NS_PER_S

_JOINED, _HELD, _PAYING, _CONFIRMED = range(1, len(STAGES))
_REACHED = {"join": _JOINED, "hold": _HELD}
_EFFECTS = frozenset({"hold", "pay"})
_NO_WISH = frozenset({"status", "login"})
"""Requests that are no step that a fan wanted done."""
REMEMBERED = 10_000
"""Fans who have left and are still known, for rows that come late. Of attempts under way, ten times as many."""


class LiveView:
    """Folds rows into the numbers that a person wants to see moving."""

    def __init__(
        self,
        phases: tuple[PlannedPhase, ...],
        faults: tuple[PlannedFault, ...],
        planned: int,
        load_ends_ns: int,
        *,
        late_at_most_ns: int | None = None,
        meter: Meter | None = None,
    ) -> None:
        """`late_at_most_ns`: from when on an arrival counts as late; None: nobody counts them. `meter` folds the same
        rows, where somebody judges or exports what happens each second."""
        self._phases = phases
        self._faults = {fault.fault: FaultNow(fault, "planned") for fault in faults}
        self._planned = planned
        self._load_ends_ns = load_ends_ns
        self._late_at_most_ns = late_at_most_ns
        self._here: dict[str, OneFan] = {}
        """Fans on site, and those who left in doubt: the status flow may still tell."""
        self._gone: OrderedDict[str, OneFan] = OrderedDict()
        self._under_way: dict[str, tuple[OneFan | None, bool, int, int]] = {}
        """attempt → its fan, whether it may change a ledger, its operation, when it was due."""
        self._reached = [0] * len(STAGES)
        self._witnessed = {0}
        self._steps: dict[str, int] = {}
        self._ends: Counter[str] = Counter()
        self._seconds: list[Second] = []
        self._newest_index: int | None = None
        self._newest = Second()
        self._ledger: dict[str, int] = {}
        self._log: deque[tuple[int, str]] = deque(maxlen=200)
        self._paused = self._late = self._said = 0
        self._pausing = False
        self._dropped = self._on_site = self._sent = self._retries = self._operations = self._in_doubt = 0
        self._answered = self._probed = 0
        self._first_drop_ns: int | None = None
        self._said_behind = False
        self._vitals: VitalsRow | None = None
        self._elsewhere: dict[int, Portion] = {}
        """Shard → what a worker process counted of it."""
        self._take: dict[type, Callable[[Any], None]] = {
            InvokeRow: self._invoked,
            DoneRow: self._done,
            ToldRow: self._told,
            IntentRow: self._arrived,
            MintRow: _nothing_to_count,
            LeftRow: self._left,
            DroppedRow: self._drop,
            ProbeRow: self._probe,
            FaultRow: self._fault,
            NoteRow: self._note,
            VitalsRow: self._vital,
        }
        self._meter = meter
        self._meters = Meters()
        self._applied: dict[str, tuple[int, int | None]] = {}
        """Fault → when it was applied, and when it was gone."""
        self.doing = "getting ready"
        self.links: tuple[str, ...] = ()
        """Every link that could be broken: shown also where no fault is planned for it."""
        self.lost = 0

    def __repr__(self) -> str:
        return f"<LiveView {self.doing}: {self._reached[0]} arrived, {self._on_site} on site>"

    def say(self, at_ns: int, text: str) -> None:
        """A line for the log of events."""
        self._said += 1
        self._log.append((at_ns, one_line(text, 300)))

    def ledger(self, kind: str, counters: Mapping[str, int]) -> None:
        """Counters from a lightly polled evidence source."""
        for name, value in counters.items():
            if name == "rows" and len(counters) > 1:
                continue  # how many rows were read says nothing beside what they hold
            self._ledger[f"{kind}.{name}"] = value

    def fold(self, row: OpRow | ChaosRow | VitalsRow) -> None:
        """Take one row into account."""
        self.fold_all((row,))

    def fold_all(self, rows: Sequence[OpRow | ChaosRow | VitalsRow]) -> None:
        """Take these into account, oldest first. Half a microsecond each: it shares its core with the run."""
        take = self._take
        for row in rows:
            take[type(row)](row)
        if self._meter is not None:
            self._meter.fold_all(rows)

    def hear(self, shard: int, portion: Portion) -> None:
        """What a shard in another process counted so far: takes the place of what it said before."""
        self._elsewhere[shard] = portion
        if portion.meter is not None:
            self._meters.hear(shard, portion.meter)
        if portion.first_drop_ns is not None:
            self._behind(portion.first_drop_ns)

    def gone(self, shard: int) -> None:
        """A shard's process is no more: what it counted stays, but nobody of it is on site."""
        if (portion := self._elsewhere.get(shard)) is not None:
            self._elsewhere[shard] = msgspec.structs.replace(portion, active=0, vitals=())

    def reading(self, workers: int | None = None) -> Reading | None:
        """What the meters of all shards show; None where there are none.

        `workers`: so many are in other processes (0: it is ours); None, those that were heard of.
        """
        workers = len(self._elsewhere) if workers is None else workers
        return self._meters.reading(workers) if workers else self._metered(news=False)

    def faults_on(self, now_ns: int) -> list[Stretch]:
        """The faults that were applied, while they were on, by the names that a threshold may call them."""
        found = []
        for fault, (from_ns, to_ns) in self._applied.items():
            known = self._faults.get(fault)
            link, brownout = (known.planned.link, known.planned.brownout) if known is not None else (None, "")
            names = tuple(name for name in ("fault", fault, link, brownout) if name)
            found.append(Stretch(from_ns, now_ns if to_ns is None else to_ns, names))
        return found

    def _metered(self, *, news: bool) -> Reading | None:
        if self._meter is None:
            return None
        self._meter.lost = self.lost
        return self._meter.news() if news else self._meter.reading()

    def portion(self, *, news: bool = False) -> Portion:
        """What was folded here, in numbers that add up with those of other shards.

        `news`: with what changed in the meter since this was last asked with it.
        """
        # Where rows were lost our own count drifts; the engine's does not.
        active = self._vitals.fans if self.lost and self._vitals is not None else self._on_site
        return Portion(
            reached=self._reached,
            witnessed=frozenset(self._witnessed),
            ends={end: n for end, n in self._ends.items() if n > 0},
            dropped=self._dropped,
            paused=self._paused,
            late=self._late,
            first_drop_ns=self._first_drop_ns,
            active=active,
            sent=self._sent,
            retries=self._retries,
            operations=self._operations,
            in_doubt=self._in_doubt,
            seconds=self._seconds,
            answered=self._answered,
            probed=self._probed,
            lost=self.lost,
            vitals=(self._vitals,) if self._vitals is not None else (),
            meter=self._metered(news=True) if news else None,
        )

    def snapshot(self, now_ns: int) -> Snapshot:
        """The numbers of all shards as they stand at `now_ns`."""
        whole = self.portion()
        if self._elsewhere:
            whole = merged([whole, *self._elsewhere.values()])
        return Snapshot(
            now_ns=now_ns,
            doing=self.doing,
            phases=self._phases,
            faults=tuple(self._faults.values()),
            load_ends_ns=self._load_ends_ns,
            planned=self._planned,
            funnel=whole.funnel,
            ends=dict(sorted(whole.ends.items(), key=lambda item: (-item[1], item[0]))),
            dropped=whole.dropped,
            paused=whole.paused,
            late=whole.late,
            active=whole.active,
            sent=whole.sent,
            retries=whole.retries,
            open_info=whole.in_doubt,
            amplification=whole.amplification,
            seconds=whole.seconds,
            ledger=dict(self._ledger),
            vitals=together(whole.vitals),
            probes=(whole.answered, whole.probed),
            log=list(self._log),
            said=self._said,
            lost=whole.lost,
            workers=max(1, len(self._elsewhere)),
            pausing=self._pausing,
            links=self.links,
        )

    def _second(self, at_ns: int) -> Second:
        index = at_ns // NS_PER_S
        if index == self._newest_index:
            return self._newest  # as nearly always
        index = max(0, index)
        while len(self._seconds) <= index:
            self._seconds.append(Second())
        self._newest_index, self._newest = index, self._seconds[index]
        return self._newest

    # -- fans

    def _known(self, intent: str, tab: int) -> OneFan | None:
        """The fan of a row; one who had left comes back with a new tab. None: its arrival was lost, or long gone."""
        fan = self._here.get(intent)
        if fan is None:
            fan = self._gone.get(intent)
            if fan is None:
                return None
        bit = 1 << tab
        if not fan.seen & bit:
            fan.seen |= bit
            if not fan.tabs:
                self._on_site += 1
                if self._gone.pop(intent, None) is not None:
                    self._here[intent] = fan
            fan.tabs |= bit
        return fan

    def _arrived(self, row: IntentRow) -> None:
        fan = self._here[row.intent] = OneFan()
        self._on_site += 1
        self._reach(fan, 0)
        self._second(row.at_ns).arrived += 1
        if self._late_at_most_ns is not None and row.at_ns - row.due_ns > self._late_at_most_ns:
            self._late += 1

    def _left(self, row: LeftRow) -> None:
        fan = self._here.get(row.intent)
        if fan is None or not fan.tabs:
            return
        bit = 1 << row.tab
        fan.seen |= bit
        fan.tabs &= ~bit
        fan.leave(row.end, row.outcome, first=row.tab == 0)
        if row.end == "confirmed":
            self._confirm(fan, row.at_ns)
        if fan.tabs:
            return
        self._on_site -= 1
        if fan.fate != WON:
            self._decide(fan, *fan.parting(), row.at_ns)
        if fan.fate != DOUBT:
            del self._here[row.intent]
            self._gone[row.intent] = fan
            if len(self._gone) > REMEMBERED:
                self._gone.popitem(last=False)

    def _reach(self, fan: OneFan, stage: int) -> None:
        """Who came this far came past everything before it: each intent counts once a stage, whatever its tabs do."""
        self._witnessed.add(stage)
        while fan.stage < stage:
            fan.stage += 1
            self._reached[fan.stage] += 1

    def _confirm(self, fan: OneFan, at_ns: int) -> None:
        self._reach(fan, _CONFIRMED)
        if fan.fate != WON:
            self._decide(fan, "confirmed", WON, at_ns)

    def _decide(self, fan: OneFan, end: str, fate: int, at_ns: int) -> None:
        """An intent's end as it is known now; a later word may overrule a doubt, and a ticket overrules everything."""
        was = fan.fate
        if fan.end:
            self._ends[fan.end] -= 1
        self._ends[end] += 1
        fan.end, fan.fate = end, fate
        if fate in (NO, WON):
            fan.doubts = None
            second = self._second(at_ns)
            second.resolved += was != NO
            second.confirmed += fate == WON
        self._weigh(fan)

    def _weigh(self, fan: OneFan) -> None:
        doubtful = fan.fate == DOUBT or (bool(fan.doubts) and fan.fate not in (NO, WON))
        if doubtful != fan.counted:
            fan.counted = doubtful
            self._in_doubt += 1 if doubtful else -1

    # -- attempts

    def _invoked(self, row: InvokeRow) -> None:
        self._second(row.at_ns).sent += row.method != ""
        if row.poll or row.role in _NO_WISH:
            return
        self._sent += 1
        if row.try_ > 1 or row.double:
            self._retries += 1
        fan = self._known(row.intent, row.tab)
        if fan is not None:
            step = self._steps.get(row.step)
            if step is None:
                step = self._steps[row.step] = 1 << len(self._steps)
            if not fan.steps & step:
                fan.steps |= step
                self._operations += 1
            if row.role == "pay":
                self._reach(fan, _PAYING)
        elif row.try_ == 1 and not row.double and row.tab == 0:
            self._operations += 1  # its arrival was lost on the way here: what the row says of itself has to do
        self._under_way[row.attempt] = (fan, row.role in _EFFECTS, row.tab << 32 | row.op, row.due_ns)
        if len(self._under_way) > 10 * REMEMBERED:
            del self._under_way[next(iter(self._under_way))]

    def _done(self, row: DoneRow) -> None:
        second = self._second(row.done_ns)
        if row.why == "shed":
            second.shed += 1
        under_way = self._under_way.pop(row.attempt, None)
        if under_way is None:
            return
        fan, effect, operation, due_ns = under_way
        if row.sent_ns is not None:
            second.slowest_ns = max(second.slowest_ns, row.done_ns - due_ns)
        if row.outcome == "info" and row.why != "shed":
            second.trouble += 1
            # A ticket settles every doubt, and so does a definite no from every tab.
            if effect and fan is not None and fan.fate not in (NO, WON):
                fan.doubt(operation)
                self._weigh(fan)

    def _told(self, row: ToldRow) -> None:
        if row.status_read:
            fan = self._here.get(row.intent)
            if fan is None or fan.fate == WON:
                return
            if row.end == "confirmed":
                self._confirm(fan, row.at_ns)
            elif row.outcome == "fail" and not fan.tabs:
                self._decide(fan, row.end, NO, row.at_ns)
            if not fan.tabs and fan.fate != DOUBT:
                del self._here[row.intent]
            return
        fan = self._known(row.intent, row.tab)
        if fan is None:
            return
        if row.end == "confirmed":
            self._confirm(fan, row.at_ns)
            return
        place = _REACHED.get(row.role)
        if place is not None and row.outcome == "ok":
            self._reach(fan, place)
        if row.role in _EFFECTS and fan.fate not in (NO, WON):
            operation = row.tab << 32 | row.op
            if row.outcome == "info":
                fan.doubt(operation)
            elif fan.doubts:
                fan.doubts.discard(operation)
            self._weigh(fan)

    def _drop(self, row: DroppedRow) -> None:
        if row.why == "paused":
            self._paused += 1
            return
        self._dropped += 1
        if self._first_drop_ns is None:
            self._first_drop_ns = row.at_ns
        self._behind(row.at_ns)

    def _behind(self, at_ns: int) -> None:
        if not self._said_behind:
            self._said_behind = True
            self.say(at_ns, "this machine is behind: an arrival was dropped")

    # -- the rest

    def _probe(self, row: ProbeRow) -> None:
        self._answered += row.outcome == "ok"
        self._probed += 1

    def _vital(self, row: VitalsRow) -> None:
        self._vitals = row

    def _note(self, row: NoteRow) -> None:
        if row.kind in ("pause", "resume"):
            self._pausing = row.kind == "pause"
        self.say(row.at_ns, f"note: {row.text}" if row.kind == "note" else row.text)

    def _fault(self, row: FaultRow) -> None:
        if row.event == "applied":
            self._applied[row.fault] = (self._applied.get(row.fault, (row.at_ns, None))[0], None)
        elif row.event in ("healed", "cleared") and row.fault in self._applied:
            self._applied[row.fault] = (self._applied[row.fault][0], row.at_ns)
        known = self._faults.get(row.fault)
        # One that nobody planned is on until somebody clears it, or until the load ends.
        ends_ns = max(self._load_ends_ns, row.at_ns)
        planned = (
            known.planned
            if known is not None
            else PlannedFault(fault=row.fault, from_ns=row.at_ns, to_ns=ends_ns, link=row.link, brownout=row.brownout)
        )
        if row.event in ("healed", "cleared") and row.at_ns < planned.to_ns:
            planned = msgspec.structs.replace(planned, to_ns=max(planned.from_ns, row.at_ns))
        self._faults[row.fault] = FaultNow(planned, row.event)
        detail = f" ({row.detail})" if row.detail else ""
        self.say(row.at_ns, f"{row.brownout} on {row.link or 'a command'}: {row.event}{detail}")


def _nothing_to_count(row: MintRow) -> None:
    """A further value of an intent."""
