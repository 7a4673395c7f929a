"""The books of one shop and its provider, as a target describes them: open them, read a kind, close them."""

from __future__ import annotations

import asyncio
import datetime
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from surgectl.clock import Clock
from surgectl.errors import UsageError
from surgectl.evidence import scale, stripe
from surgectl.evidence.ask import session, trust
from surgectl.evidence.asking import homes_of
from surgectl.evidence.compiled import CompiledSource, Origin, compile_source
from surgectl.evidence.csv import csv_of, read_csv
from surgectl.evidence.export import fetch
from surgectl.evidence.http import read_list
from surgectl.evidence.jsonl import jsonl_of, read_jsonl
from surgectl.evidence.look import Look, compile_path
from surgectl.evidence.mapping import SAME_STATES, MappingError, compile_mapping
from surgectl.evidence.mapping import Mapping as RowMapping
from surgectl.evidence.reading import PATIENT, Found, Patience, ReadError, Reading, Redact, also, unredacted
from surgectl.evidence.sieve import Rank, Ranked, Wanted, compile_rank, compile_where, last_of_each, named
from surgectl.evidence.sql import read_sql
from surgectl.evidence.tally import Tally, check_counter, compare, compile_counter
from surgectl.evidence.visit import Visit
from surgectl.journey.template import UnsetError, compile_text
from surgectl.profile.source import Column, Source
from surgectl.profile.target import Target
from surgectl.recording.evidence_rows import KINDS, HoldRow
from surgectl.recording.evidence_rows import _Row as EvidenceRow
from surgectl.recording.sense import COUNTS
from surgectl.text import one_line

DERIVED_REFUNDS = "refunds"
_LONGEST_REASON = 1000


def sources(target: Target) -> dict[str, Source]:
    """The sources of a target, by kind. A provider of Stripe's shape that gives charges gives its refunds, too."""
    found = dict(target.evidence)
    charges = found.get("charges")
    if charges is not None and charges.stripe is not None and DERIVED_REFUNDS not in found:
        found[DERIVED_REFUNDS] = Source(stripe=charges.stripe)
    return found


