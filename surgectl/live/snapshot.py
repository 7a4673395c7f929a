"""What the run looks like right now: a fold over the rows that the tap lets through.

Pure bookkeeping: `fold(row)` in, `Snapshot` out. It informs and never judges: the tap is lossy, the recording is not.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping

import msgspec

from surgectl.plan.model import PlannedFault, PlannedPhase
from surgectl.recording.rows import (
    ChaosRow,
    DoneRow,
    DroppedRow,
    FaultRow,
    IntentRow,
    InvokeRow,
    LeftRow,
    OpRow,
    ProbeRow,
    ToldRow,
    VitalsRow,
)
from surgectl.units import NS_PER_S

FUNNEL = ("arrived", "joined", "held", "paying", "confirmed")
_REACHED = {"join": "joined", "hold": "held"}


class Second(msgspec.Struct):
    """What happened within one second of the run."""

    sent: int = 0
    resolved: int = 0
    """Intents that learnt their fate: confirmed, or told no for good."""
    confirmed: int = 0
    trouble: int = 0
    """Attempts without a definite reply."""
    shed: int = 0
    arrived: int = 0
    slowest_ns: int = 0


class FaultNow(msgspec.Struct, frozen=True):
    """A planned fault and how far its life has come."""

    planned: PlannedFault
    state: str
    """planned · applied · verified · healed · failed"""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the run."""

    now_ns: int
    doing: str
    phases: tuple[PlannedPhase, ...]
    faults: tuple[FaultNow, ...]
    load_ends_ns: int
    planned: int
    funnel: dict[str, int]
    ends: dict[str, int]
    dropped: int
    active: int
    sent: int
    retries: int
    open_info: int
    amplification: float
    seconds: list[Second]
    ledger: dict[str, int]
    vitals: VitalsRow | None
    probes: tuple[int, int]
    """Answered, sent."""
    log: list[tuple[int, str]]
    lost: int


class LiveView:
    """Folds rows into the numbers that a person wants to see moving."""

    def __init__(
        self, phases: tuple[PlannedPhase, ...], faults: tuple[PlannedFault, ...], planned: int, load_ends_ns: int
    ) -> None:
        self._phases = phases
        self._faults = {fault.fault: FaultNow(fault, "planned") for fault in faults}
        self._planned = planned
        self._load_ends_ns = load_ends_ns
        self._reached: Counter[str] = Counter()
        self._ends: Counter[str] = Counter()
        self._furthest: dict[str, set[str]] = {}
        self._resolved: set[str] = set()
        self._doubt: dict[str, str] = {}
        self._roles: dict[str, tuple[str, str]] = {}
        self._seconds: list[Second] = []
        self._ledger: dict[str, int] = {}
        self._log: deque[tuple[int, str]] = deque(maxlen=200)
        self._dropped = self._active = self._sent = self._retries = self._operations = 0
        self._probes = [0, 0]
        self._vitals: VitalsRow | None = None
        self.doing = "getting ready"
        self.lost = 0

    def say(self, at_ns: int, text: str) -> None:
        """A line for the log of events."""
        self._log.append((at_ns, text))

    def ledger(self, kind: str, counters: Mapping[str, int]) -> None:
        """Counters from a lightly polled evidence source."""
        for name, value in counters.items():
            self._ledger[f"{kind}.{name}"] = value

    def fold(self, row: OpRow | ChaosRow | VitalsRow) -> None:
        """Take one row into account."""
        match row:
            case InvokeRow():
                self._invoked(row)
            case DoneRow():
                self._done(row)
            case ToldRow():
                self._told(row)
            case IntentRow():
                self._active += 1
                self._reached["arrived"] += 1
                self._second(row.at_ns).arrived += 1
            case LeftRow() if row.tab == 0:
                self._active -= 1
                self._resolve(row.intent, row.end, row.outcome, row.at_ns)
            case DroppedRow():
                self._dropped += 1
                if self._dropped == 1:
                    self.say(row.at_ns, "this machine is behind: an arrival was dropped")
            case ProbeRow():
                self._probes[0] += row.outcome == "ok"
                self._probes[1] += 1
            case FaultRow():
                self._fault(row)
            case VitalsRow():
                self._vitals = row
            case _:
                pass

    def snapshot(self, now_ns: int) -> Snapshot:
        """The numbers as they stand at `now_ns`."""
        return Snapshot(
            now_ns=now_ns,
            doing=self.doing,
            phases=self._phases,
            faults=tuple(self._faults.values()),
            load_ends_ns=self._load_ends_ns,
            planned=self._planned,
            funnel={name: self._reached[name] for name in FUNNEL},
            ends=dict(self._ends.most_common()),
            dropped=self._dropped,
            active=max(0, self._active),
            sent=self._sent,
            retries=self._retries,
            open_info=len(self._doubt),
            amplification=self._sent / self._operations if self._operations else 1.0,
            seconds=self._seconds,
            ledger=dict(self._ledger),
            vitals=self._vitals,
            probes=(self._probes[0], self._probes[1]),
            log=list(self._log),
            lost=self.lost,
        )

    def _second(self, at_ns: int) -> Second:
        index = max(0, at_ns // NS_PER_S)
        while len(self._seconds) <= index:
            self._seconds.append(Second())
        return self._seconds[index]

    def _reach(self, intent: str, place: str) -> None:
        been = self._furthest.setdefault(intent, set())
        if place not in been:
            been.add(place)
            self._reached[place] += 1

    def _invoked(self, row: InvokeRow) -> None:
        self._second(row.at_ns).sent += 1
        if row.poll or row.role == "status":
            return
        self._sent += 1
        if row.try_ > 1 or row.double:
            self._retries += 1
        else:
            self._operations += 1
        self._roles[row.attempt] = (row.intent, row.role)
        if row.role == "pay":
            self._reach(row.intent, "paying")

    def _done(self, row: DoneRow) -> None:
        second = self._second(row.done_ns)
        intent, role = self._roles.pop(row.attempt, ("", ""))
        if row.sent_ns is not None:
            second.slowest_ns = max(second.slowest_ns, row.done_ns - row.sent_ns)
        if row.why == "shed":
            second.shed += 1
        elif row.outcome == "info" and intent:
            second.trouble += 1
            if role in ("hold", "pay") and intent not in self._resolved:
                self._doubt[intent] = role

    def _told(self, row: ToldRow) -> None:
        place = _REACHED.get(row.role)
        if place and row.outcome == "ok":
            self._reach(row.intent, place)
        if row.end == "confirmed" and not row.status_read:
            self._reach(row.intent, "confirmed")
            self._resolve(row.intent, "confirmed", "ok", row.at_ns)

    def _resolve(self, intent: str, end: str, outcome: str, at_ns: int) -> None:
        if intent in self._resolved:
            return
        if outcome == "info" or end == "accepted":
            self._ends[end] += 1
            return
        self._resolved.add(intent)
        self._doubt.pop(intent, None)
        self._furthest.pop(intent, None)
        self._ends[end] += 1
        second = self._second(at_ns)
        second.resolved += 1
        second.confirmed += end == "confirmed"

    def _fault(self, row: FaultRow) -> None:
        known = self._faults.get(row.fault)
        if known is not None:
            self._faults[row.fault] = FaultNow(known.planned, row.event)
        self.say(row.at_ns, f"{row.brownout} on {row.link or 'the shop'}: {row.event} ({row.detail})")
