"""Everything that thresholds may ask of a run, by steps of time, small enough to travel in a report.

Three make it: the audit from a recording's tables, the guard from what the live meters show, the gate from report.json.
Durations are counted to two digits (stats/rough.py), so what is found is a value, or bounds between which it lies;
whoever judges passes or fails only where every value in between agrees.

Time is cut into cells: at every step, and at the edges of phases and faults, so that a scope is met exactly. What
happened to one retry profile by itself is kept between those edges alone (`coarse`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

import msgspec

from surgectl.stats.rough import Counts, Rough, add, counter_of
from surgectl.thresholds.measure import Between, Measure, Number, Tally, Unmeasured
from surgectl.thresholds.threshold import EVENTS, Kind, Scope
from surgectl.units import NS_PER_S

CONFIRM = "=confirm"
"""The clock of an intent: from when its first payment was due to definite knowledge. No step is called so."""
SHED = "=shed"
"""How long the shop took to say that it was too busy."""
PROBED = "=probed "
"""Before a probe's name."""
GOODPUT = "=goodput "
"""Before a fate: how many learnt it in time."""
WANTED = "=wanted"
"""How many began to want something."""
PROVIDER = ("payments", "provider")


class Stretch(msgspec.Struct, frozen=True, array_like=True):
    """A part of the run's clock, [from_ns, to_ns), and the names it goes by."""

    from_ns: int
    to_ns: int
    names: tuple[str, ...] = ()


class Cell(msgspec.Struct, array_like=True, gc=False):
    """What was due at one step within one cell of time."""

    ended: Counts = msgspec.field(default_factory=dict)
    ended_ns: int = 0
    open: Counts = msgspec.field(default_factory=dict)
    """Those that never ended, by how long they had lasted."""
    total: int = 0
    bad: int = 0
    """Of the total: without a definite answer; of probes: not answered well."""
    sends: int = 0
    wanted: int = 0
    """How many intents they were for; while it runs: at most."""
    first: int = 0
    """Of those intents, how many had not been here before."""
    waiting: Counts = msgspec.field(default_factory=dict)
    """While it runs: under way, by how long so far; it may turn out that they were never sent."""
    undecided: int = 0
    """While it runs: of the total, those of which nobody knows yet whether they are bad."""


class Track(msgspec.Struct, array_like=True):
    """One step, or one clock, along the run. `coarse`: its cells lie between the edges, not the cuts."""

    step: str
    of: str
    coarse: bool
    cells: dict[int, Cell]


class Ticks(msgspec.Struct, array_like=True):
    """How often something happened along the run."""

    event: str
    of: str
    coarse: bool
    counts: Counts
    """Cell → how often."""


class Fact(msgspec.Struct, frozen=True, array_like=True):
    """A number that does not add up from cells, as it was found when the run was judged."""

    kind: Kind
    metric: str
    scope: str
    of: str
    value: float = 0.0
    samples: int = 0
    at_least: bool = False
    why: str = ""
    """Why there is no number; empty where there is one."""

    def measure(self) -> Measure:
        if self.why:
            return Unmeasured(why=self.why)
        return Number(value=self.value, samples=self.samples, at_least=self.at_least)


class Step(msgspec.Struct, frozen=True):
    """One whole step of time: the cells first..after."""

    from_ns: int
    to_ns: int
    first: int
    after: int


