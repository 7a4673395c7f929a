"""The books of one shop and its provider, as a target describes them: open them, read a kind, close them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from surgectl.clock import Clock
from surgectl.errors import UsageError
from surgectl.evidence import stripe
from surgectl.evidence.ask import session
from surgectl.evidence.csv import read_csv
from surgectl.evidence.http import HttpList, compile_list, read_list
from surgectl.evidence.jsonl import read_jsonl
from surgectl.evidence.look import Look, compile_path
from surgectl.evidence.mapping import SAME_STATES, MappingError, compile_mapping
from surgectl.evidence.mapping import Mapping as RowMapping
from surgectl.evidence.reading import PATIENT, Found, Patience, ReadError, Reading, Redact, also, unredacted
from surgectl.evidence.sql import read_sql
from surgectl.journey.template import UnsetError, compile_text, compile_value
from surgectl.profile.target import Source, Target
from surgectl.recording.evidence_rows import ChargeRow, OrderRow, RefundRow, TicketRow
from surgectl.recording.evidence_rows import _Row as EvidenceRow

DERIVED_REFUNDS = "refunds"


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
    began. `root` is where relative file names start; `redact` takes secrets out of every reason.
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
    ) -> None:
        self.sources = sources(target)
        self._target = target
        self._variables = {"since": since_epoch_s, **variables}
        self._since_epoch_s = since_epoch_s
        self._clock = clock
        self._patience = patience
        self._root = root or Path()
        self._redact = redact
        self._http: aiohttp.ClientSession | None = None
        self._mappings: dict[str, RowMapping] = {kind: self._mapping(kind) for kind in self.sources}
        self._lists: dict[str, HttpList] = {}
        self._counters: dict[str, tuple[HttpList, dict[str, Look]]] = {}
        self._prepare()

    def __repr__(self) -> str:
        return f"<Books of {self._target.name}: {', '.join(self.sources)}>"

    async def __aenter__(self) -> Self:
        self._http = session()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()

    async def read(self, kind: str) -> Found:
        """All rows of one kind. What goes wrong is said in `problem`, never raised."""
        return (await self.read_all([kind]))[kind]

    async def read_all(self, kinds: Sequence[str] | None = None) -> dict[str, Found]:
        """All rows of these kinds (None: of every kind), one source after another; shared sources once."""
        raw: dict[str, Reading] = {}
        found: dict[str, Found] = {}
        for kind in self.sources if kinds is None else kinds:
            origin = self._origin(kind)
            if origin not in raw:
                raw[origin] = await self._raw(origin)
            found[kind] = self._mapped(kind, raw[origin])
        return found

    @property
    def counters(self) -> dict[str, int]:
        """The authorities that keep totals themselves → how often to ask, in ns."""
        return {name: int(counters.live) for name, counters in self._target.counters.items()}

    async def count(self, name: str) -> dict[str, int] | None:
        """The totals of one of them; None: it did not answer, or not with whole numbers."""
        assert self._http is not None, "async with Books(…)"
        wanted, places = self._counters[name]
        try:
            async with asyncio.timeout(self._patience.whole_ns / 1e9):
                reading = await read_list(wanted, self._http, self._patience, self._clock)
            if reading.problem or len(reading.rows) != 1:
                return None
            found = {key: place(reading.rows[0]) for key, place in places.items()}
        except (TimeoutError, ReadError, RecursionError):
            return None
        whole = {key: value for key, value in found.items() if type(value) is int and abs(value) < 2**53}
        return whole if len(whole) == len(found) else None

    def _origin(self, kind: str) -> str:
        """The kind whose source is really read: follows `same:`."""
        seen = [kind]
        while (same := self.sources[seen[-1]].same) is not None:
            if same in seen or same not in self.sources:
                raise UsageError(f'"same: {same}" leads nowhere', where=f"evidence.{kind}")
            seen.append(same)
        return seen[-1]

    def _mapping(self, kind: str) -> RowMapping:
        source = self.sources[kind]
        origin = self._origin(kind)
        where = f"evidence.{kind}"
        if origin != kind and not source.states and {origin, kind} <= SAME_STATES:
            source = Source(
                same=source.same,
                each=source.each,
                row=source.row,
                key=source.key,
                states=self.sources[origin].states,
            )
        return compile_mapping(kind, source, where, keys=stripe.USUAL_KEYS if source.stripe else None)

    def _prepare(self) -> None:
        """What can be wrong without asking anybody is said before anybody is asked."""
        for kind, source in self.sources.items():
            where = f"evidence.{kind}"
            if source.http is not None:
                base = self._base(source.http.origin, kind)
                self._lists[kind] = compile_list(source.http, base, self._variables, f"{where}.http")
            elif source.sql is not None:
                for name, value in source.sql.params.items():
                    compile_value(value, f"{where}.sql.params.{name}")
            elif not (source.stripe or source.csv or source.jsonl or source.same):
                raise UsageError("is read from nowhere", where=where, hint="one of http, sql, stripe, csv, jsonl, same")

        for name, counters in self._target.counters.items():
            where = f"counters.{name}"
            wanted = compile_list(counters.http, self._base(counters.http.origin, name), self._variables, where)
            self._counters[name] = wanted, {k: compile_path(at, f"{where}.row.{k}") for k, at in counters.row.items()}

    def _base(self, origin: str | None, kind: str) -> str:
        if origin is None:
            return self._target.base_url
        if origin not in self._target.origins:
            raise UsageError(f'no such origin: "{origin}"', where=f"evidence.{kind}", hint="name it under origins:")
        return self._target.origins[origin]

    async def _raw(self, kind: str) -> Reading:
        source, where = self.sources[kind], f"evidence.{kind}"
        try:
            async with asyncio.timeout(self._patience.whole_ns / 1e9):
                return await self._ask(kind, source, where)
        except TimeoutError:
            return Reading(problem=f"not read within {self._patience.whole_ns / 1e9:g}s")
        except ReadError as error:
            return Reading(problem=str(error))
        except RecursionError:
            return Reading(problem="an answer that is nested too deeply")

    async def _ask(self, kind: str, source: Source, where: str) -> Reading:
        assert self._http is not None, "async with Books(…)"
        patience, clock = self._patience, self._clock
        if kind in self._lists:
            return await read_list(self._lists[kind], self._http, patience, clock)
        if source.stripe is not None:
            return await stripe.read_stripe(source.stripe, kind, self._since_epoch_s, self._http, patience, clock)
        if source.sql is not None:
            return await read_sql(source.sql, self._variables, patience, f"{where}.sql")
        if source.csv is not None:
            return await read_csv(self._file(source.csv.file, f"{where}.csv.file"))
        if source.jsonl is not None:
            return await read_jsonl(self._file(source.jsonl.file, f"{where}.jsonl.file"))
        raise ReadError("is read from nowhere", where=where)

    def _file(self, name: str, where: str) -> Path:
        try:
            return self._root / compile_text(name, where).render(self._variables)
        except UnsetError as error:
            raise ReadError(str(error), where=where) from error

    def _mapped(self, kind: str, reading: Reading) -> Found:
        mapping, rows = self._mappings[kind], list[EvidenceRow]()
        refused, first = 0, ""
        for number, raw in enumerate(reading.rows, start=1):
            try:
                rows.extend(mapping(raw))
            except MappingError as error:
                refused += 1
                first = first or f"the first (row {number}): {error}"
        unmapped = f"{refused} of {len(reading.rows)} rows cannot be mapped; {first}" if refused else ""
        problem = also(reading.problem, unmapped, repeated(rows))
        return Found(
            kind=kind,
            rows=rows,
            # What is declared counts the source's rows; items within them are not declared by anybody.
            declared=None if self.sources[kind].each or self.sources[kind].same else reading.declared,
            problem=self._redact(problem),
            source=self._redact(self._place(kind)),
        )

    def _place(self, kind: str) -> str:
        """Where a kind is read, in the target's words: never an address, a dsn or a secret."""
        source = self.sources[self._origin(kind)]
        if source.http is not None:
            return f"http {source.http.get or source.http.post}".partition("?")[0]
        if source.stripe is not None:
            return f"stripe /v1/{kind}"
        if source.csv is not None:
            return f"csv {source.csv.file}"
        if source.jsonl is not None:
            return f"jsonl {source.jsonl.file}"
        return "sql"


def repeated(rows: list[EvidenceRow]) -> str:
    """Why a list that names one thing twice cannot be counted; empty where it names each once.

    A ticket that stands in two orders is two sales and no repetition.
    """
    counts = Counter(name for row in rows if (name := _name(row)) is not None)
    twice = [name for name, times in counts.items() if times > 1]
    return f"{len(twice)} of them are listed more than once; the first: {twice[0]}" if twice else ""


def _name(row: EvidenceRow) -> str | None:
    match row:
        case OrderRow(order=name) | ChargeRow(charge=name) | RefundRow(refund=name):
            return name
        case TicketRow():
            return f"{row.ticket} of order {row.order}"
    return None
