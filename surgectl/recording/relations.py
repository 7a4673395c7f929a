"""One recording as tables that can be asked anything: what fans did, what was broken, what the three ledgers say.

The tables are the same whether they come from a run's folder (Parquet, see parquet.py) or from rows in a test:
DuckDB answers over both. Prose and examples: docs/recording.md; how ledger rows find their intent: links.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import numpy as np

from surgectl.aside import Aside, new_place
from surgectl.errors import SurgectlError, UsageError
from surgectl.recording import manifest as manifests
from surgectl.recording.columns import quoted
from surgectl.recording.evidence_rows import KINDS, SourceRow
from surgectl.recording.evidence_rows import _Row as EvidenceRow
from surgectl.recording.links import LINKS
from surgectl.recording.parquet import ATTEMPTS, DONES, INVOKES, convert
from surgectl.recording.rows import ChaosRow, OpRow, VitalsRow
from surgectl.recording.tables import TABLES, Cells, Row, arrow, cells_of
from surgectl.units import NS_PER_S

MEMORY = "1300MB"
"""What the tables of one recording may hold in memory; beyond that they go to a temporary folder."""


class Relations:
    """The tables of one recording, ready for SQL. Close it, or use it in a `with`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._asides: list[Aside] = []
        self._files: list[Path] = []

    def __repr__(self) -> str:
        return f"<Relations of {len(TABLES)} tables>"

    @classmethod
    def from_rows(
        cls,
        ops: Iterable[OpRow] = (),
        evidence: Mapping[str, Iterable[EvidenceRow]] | None = None,
        chaos: Iterable[ChaosRow] = (),
        vitals: Iterable[VitalsRow] = (),
        vitals_of: Mapping[int, Iterable[VitalsRow]] | None = None,
        between_s: tuple[float, float | None] | None = None,
    ) -> Relations:
        """The tables of rows in memory: `line` is a row's place in its list, `file` the name it would have.

        `vitals_of`: those of further workers, by their shard. `between_s`: row time zero and the reading of
        the books by the wall clock.
        """
        given = dict(evidence or {})
        if unknown := sorted(set(given) - set(KINDS)):
            raise UsageError(f"no such kind of evidence: {', '.join(unknown)}", hint=f"one of {', '.join(KINDS)}")
        collected: dict[str, list[Cells]] = {table: [] for table in TABLES}
        _gather(collected, "ops/0.jsonl.zst", ops)
        _gather(collected, "chaos.jsonl", chaos)
        _gather(collected, "vitals.jsonl", vitals)
        for shard, pulse in (vitals_of or {}).items():
            _gather(collected, f"vitals-{shard}.jsonl", pulse)
        for kind, found in given.items():
            _gather(collected, f"evidence/{kind}.jsonl", found)
        connection = duckdb.connect()
        for table, cells in collected.items():
            connection.register(table, arrow(table, cells))
        return cls._open(connection, f"CREATE VIEW attempts AS {ATTEMPTS}", between_s)

    @classmethod
    def from_folder(cls, run: Path) -> Relations:
        """The tables of a run's folder, converting what changed since the last time (parquet.py).

        Where the folder cannot be written (a CI artefact, a mounted share), the conversion goes to a temporary one that
        lives as long as this. Raises UsageError where there is no recording, DamagedError where it is damaged.
        """
        run = run.resolve()
        asides: list[Aside] = []
        try:
            converted = convert(run)
        except OSError:  # not writable; were it not readable either, the second try says so
            asides.append(Aside(new_place("tables")))
            converted = convert(run, asides[-1].make())
        files = converted.files
        asides.append(Aside(new_place("tables")))
        connection = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(asides[-1].make())})
        for table in TABLES.keys() - files.keys() - ({"invokes", "dones"} if "attempts" in files else set()):
            connection.register(table, arrow(table, []))
        read = {
            table: f"SELECT * FROM read_parquet([{', '.join(map(quoted, paths))}])" for table, paths in files.items()
        }
        if "attempts" in files:
            alone = f" UNION ALL {read['dones']}" if "dones" in read else ""
            read |= {"invokes": INVOKES, "dones": DONES + alone}
        else:
            read["attempts"] = ATTEMPTS
        if converted.flaws:
            connection.register("flaws" if "sources" in read else "sources", _flawed(converted.flaws))
            if "sources" in read:
                read["sources"] += " UNION ALL SELECT * FROM flaws"
        views = [f"CREATE VIEW {table} AS {query}" for table, query in sorted(read.items())]
        relations = cls._open(connection, ";\n".join(views), _times(run))
        relations._asides = asides
        relations._files = [path for paths in files.values() for path in paths]
        return relations

    @classmethod
    def _open(
        cls, connection: duckdb.DuckDBPyConnection, views: str, between_s: tuple[float, float | None] | None = None
    ) -> Relations:
        connection.execute(views)
        connection.execute(
            "CREATE TEMP TABLE run_time AS SELECT ?::DOUBLE AS started_epoch_s, ?::DOUBLE AS settled_epoch_s",
            list(between_s or (None, None)),
        )
        connection.execute(LINKS)
        return cls(connection)

    def rows(self, query: str, params: Sequence[object] | Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """Every row of the answer. `params` fill `?` (a sequence) or `$name` (a mapping)."""
        return self.connection.execute(query, params).fetchall()

    def one(self, query: str, params: Sequence[object] | Mapping[str, object] | None = None) -> tuple[Any, ...]:
        """The first row of an answer that has one: counts and other aggregates."""
        row = self.connection.execute(query, params).fetchone()
        if row is None:
            raise LookupError(f"no row answers {query!r}")
        return tuple(row)

    def dicts(self, query: str, params: Sequence[object] | Mapping[str, object] | None = None) -> list[dict[str, Any]]:
        """Every row of the answer, by column name."""
        cursor = self.connection.execute(query, params)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def arrays(
        self, query: str, params: Sequence[object] | Mapping[str, object] | None = None
    ) -> list[np.ndarray[Any, Any]]:
        """The answer's columns, for millions of numbers: 8 bytes a cell where `rows` takes 100. Without NULLs."""
        found = self.connection.execute(query, params).fetchnumpy()
        return [np.asarray(column) for column in found.values()]

    def columns(self, table: str) -> list[str]:
        """The column names of a table or view."""
        return [row[0] for row in self.rows(f"DESCRIBE {identifier(table)}")]

    def seal(self) -> None:
        """From now on only the recording's own files can be reached, for good: before somebody's SQL is let in."""
        homes = ", ".join(quoted(home) for home in sorted({path.parent for path in self._files}))
        self.connection.execute(f"SET allowed_directories = [{homes}]")
        self.connection.execute("SET enable_external_access = false; SET lock_configuration = true")

    def close(self) -> None:
        self.connection.close()
        for aside in self._asides:
            aside.forget()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _times(run: Path) -> tuple[float, float | None] | None:
    """When a recording's run began, and when its books had been read, by the wall clock; None where nobody can tell."""
    try:
        manifest = manifests.load(run)
    except SurgectlError:
        return None
    if not manifest.started_epoch_s:
        return None
    settled_ns = manifest.settled_ns
    return manifest.started_epoch_s, None if settled_ns is None else manifest.started_epoch_s + settled_ns / NS_PER_S


def where(file: str | None, line: int | None) -> str:
    """A pointer to the recorded line that proves something: `ops/0.jsonl.zst:118`."""
    if not file:
        return ""
    return f"{file}:{line}" if line else file


def _flawed(flaws: list[SourceRow]) -> Any:
    """Rows of `sources` that nobody wrote: what a reader of the files found wrong with them."""
    cells = [(*cells, f"evidence/{row.kind}.jsonl", 0) for row in flaws for _, cells in cells_of(row)]
    return arrow("sources", cells)


def _gather(collected: dict[str, list[Cells]], file: str, found: Iterable[Row]) -> None:
    for line, row in enumerate(found, start=1):
        for table, cells in cells_of(row):
            collected[table].append((*cells, file, line))


def identifier(name: str) -> str:
    """A quoted name of SQL."""
    return '"' + name.replace('"', '""') + '"'