class Samples(msgspec.Struct, kw_only=True):
    """A run as thresholds see it (a `Measures` of evaluate.py). Cell i of the cuts is [cuts[i], cuts[i + 1])."""

    step_ns: int
    end_ns: int
    """So far the run is known."""
    cuts: tuple[int, ...]
    edges: tuple[int, ...]
    """The cuts without the steps': what is coarse lies between them."""
    phases: tuple[Stretch, ...] = ()
    faults: tuple[Stretch, ...] = ()
    arrivals: int = 0
    tracks: tuple[Track, ...] = ()
    ticks: tuple[Ticks, ...] = ()
    facts: tuple[Fact, ...] = ()
    live: bool = False
    """The run is under way: what is asked for is what is known so far."""
    lost: int = 0
    """Rows that were never counted: any of them may have been any sample."""
    probes_per_step: float = 0.0
    """While it runs: those due, for what is not there yet may be answered still."""

    def find(self, kind: Kind, metric: str, scope: Scope | None, of: str = "") -> Measure | None:
        """The samples of a metric within a scope; None = no such metric."""
        if of and not self._came(of):
            return Unmeasured(why=f"no fan of {of!r} came")
        if kind in ("recovery", "drain") or (kind == "amplification" and not self.live):
            return self._fact(kind, metric, scope, of)
        windows = self.windows(scope)
        if isinstance(windows, Unmeasured):
            return windows
        coarse = self._coarse(kind, metric, of)
        sure, unsure = split(self.edges if coarse else self.cuts, windows)
        return self._measure(kind, metric, of, sure, unsure, sum(w.to_ns - w.from_ns for w in windows))

    def over_time(self) -> Samples:
        """Itself: what a window is judged by."""
        return self

    def steps(self, kind: Kind, metric: str, scope: Scope | None, of: str) -> list[list[Step]] | Unmeasured:
        """The whole steps that lie in each stretch of a scope, as far as the run is known."""
        windows = self.windows(scope)
        if isinstance(windows, Unmeasured):
            return windows
        if of and not self._came(of):
            return Unmeasured(why=f"no fan of {of!r} came")
        if self._coarse(kind, metric, of):
            return Unmeasured(why=f"what {of} did each second is not in this report: judge its recording")
        if kind == "amplification" and (metric in PROVIDER or metric == "fans"):
            return Unmeasured(why=f"amplification({metric}) is not counted by the second: name a step")
        return [[*self._whole_steps(window)] for window in windows]

    def within(self, kind: Kind, metric: str, of: str, first: Step, last: Step) -> Measure | None:
        """The samples of these steps and all between them."""
        cells = range(first.first, last.after)
        return self._measure(kind, metric, of, cells, range(0), last.to_ns - first.from_ns)

    def windows(self, scope: Scope | None) -> list[Stretch] | Unmeasured:
        """The stretches of the run that a scope means."""
        whole = Stretch(0, max(self.end_ns, 0) + 1)
        if scope is None:
            return [whole]
        named = [s for s in (self.phases if scope.when == "in" else self.faults) if scope.name in s.names]
        if not named:
            what = (
                f"no phase is called {scope.name!r}" if scope.when == "in" else f"no fault {scope.name!r} was applied"
            )
            return Unmeasured(why=what)
        if scope.when == "before":
            return [Stretch(0, min(s.from_ns for s in named))]
        if scope.when == "after":
            return [Stretch(max(s.to_ns for s in named), whole.to_ns)]
        if self.live:  # what is still to come has no samples, and no seconds
            return [Stretch(s.from_ns, max(s.from_ns, min(s.to_ns, whole.to_ns))) for s in named]
        return list(named)

    # -- what is kept

    def _came(self, of: str) -> bool:
        return any(ticks.of == of for ticks in self.ticks)

    def _track(self, step: str, of: str) -> Track | None:
        return next((track for track in self.tracks if track.step == step and track.of == of), None)

    def _latency_track(self, metric: str, of: str) -> Track | None:
        if metric == "confirm":
            return self._track(CONFIRM, of)
        found = self._track(metric, of)
        if found is None and metric == "shed":
            found = self._track(SHED, of)
        return found if found is not None else self._track(PROBED + metric, "")

    def _ticks(self, kind: Kind, metric: str, of: str) -> Ticks | None:
        event = metric if kind in ("count", "rate") else GOODPUT + metric
        return next((ticks for ticks in self.ticks if ticks.event == event and ticks.of == of), None)

    def _coarse(self, kind: Kind, metric: str, of: str) -> bool:
        if kind in ("count", "rate", "goodput", "goodput_share"):
            ticks = self._ticks(kind, metric, of)
            return bool(of) and (ticks is None or ticks.coarse)
        track = self._latency_track(metric, of) if kind == "latency" else self._track(metric, of)
        return bool(of) and (track is None or track.coarse)

    def _known(self, kind: Kind, metric: str, of: str) -> bool:
        """Whether anything of that name was measured at all, by whomever."""
        if kind in ("count", "rate"):
            return metric in EVENTS or any(ticks.event == metric for ticks in self.ticks)
        if kind == "latency":
            return metric in ("confirm", "shed") or self._latency_track(metric, "") is not None
        return kind in ("goodput", "goodput_share") or self._track(metric, "") is not None

    def _fact(self, kind: Kind, metric: str, scope: Scope | None, of: str) -> Measure | None:
        said = str(scope) if scope is not None else ""
        # In the report a fault's and a phase's names are one each: any of them finds it.
        for fact in self.facts:
            if fact.kind == kind and fact.metric == metric and fact.of == of and fact.scope == said:
                return fact.measure()
        windows = self.windows(scope)
        if isinstance(windows, Unmeasured):
            return windows
        known = any(fact.kind == kind and fact.metric == metric for fact in self.facts)
        if kind == "amplification" and (known or metric in PROVIDER or self._track(metric, "") is not None):
            return Unmeasured(why="this report does not tell: judge its recording")
        return None

    def _measure(
        self, kind: Kind, metric: str, of: str, sure: Sequence[int], unsure: Sequence[int], lasting_ns: int
    ) -> Measure | None:
        if not self._known(kind, metric, of):
            if kind == "availability" and self._track(metric, "") is None:
                return Unmeasured(why=f"no probe of {metric!r} was answered yet") if self.live else None
            return None
        if kind == "latency":
            return self._durations(self._latency_track(metric, of), sure, unsure)
        if kind in ("count", "rate", "goodput", "goodput_share"):
            return self._counted(kind, metric, of, sure, unsure, lasting_ns)
        step = PROBED + metric if kind == "availability" else metric
        track = self._track(step, of)
        if kind == "amplification":
            return self._amplification(track, sure, unsure)
        return self._share(kind, track, sure, unsure)

    def _durations(self, track: Track | None, sure: Sequence[int], unsure: Sequence[int]) -> Rough:
        found = Rough(missing=self.lost)
        for cell in _cells(track, sure):
            add(found.ended, cell.ended)
            found.ended_ns += cell.ended_ns
            add(found.open, cell.open)
            add(found.unsure_open, cell.waiting)
        for cell in _cells(track, unsure):
            add(found.unsure_ended, cell.ended)
            add(found.unsure_open, cell.open)
            add(found.unsure_open, cell.waiting)
        if self.lost and found.open:
            found.open = {0: sum(found.open.values())}
        return found

    def _share(self, kind: Kind, track: Track | None, sure: Sequence[int], unsure: Sequence[int]) -> Measure:
        total = bad = undecided = maybe_bad = maybe_good = 0
        for cell in _cells(track, sure):
            total, bad, undecided = total + cell.total, bad + cell.bad, undecided + cell.undecided
        for cell in _cells(track, unsure):
            maybe_bad += cell.bad + cell.undecided
            maybe_good += cell.total - cell.bad
        if kind == "availability":
            steps = (len(sure) + len(unsure)) * self.probes_per_step
            maybe_good += max(0, round(steps + 0.5) - total) if self.probes_per_step else 0
        maybe_bad, maybe_good = maybe_bad + self.lost, maybe_good + self.lost
        if not total:
            return Tally(good=0, total=0) if not maybe_bad and not maybe_good else Unmeasured(why="nothing is sure yet")
        if not undecided and not maybe_bad and not maybe_good:
            return Tally(good=total - bad if kind == "availability" else bad, total=total)
        low = bad / (total + maybe_good)
        high = (bad + undecided + maybe_bad) / (total + maybe_bad)
        if kind == "availability":
            low, high = 1 - high, 1 - low
        return Between(low=low, high=high, samples=total)

    def _counted(
        self, kind: Kind, metric: str, of: str, sure: Sequence[int], unsure: Sequence[int], lasting_ns: int
    ) -> Measure:
        ticks = self._ticks(kind, metric, of)
        low = sum(ticks.counts.get(cell, 0) for cell in sure) if ticks is not None else 0
        high = low + (sum(ticks.counts.get(cell, 0) for cell in unsure) if ticks is not None else 0) + self.lost
        if self.live and kind == "goodput":
            low = 0  # who was told in time is only known at the end; no more than were told at all
        if kind == "count":
            return _between(low, high, self.arrivals)
        if kind == "goodput_share":
            begun = next((t for t in self.ticks if t.event == WANTED and t.of == of), None)
            wanted = sum(begun.counts.get(cell, 0) for cell in sure) if begun is not None else 0
            return _between(low / wanted if wanted else 0.0, high / wanted if wanted else 0.0, wanted)
        seconds = lasting_ns / NS_PER_S
        return _between(low / seconds if seconds else 0.0, high / seconds if seconds else 0.0, self.arrivals)

    def _amplification(self, track: Track | None, sure: Sequence[int], unsure: Sequence[int]) -> Measure:
        cells, further = [*_cells(track, sure)], [*_cells(track, unsure)]
        sends = sum(cell.sends for cell in cells)
        most = sum(cell.wanted for cell in cells) + sum(cell.wanted for cell in further)
        if self.live:
            # Whoever was never here before this cell is new; of the others nobody knows which tried again.
            most = min(most, sum(cell.first for cell in track.cells.values()) if track is not None else 0)
            most += self.lost
            return Between(low=sends / most if most else 0.0, high=float("inf"), samples=sends)
        least = max([sum(cell.first for cell in cells), *(cell.wanted for cell in cells)])
        return _between(sends / most if most else 0.0, sends / least if least else 0.0, least)

    def _whole_steps(self, window: Stretch) -> Iterator[Step]:
        first = -(-window.from_ns // self.step_ns)
        until_ns = min(window.to_ns, self.end_ns + 1)
        for number in range(first, until_ns // self.step_ns):
            from_ns, to_ns = number * self.step_ns, (number + 1) * self.step_ns
            yield Step(from_ns, to_ns, bisect_left(self.cuts, from_ns), bisect_left(self.cuts, to_ns))


def _between(low: float, high: float, samples: int) -> Measure:
    return Number(value=low, samples=samples) if low == high else Between(low=low, high=high, samples=samples)


def _cells(track: Track | None, which: Sequence[int]) -> Iterator[Cell]:
    if track is None:
        return
    cells = track.cells
    if len(which) < len(cells):
        for number in which:
            if (cell := cells.get(number)) is not None:
                yield cell
        return
    wanted = set(which)
    for number, cell in cells.items():
        if number in wanted:
            yield cell


def split(cuts: Sequence[int], windows: Sequence[Stretch]) -> tuple[list[int], list[int]]:
    """The cells that lie in a window, and those that only overlap one."""
    sure: set[int] = set()
    unsure: set[int] = set()
    for window in windows:
        if window.to_ns <= window.from_ns:
            continue
        first = max(0, bisect_right(cuts, window.from_ns) - 1)
        for cell in range(first, min(len(cuts) - 1, bisect_left(cuts, window.to_ns))):
            inside = cuts[cell] >= window.from_ns and cuts[cell + 1] <= window.to_ns
            (sure if inside else unsure).add(cell)
    return sorted(sure), sorted(unsure - sure)


def cuts_of(step_ns: int, end_ns: int, stretches: Sequence[Stretch]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(cuts, edges) of a run that is known up to `end_ns`, that instant included."""
    after = max(end_ns, 0) + 1
    edges = {0, after, *(min(max(0, ns), after) for s in stretches for ns in (s.from_ns, s.to_ns))}
    return tuple(sorted(edges.union(range(0, after, step_ns)))), tuple(sorted(edges))


def waited(counts: Counts, lasted_ns: int, n: int) -> None:
    """Add so many that have waited at least so long."""
    if n > 0:
        counter = counter_of(lasted_ns)
        counts[counter] = counts.get(counter, 0) + n
