"""A recording as thresholds see it, by steps of time: what windows are judged by, and what a report takes along.

Every number is the one of measures.py, cut into cells: all cells together are the whole, to two digits of a duration.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from surgectl.audit.books import lay
from surgectl.audit.course import lay_wants
from surgectl.audit.events import KNOWN_ENDS, arrivals, ends_told, instants_of
from surgectl.audit.expectations import Expectations
from surgectl.audit.fates import INTENTS
from surgectl.audit.windows import FaultWindow, windows_meant
from surgectl.recording.relations import Relations
from surgectl.stats.rough import EDGES, counters_of
from surgectl.thresholds.measure import Measure, Number, Unmeasured
from surgectl.thresholds.samples import (
    CONFIRM,
    GOODPUT,
    PROBED,
    PROVIDER,
    SHED,
    WANTED,
    Cell,
    Fact,
    Samples,
    Stretch,
    Ticks,
    Track,
    cuts_of,
)
from surgectl.thresholds.threshold import EVENTS, FATES, Kind, Scope
from surgectl.units import NS_PER_S

Array = np.ndarray[Any, Any]
Lone = Callable[[Kind, str, Scope | None], Measure | None]
"""(kind, metric, scope) → a number that does not add up from cells, counted by itself (measures.py)."""
_NEVER = -1


def sampled(
    relations: Relations,
    expectations: Expectations,
    faults: Sequence[FaultWindow],
    end_ns: int,
    *,
    lone: Lone,
    apart: frozenset[str] = frozenset(),
    step_ns: int = NS_PER_S,
) -> Samples:
    """The samples of a run. `apart`: retry profiles that are kept by the step, not only between the edges."""
    lay(relations)
    lay_wants(relations)
    return _Sampling(relations, expectations, faults, end_ns, lone, apart, step_ns).samples()


class _Sampling:
    """One run being cut."""

    def __init__(
        self,
        relations: Relations,
        expectations: Expectations,
        faults: Sequence[FaultWindow],
        end_ns: int,
        lone: Lone,
        apart: frozenset[str],
        step_ns: int,
    ) -> None:
        self.relations = relations
        self.expectations = expectations
        self.faults_on = faults
        self.end_ns = end_ns
        self.lone = lone
        self.apart = apart
        self.step_ns = step_ns
        self.phases = tuple(Stretch(p.start_ns, p.end_ns, (p.name,)) for p in expectations.phases)
        self.faults = tuple(
            Stretch(f.from_ns, f.to_ns, tuple(dict.fromkeys(n for n in ("fault", f.fault, f.link, f.brownout) if n)))
            for f in faults
        )
        self.cuts, self.edges = cuts_of(step_ns, end_ns, (*self.phases, *self.faults))
        self.profiles = [row[0] for row in self.relations.rows("SELECT DISTINCT profile FROM intents ORDER BY 1")]
        self.steps = [
            row[0] for row in self.relations.rows("SELECT DISTINCT step FROM attempts ORDER BY 1") if row[0] is not None
        ]
        self._where = {False: np.array(self.cuts, np.int64), True: np.array(self.edges, np.int64)}

    def samples(self) -> Samples:
        return Samples(
            step_ns=self.step_ns,
            end_ns=self.end_ns,
            cuts=self.cuts,
            edges=self.edges,
            phases=self.phases,
            faults=self.faults,
            arrivals=arrivals(self.relations),
            tracks=tuple(self._tracks()),
            ticks=tuple(self._ticks()),
            facts=tuple(self._facts()),
        )

    # -- durations

    def _tracks(self) -> list[Track]:
        end = int(self.end_ns)
        tracks: list[Track] = []
        for step in self.steps:
            tracks += self._cut(
                step,
                f"""SELECT a.due_ns AS at, CASE WHEN a.sent_ns IS NOT NULL OR a.done_ns IS NULL
                      THEN greatest(0, coalesce(a.done_ns, {end}) - a.due_ns) ELSE {_NEVER} END AS ns,
                    a.outcome = 'info' AS open, a.outcome = 'info' OR a.why = 'not-sent' AS bad,
                    a.sent_ns IS NOT NULL AS sent, {self._whose("a.intent")} AS who, hash(a.intent) AS intent
                    FROM attempts a WHERE a.step = ? AND NOT a.poll""",
                [step],
                counting=True,
            )
        shed = """(a.why = 'shed' OR a."then" = 'shed') AND a.done_ns IS NOT NULL"""
        rest = "false AS bad, false AS sent, {} AS who, 0::UBIGINT AS intent"
        tracks += self._cut(
            SHED,
            f"""SELECT a.due_ns AS at, greatest(0, a.done_ns - a.due_ns) AS ns, false AS open,
                {rest.format(self._whose("a.intent"))} FROM attempts a WHERE {shed}""",
        )
        tracks += self._cut(
            CONFIRM,
            f"""SELECT start_ns AS at, greatest(0, coalesce(known_ns, last_ns, start_ns) - start_ns) AS ns,
                known_ns IS NULL AS open, {rest.format(self._whose("c.intent"))} FROM book_confirming c""",
        )
        for (step,) in self.relations.rows("SELECT DISTINCT step FROM probes ORDER BY 1"):
            probed = self._cut(
                PROBED + step,
                """SELECT due_ns AS at, done_ns - due_ns AS ns, outcome = 'info' AS open, outcome <> 'ok' AS bad,
                   why <> 'late' AS sent, 0 AS who, 0::UBIGINT AS intent FROM probes WHERE step = ?""",
                [step],
            )
            tracks += probed
        return tracks

    def _whose(self, column: str) -> str:
        """SQL: the number of a row's retry profile from 1 on, 0 where it is not known."""
        if not self.profiles:
            return "0"
        names = ", ".join("'" + name.replace("'", "''") + "'" for name in self.profiles)
        return f"coalesce(list_position([{names}], (SELECT profile FROM who WHERE who.intent = {column})), 0)"

    def _cut(self, step: str, query: str, params: list[object] | None = None, *, counting: bool = False) -> list[Track]:
        with_who = f"WITH who AS (SELECT intent, any_value(profile) AS profile FROM intents GROUP BY intent) {query}"
        at, ns, still_open, bad, sent, who, intent = self.relations.arrays(with_who, params)
        inside = (at >= 0) & (at <= self.end_ns)
        at, ns, still_open, bad, sent, who, intent = (
            column[inside] for column in (at, ns, still_open, bad, sent, who, intent)
        )
        probe = step.startswith(PROBED)
        found = [self._track(step, "", False, at, ns, still_open, bad, sent, intent, counting=counting, probe=probe)]
        if probe or len(self.profiles) < 1:
            return found
        for number, name in enumerate(self.profiles, start=1):
            mine = who == number
            columns = [column[mine] for column in (at, ns, still_open, bad, sent, intent)]
            coarse = name not in self.apart
            found.append(self._track(step, name, coarse, *columns, counting=counting, probe=False))
        return found

    def _track(
        self,
        step: str,
        of: str,
        coarse: bool,
        at: Array,
        ns: Array,
        still_open: Array,
        bad: Array,
        sent: Array,
        intent: Array,
        *,
        counting: bool,
        probe: bool,
    ) -> Track:
        cell_of = self._cells(at, coarse)
        cells: dict[int, Cell] = {}

        def cell(number: int) -> Cell:
            found = cells.get(number)
            if found is None:
                found = cells[number] = Cell()
            return found

        lasted = ns != _NEVER
        counters = counters_of(ns.astype(np.int64))
        for pick, name in ((lasted & ~still_open, "ended"), (lasted & still_open, "open")):
            if pick.any():
                both, many = np.unique(cell_of[pick] * len(EDGES) + counters[pick], return_counts=True)
                for code, n in zip(both.tolist(), many.tolist(), strict=True):
                    getattr(cell(code // len(EDGES)), name)[code % len(EDGES)] = n
        ended = lasted & ~still_open
        for number, total in _sums(cell_of[ended], np.maximum(ns[ended], 0)):
            cell(number).ended_ns = total
        counted = sent if probe else np.ones(len(at), dtype=bool)  # a probe that came late counts neither way
        for number, n in _sums(cell_of[counted], None):
            cell(number).total = n
        for number, n in _sums(cell_of[counted & bad], None):
            cell(number).bad = n
        if counting and sent.any():
            self._amplified(cell, cell_of[sent], at[sent], intent[sent])
        return Track(step, of, coarse, cells)

    def _amplified(self, cell: Any, cell_of: Array, at: Array, intent: Array) -> None:
        """How often was sent, for how many intents, and how many of those had not sent before."""
        for number, n in _sums(cell_of, None):
            cell(number).sends = n
        order = np.lexsort((at, intent))
        cell_of, intent = cell_of[order], intent[order]
        new = np.ones(len(intent), dtype=bool)
        new[1:] = intent[1:] != intent[:-1]
        here = new.copy()
        here[1:] |= cell_of[1:] != cell_of[:-1]
        for number, n in _sums(cell_of[here], None):
            cell(number).wanted = n
        for number, n in _sums(cell_of[new], None):
            cell(number).first = n

    def _cells(self, at: Array, coarse: bool) -> Array:
        return np.asarray(np.searchsorted(self._where[coarse], at, side="right") - 1)

    # -- what happened

    def _ticks(self) -> list[Ticks]:
        ticks: list[Ticks] = []
        for event in dict.fromkeys([*EVENTS, *KNOWN_ENDS, *ends_told(self.relations)]):
            query = instants_of(self.relations, event)
            if query is not None:
                ticks += self._happened(event, query)
        for fate in ("resolved", *FATES):
            table = "resolved" if fate == "resolved" else f"fates WHERE \"end\" = '{fate}'"
            ticks += self._happened(GOODPUT + fate, f"{INTENTS} SELECT at_ns, intent FROM {table}")
        ticks += self._happened(WANTED, f"{INTENTS} SELECT first_ns AS at_ns, intent FROM wanted")
        return ticks

    def _happened(self, event: str, query: str) -> list[Ticks]:
        nobody = event in ("dropped", "paused")
        who = "0" if nobody else self._whose("e.intent")
        at, whose = self.relations.arrays(
            f"""WITH who AS (SELECT intent, any_value(profile) AS profile FROM intents GROUP BY intent)
                SELECT e.at_ns AS at, {who} AS who FROM ({query}) e WHERE e.at_ns >= 0 AND e.at_ns <= ?""",
            [self.end_ns],
        )
        found = [Ticks(event, "", False, dict(_sums(self._cells(at, False), None)))]
        for number, name in enumerate([] if nobody else self.profiles, start=1):
            coarse = name not in self.apart
            found.append(Ticks(event, name, coarse, dict(_sums(self._cells(at[whose == number], coarse), None))))
        return found

    # -- what does not add up

    def _facts(self) -> list[Fact]:
        facts = []
        names = list(dict.fromkeys(name for fault in self.faults for name in fault.names))
        planned = self.expectations.faults
        names += [n for f in planned for n in ("fault", f.fault, f.link, f.brownout) if n and n not in names]
        kinds: tuple[Kind, ...] = ("recovery", "drain")
        for kind in kinds:
            for name in dict.fromkeys(names):
                facts += self._fact(kind, name, None)
        scopes: list[Scope | None] = [None]
        scopes += [Scope(when="in", name=phase.names[0]) for phase in self.phases]
        for fault in self.faults:
            scopes += [Scope(when=when, name=n) for n in fault.names for when in ("before", "during", "after")]
        return facts + self._amplifications(list(dict.fromkeys(scopes)))

    def _amplifications(self, scopes: Sequence[Scope | None]) -> list[Fact]:
        """Sends for each intent, by scope: distinct things do not add up, so each is counted by itself, once."""
        where: dict[tuple[tuple[int, int], ...], list[str]] = {}
        for scope in scopes:
            windows = windows_meant(scope, self.faults_on, self.expectations.phases, self.end_ns)
            assert isinstance(windows, list)
            where.setdefault(tuple((w.from_ns, w.to_ns) for w in windows), []).append(str(scope or ""))
        steps = {name: number for number, name in enumerate(self.steps)}
        names = ", ".join("'" + name.replace("'", "''") + "'" for name in steps)
        at, intent, step, poll, who = self.relations.arrays(
            f"""WITH who AS (SELECT intent, any_value(profile) AS profile FROM intents GROUP BY intent)
                SELECT a.due_ns AS at, hash(a.intent) AS intent, list_position([{names or "''"}], a.step) - 1 AS step,
                a.poll AS poll, {self._whose("a.intent")} AS who FROM attempts a
                WHERE a.sent_ns IS NOT NULL AND a.method <> ''"""
        )
        # Sorted once: of any part of it, each pair of step and intent stands together.
        order = np.lexsort((intent, step))
        at, intent, step, poll, who = (column[order] for column in (at, intent, step, poll, who))
        facts: list[Fact] = []
        for stretches, scoped in where.items():
            inside = np.zeros(len(at), dtype=bool)
            for from_ns, to_ns in stretches:
                inside |= (at >= from_ns) & (at < to_ns)
            asked = next(scope for scope in scopes if str(scope or "") == scoped[0])
            provider = self._fact("amplification", PROVIDER[0], asked)
            facts += [msgspec.structs.replace(fact, scope=said) for fact in provider for said in scoped]
            for metric in ("fans", *self.steps):
                these = inside if metric == "fans" else inside & ~poll & (step == steps[metric])
                facts += [_amplified("amplification", metric, said, "", step, intent, these) for said in scoped]
                if "" in scoped:
                    facts += [
                        _amplified("amplification", metric, "", name, step, intent, these & (who == number))
                        for number, name in enumerate(self.profiles, start=1)
                    ]
        return facts

    def _fact(self, kind: Kind, metric: str, scope: Scope | None) -> list[Fact]:
        found = self.lone(kind, metric, scope)
        said = str(scope) if scope is not None else ""
        if isinstance(found, Number):
            value, samples = float(found.value), int(found.samples)
            return [Fact(kind, metric, said, "", value, samples, found.at_least)]
        if isinstance(found, Unmeasured):
            return [Fact(kind, metric, said, "", why=found.why)]
        return []


def _sums(cells: Array, values: Array | None) -> list[tuple[int, int]]:
    """(cell, how many, or the sum of the values), only cells that have any."""
    if not len(cells):
        return []
    which, place = np.unique(cells, return_inverse=True)
    if values is None:
        counted = np.bincount(place)
    else:
        # In two halves: a float holds whole numbers to 2**53 only, an hour's worth of ns a thousand times over is more.
        halves = (values >> 20, values & 0xFFFFF)
        high, low = (np.bincount(place, weights=half.astype(np.float64)) for half in halves)
        counted = (high.astype(np.int64) << 20) + low.astype(np.int64)
    return [(int(cell), int(n)) for cell, n in zip(which.tolist(), counted.tolist(), strict=True)]


def _amplified(kind: Kind, metric: str, scope: str, of: str, step: Array, intent: Array, these: Array) -> Fact:
    step, intent = step[these], intent[these]
    new = np.ones(len(intent), dtype=bool)
    new[1:] = (intent[1:] != intent[:-1]) | (step[1:] != step[:-1])
    wanted = int(new.sum())
    return Fact(kind, metric, scope, of, len(intent) / wanted if wanted else 0.0, wanted)