class Books:
    """`async with Books(…) as books: await books.read("orders")`.

    `variables` fill the requests' blanks: `run`, `setup` and what else the run knows. `since_epoch_s` is when the run
    began. `root` is where relative file names start; `redact` takes secrets out of every reason. `price_known`: the
    sale in `variables` is the one that the shop sells, so that sums can be held against its price.
    Raises UsageError, before anything is asked, where a source cannot be meant.
    """

    def __init__(
        self,
        target: Target,
        variables: Mapping[str, Any],
        since_epoch_s: float,
        clock: Clock,
        *,
        patience: Patience = PATIENT,
        root: Path | None = None,
        redact: Redact = unredacted,
        price_known: bool = True,
    ) -> None:
        self.sources = sources(target)
        self._price_known = price_known
        self._target = target
        # Shops compare instants as numbers or as text; whole seconds, as a fraction may be more than a shop can read.
        began = datetime.datetime.fromtimestamp(math.floor(since_epoch_s), datetime.UTC)
        self._variables = {"since": since_epoch_s, "since_iso": f"{began:%Y-%m-%dT%H:%M:%SZ}", **variables}
        self._since_epoch_s = since_epoch_s
        self._clock = clock
        self._patience = patience
        self._root = root or Path()
        self._redact = redact
        self._http: aiohttp.ClientSession | None = None
        self._homes = homes_of(target)
        self._tls = trust(target.tls, self._root)
        self._mappings: dict[str, RowMapping] = {kind: self._mapping(kind) for kind in self.sources}
        self._sieves: dict[str, tuple[Wanted, Rank | None]] = {
            kind: (
                compile_where(source.where, f"evidence.{kind}.where"),
                compile_rank(source.latest, f"evidence.{kind}.latest"),
            )
            for kind, source in self.sources.items()
        }
        self._compiled: dict[str, CompiledSource] = {}
        self._counters: dict[str, tuple[str, str, tuple[Callable[..., int], Callable[..., int]]]] = {}
        self._totals: dict[str, dict[str, Look]] = {}
        self._visits: dict[str, Visit] = {}
        self._prepare()

    def __repr__(self) -> str:
        return f"<Books of {self._target.name}: {', '.join(self.sources)}>"

    async def __aenter__(self) -> Self:
        self._http = session()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._visits.clear()
        if self._http is not None:
            await self._http.close()

    async def read(self, kind: str) -> Found:
        """All rows of one kind. What goes wrong is said in `problem`, never raised."""
        return (await self.read_all([kind]))[kind]

    async def read_all(self, kinds: Sequence[str] | None = None) -> dict[str, Found]:
        """All rows of these kinds (None: of every kind), one source after another; shared sources once."""
        return (await self._read(list(self.sources if kinds is None else kinds), []))[0]

    async def read_and_compare(self) -> tuple[dict[str, Found], list[Tally]]:
        """All rows of every kind, and what the shop's own counters say of them."""
        return await self._read(list(self.sources), list(self._counters))

    async def _read(self, kinds: list[str], counters: list[str]) -> tuple[dict[str, Found], list[Tally]]:
        origins = list(dict.fromkeys([*map(self._origin, kinds), *(self._counted_at(name) for name in counters)]))
        raw = await self._raw(origins)
        found = {kind: self._mapped(kind, raw[self._origin(kind)]) for kind in kinds}
        tallies = []
        for called in counters:
            kind, name, counter = self._counters[called]
            at = self._counted_at(called)
            tally = compare(kind, name, counter, raw[at], found[kind], self._redact(self._compiled[at].place))
            tallies.append(msgspec.structs.replace(tally, problem=self._hidden(tally.problem)))
        return found, tallies

    @property
    def totals(self) -> dict[str, int]:
        """The authorities that keep totals themselves → how often to ask, in ns."""
        return {name: int(totals.live) for name, totals in self._target.totals.items()}

    async def total(self, name: str) -> dict[str, int] | None:
        """The totals of one of them; None: it did not answer, or not with whole numbers."""
        reading = await self._one(f"totals.{name}")
        if reading.problem or len(reading.rows) != 1:
            return None
        try:
            found = {column: place(reading.rows[0]) for column, place in self._totals[name].items()}
        except (ReadError, RecursionError):
            return None
        whole = {column: value for column, value in found.items() if type(value) is int and abs(value) < 2**53}
        return whole if len(whole) == len(found) else None

    def _origin(self, kind: str) -> str:
        """The kind whose source is really read: follows `same:`."""
        seen = [kind]
        while (same := self.sources[seen[-1]].same) is not None:
            if same in seen or same not in self.sources:
                raise UsageError(f'"same: {same}" leads nowhere', where=f"evidence.{kind}")
            seen.append(same)
        return seen[-1]

    def _counted_at(self, called: str) -> str:
        """Where a counter is read: its own source, or that of a kind."""
        kind, name, _ = self._counters[called]
        same = self.sources[kind].counters[name].same
        return self._origin(same) if same is not None else called

    def _mapping(self, kind: str) -> RowMapping:
        source = self.sources[kind]
        origin = self._origin(kind)
        where = f"evidence.{kind}"
        if origin != kind and not source.states and {origin, kind} <= SAME_STATES:
            source = msgspec.structs.replace(source, states=self.sources[origin].states)
        return compile_mapping(kind, source, where, keys=stripe.USUAL_KEYS if source.stripe else None)

    def _prepare(self) -> None:
        """What can be wrong without asking anybody is said before anybody is asked."""
        for kind, source in self.sources.items():
            self._compile(kind, kind, source, f"evidence.{kind}")
        for kind, source in self.sources.items():
            columns = tuple(field.name for field in msgspec.structs.fields(KINDS[kind]) if field.name in COUNTS)
            for name, counter in source.counters.items():
                where, called = f"evidence.{kind}.counters.{name}", f"{kind}.{name}"
                check_counter(counter, columns, where)
                if counter.same is None:
                    self._compile(called, kind, counter, where)
                elif counter.same not in self.sources:
                    raise UsageError(f'"same: {counter.same}" leads nowhere', where=where)
                named = self.sources[counter.same].row if counter.same is not None else {}
                self._counters[called] = (kind, name, compile_counter(counter, where, named))
        for compiled in self._compiled.values():
            if compiled.login_of is not None:
                there = self._compiled.get(compiled.login_of)
                if there is None or there.login_of is not None or not there.login:
                    raise UsageError(
                        f'"{compiled.login_of}" has no login',
                        where=f"{compiled.where}.http.login",
                        hint="a kind of evidence that has one",
                    )

        for name, totals in self._target.totals.items():
            where = f"totals.{name}"
            self._compile(where, name, Source(http=totals.http), where)
            self._totals[name] = {
                column: compile_path(at, f"{where}.row.{column}") for column, at in totals.row.items()
            }

    def _compile(self, called: str, kind: str, origin: Origin, where: str) -> None:
        if isinstance(origin, Source) and origin.same is not None:
            return
        self._compiled[called] = compile_source(called, kind, origin, self._homes, where)

    async def _raw(self, origins: Sequence[str]) -> dict[str, Reading]:
        """Every source's rows, in whatever order: databases first, each in one look."""
        readings: dict[str, Reading] = {}
        by_dsn: dict[str, list[str]] = {}
        for called in origins:
            sql = self._compiled[called].sql
            if sql is not None:
                by_dsn.setdefault(sql.dsn, []).append(called)
        for together in by_dsn.values():
            queries = {called: sql for called in together if (sql := self._compiled[called].sql) is not None}
            where = {called: f"{self._compiled[called].where}.sql" for called in together}
            readings |= await read_sql(queries, self._variables, self._patience, where)
        for called in origins:
            if called not in readings:
                readings[called] = await self._one(called)
        return readings

    async def _one(self, called: str) -> Reading:
        compiled = self._compiled[called]
        try:
            async with asyncio.timeout(self._patience.whole_ns / 1e9):
                return await self._ask(compiled)
        except TimeoutError:
            return Reading(problem=f"not read within {self._patience.whole_ns / 1e9:g}s")
        except ReadError as error:
            return Reading(problem=str(error))
        except RecursionError:
            return Reading(problem="an answer that is nested too deeply")

    async def _ask(self, compiled: CompiledSource) -> Reading:
        assert self._http is not None, "async with Books(…)"
        patience = self._patience
        if compiled.list is not None:
            return await read_list(compiled.list, self._visit(compiled), patience)
        if compiled.stripe is not None:
            return await stripe.read_stripe(
                compiled.stripe,
                compiled.kind,
                self._since_epoch_s,
                self._http,
                patience,
                self._clock,
                with_intents=compiled.with_intents,
            )
        file = compiled.csv or compiled.jsonl
        if file is None:
            raise ReadError("is read from nowhere", where=compiled.where)
        if file.file is not None:
            path = self._file(file.file, f"{compiled.where}.file")
            return await (read_csv(path, compiled.csv) if compiled.csv is not None else read_jsonl(path))
        # A visitor of its own: an export that is asked for again is another one.
        visit = Visit((), self._variables, self._homes, self._http, self._clock, self._tls)
        body = await fetch(compiled.export, visit, patience)
        if compiled.csv is not None:
            return await csv_of(body, "the export", compiled.csv)
        return await jsonl_of(body, "the export")

    def _visit(self, compiled: CompiledSource) -> Visit:
        """Who asks: sources that share a login share a visitor."""
        assert self._http is not None
        called = compiled.login_of or compiled.called
        if called not in self._visits:
            login = self._compiled[called].login
            self._visits[called] = Visit(login, self._variables, self._homes, self._http, self._clock, self._tls)
        return self._visits[called]

    def _file(self, name: str, where: str) -> Path:
        try:
            return self._root / compile_text(name, where).render(self._variables)
        except UnsetError as error:
            raise ReadError(str(error), where=where) from error

    def _mapped(self, kind: str, reading: Reading) -> Found:
        mapping, (wanted, rank) = self._mappings[kind], self._sieves[kind]
        made: list[Ranked] = []
        refused, first, mixed = 0, "", ""
        for number, raw in enumerate(reading.rows, start=1):
            place = reading.lines[number - 1] if reading.lines else number
            try:
                if wanted(raw):
                    made.extend((row, place, rank(raw) if rank else None) for row in mapping(raw))
            except (MappingError, ReadError) as error:
                refused += 1
                first = first or f"the first ({'line' if reading.lines else 'row'} {place}): {error}"
        if rank:
            try:
                made = last_of_each(made)
            except ReadError as error:
                mixed = str(error)
        rows, places = [row for row, _, _ in made], [place for _, place, _ in made]
        unmapped = f"{refused} of {len(reading.rows)} rows cannot be mapped; {first}" if refused else ""
        # A provider of Stripe's shape says what its sums are; only a target's own words can be wrong about it.
        believed = self.sources[kind].stripe or not self._price_known
        scaled = "" if believed else scale.misread(rows, self._variables, written_out=_as_text(self.sources[kind]))
        problem = also(reading.problem, unmapped, mixed, repeated(rows), scaled)
        return Found(
            kind=kind,
            rows=rows,
            places=places,
            # What is declared counts the source's rows; items within them, or some of them, are declared by nobody.
            declared=None if self._picked(kind) else reading.declared,
            cut_at=reading.cut_at,
            problem=self._hidden(problem),
            source=self._redact(self._compiled[self._origin(kind)].place),
        )

    def _picked(self, kind: str) -> bool:
        source = self.sources[kind]
        return any(part is not None for part in (source.each, source.same, source.where, source.latest))

    def _hidden(self, text: str) -> str:
        """On one line of sane length, without secrets, those that a login handed out included."""
        for visit in self._visits.values():
            for value in visit.taken.values():
                if isinstance(value, str) and len(value) >= 8:
                    text = text.replace(value, "***")
        return one_line(self._redact(text), _LONGEST_REASON)


def _as_text(source: Source) -> bool:
    """Whether every sum of these rows is read as people write it."""
    forms = [column.money for column in source.row.values() if isinstance(column, Column) and column.money]
    return bool(forms) and all(form.startswith("text") for form in forms)


_ONE_EACH = (
    " (let the source give one row each: `latest:` where the last of several is true, `where:` for those that are"
    " meant, a query that groups its lines)"
)


def repeated(rows: list[EvidenceRow]) -> str:
    """Why a list that names one thing twice cannot be counted; empty where it names each once.

    A ticket that stands in two orders is two sales and no repetition.
    """
    counts = Counter(name for row in rows if (name := _once(row)) is not None)
    twice = [name for name, times in counts.items() if times > 1]
    return f"{len(twice)} of them are listed more than once; the first: {twice[0]}{_ONE_EACH}" if twice else ""


def _once(row: EvidenceRow) -> str | None:
    """What a list should name once."""
    return None if isinstance(row, HoldRow) else named(row)
