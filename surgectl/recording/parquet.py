"""The recording once more, in the form that answers questions fast: columns instead of lines.

JSON lines survive a kill; Parquet is quick to ask (an audit's join over 5 M events: 2.6 s against 28 s). So each
file of a run is converted once, into `parquet/FILE/TABLE.parquet`, and again whenever it has changed since. The folder
`parquet/` is a cache: deleting it costs nothing but the time to convert again. Large files are converted side by side,
each in a process of its own; columns.py takes their lines apart.
"""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from surgectl.errors import UsageError
from surgectl.recording.columns import Columns
from surgectl.recording.evidence_rows import KINDS, SourceRow
from surgectl.recording.evidence_rows import _Row as EvidenceRow
from surgectl.recording.folder import Folder
from surgectl.recording.repair import Block, DamagedError, read_blocks
from surgectl.recording.rows import ChaosRow, OpRow, VitalsRow
from surgectl.recording.sense import nonsense
from surgectl.recording.tables import TABLES, Cells, arrow, cells_of

# An invoke without its done is an attempt that may or may not have happened, never a failure.
ATTEMPTS = """
SELECT i.attempt, i.intent, i.tab, i.op, i.step, i.role, i.try, i.poll, i.double, i.method, i.key, i.body, i.due_ns,
  i.at_ns, d.sent_ns, d.done_ns, coalesce(d.outcome, 'info') AS outcome, coalesce(d.why, 'no-reply') AS why, d.then,
  d.status, coalesce(d.size, 0) AS size, d.order_id, d.amount_minor, d.currency, d.qty, d.seats, d.tickets, d.position,
  d.wait_s, d.claims, d.detail, i.file, i.line AS invoke_line, d.line AS done_line
FROM invokes i LEFT JOIN dones d USING (attempt)
"""

_BLOCK_BYTES = 32 << 20
"""Text that is taken apart at once: what a process holds in memory is some five times as much."""
_CHECKED_BYTES = 1 << 16
"""Lines are checked a few at a time: rows that stay in the processor's cache cost half as much to make."""
_FEW = frozenset(
    "intent step role method outcome why then file currency op try tab poll double status size qty amount_minor profile"
    " phase name state source kind end price_minor captured_minor signature type".split()
)
"""Columns of few values. A dictionary of ids that stand there once each makes a file slower to write, and larger."""
SMALL_BYTES = 256 << 10
"""Of text: to plan the statements of columns.py costs more than to take so little apart in Python."""
SIDE_BY_SIDE_BYTES = 24 << 20
"""Of files: below it a second process takes longer to start than it saves."""
_PACKED = 8
"""How many times longer the text of a packed file is, at the very least a good guess."""
_FORMAT = hashlib.blake2b(f"2 {TABLES} {ATTEMPTS}".encode(), digest_size=8).hexdigest()
"""Changes with the tables: a cache made by another version is made again."""
INVOKES = "SELECT {} FROM attempts".format(
    ", ".join("invoke_line AS line" if name == "line" else name for name in TABLES["invokes"])
)
DONES = "SELECT {} FROM attempts WHERE done_line IS NOT NULL".format(
    ", ".join("done_line AS line" if name == "line" else f'"{name}"' for name in TABLES["dones"])
)
"""The two halves of the attempts, where those were put together from files."""


class _Converted(msgspec.Struct, frozen=True, kw_only=True):
    """What a converted file looked like when it was read (`parquet/FILE/source.json`)."""

    format: str
    size: int
    mtime_ns: int
    flaw: str = ""
    """Of evidence: which of its lines say nothing, and why."""


class _Work(msgspec.Struct, frozen=True, kw_only=True):
    """One file to convert."""

    source: Path
    name: str
    """How pointers call it."""
    home: Path
    threads: int


class Converted(msgspec.Struct, frozen=True, kw_only=True):
    """A recording in columns."""

    files: dict[str, list[Path]]
    """Table → its Parquet files. A table without rows has none."""
    flaws: list[SourceRow]
    """Kinds of evidence of which lines were left out, and why: a judge must not take what is left for the whole."""


def convert(run: Path, into: Path | None = None) -> Converted:
    """Convert what is new or has changed.

    Evidence may have been written by others, or edited: a line that is no row of its kind is left out and said, and
    what else is there can still be judged. A damaged line of our own is the end: nobody knows what stood there.

    `invokes` and `dones` are not among them but for halves that stand alone: they are columns of `attempts`.
    `into` is where they go; None means the run's own `parquet/`. Raises UsageError where `run` is no recording,
    DamagedError where a file is damaged before its end, OSError where the cache cannot be written.
    """
    folder = Folder(run)
    if not run.is_dir() or not (folder.manifest.exists() or folder.ops.is_dir() or folder.evidence.is_dir()):
        raise UsageError(
            "no recording is here", where=str(run), hint="give a run's folder, e.g. reports/ticket-drop/latest"
        )
    cache = into or folder.parquet
    homes = {source: cache / _home(folder.name_of(source)) for source in _sources(folder)}
    _convert_all(
        [_Work(source=s, name=folder.name_of(s), home=home, threads=1) for s, home in homes.items() if _stale(s, home)]
    )
    files: dict[str, list[Path]] = {}
    for home in homes.values():
        for path in sorted(home.glob("*.parquet")):
            files.setdefault(path.stem, []).append(path)
    return Converted(files=files, flaws=_flaws(folder, homes))


def _flaws(folder: Folder, homes: dict[Path, Path]) -> list[SourceRow]:
    said = {source: _made(home).flaw for source, home in homes.items() if source.parent == folder.evidence}
    found = [SourceRow(kind=s.stem, rows=0, complete=False, error=flaw) for s, flaw in said.items() if flaw]
    if untold := said.get(folder.evidence_file("sources")):
        error = f"how they were read is not known: {untold}"
        found += [SourceRow(kind=s.stem, rows=0, complete=False, error=error) for s in said if s.stem != "sources"]
    return found


def _sources(folder: Folder) -> list[Path]:
    evidence = [folder.evidence_file(kind) for kind in KINDS]
    found = [*folder.ops_files(), folder.chaos, *folder.vitals_files(), *evidence]
    return [path for path in found if path.exists()]


def _home(name: str) -> str:
    return name.removesuffix(".zst").removesuffix(".jsonl").replace("/", "-")


def _seen(source: Path) -> _Converted:
    now = source.stat()
    return _Converted(format=_FORMAT, size=now.st_size, mtime_ns=now.st_mtime_ns)


def _stale(source: Path, home: Path) -> bool:
    try:
        return msgspec.structs.replace(_made(home), flaw="") != _seen(source)
    except (OSError, msgspec.DecodeError):
        return True  # not converted yet, or by something else


def _made(home: Path) -> _Converted:
    return msgspec.json.decode((home / "source.json").read_bytes(), type=_Converted)


def _text_bytes(source: Path) -> int:
    return source.stat().st_size * (_PACKED if source.suffix == ".zst" else 1)


def _convert_all(stale: list[_Work]) -> None:
    """The largest first, and side by side where that is worth another process."""
    stale.sort(key=lambda work: -_text_bytes(work.source))
    sizes = [_text_bytes(work.source) for work in stale]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = min(cores, 4, sum(size > SIDE_BY_SIDE_BYTES // 4 for size in sizes))
    if workers < 2 or sum(sizes) < SIDE_BY_SIDE_BYTES:
        for work in stale:
            _convert(msgspec.structs.replace(work, threads=cores))
        return
    # Spawned: a fork of a process that has threads (and an audit has) may stand still for ever.
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for _ in pool.map(_convert, stale):
            pass


def _convert(work: _Work) -> None:
    """Make the folder of one file's tables."""
    seen = _seen(work.source)
    cache = work.home.parent
    cache.mkdir(parents=True, exist_ok=True)
    # Made aside and renamed: a reader at the same time sees all of it or none of it.
    aside = Path(tempfile.mkdtemp(prefix=".making-", dir=cache))
    try:
        with _no_collection():
            flaw = _write(work, aside)
        (aside / "source.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(seen, flaw=flaw)))
        aside.chmod(0o755)
        if work.home.exists():
            shutil.rmtree(work.home)
        try:
            aside.rename(work.home)
        except OSError:
            if not (work.home / "source.json").exists():  # otherwise somebody else was quicker, from the same file
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Rows by the million and not one circle among them: looking for garbage takes three quarters of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _write(work: _Work, aside: Path) -> str:
    """Write the tables of one file, a block at a time: a recording may be larger than memory. Returns its flaw."""
    kind = work.source.name.removesuffix(".jsonl") if work.source.parent.name == "evidence" else ""
    row_type = KINDS.get(kind)
    lines = _Lines(work, row_type)
    writers: dict[str, Any] = {}

    def write(table: str, part: Any) -> None:
        if table not in writers:
            few = [name for name in part.column_names if name in _FEW]
            writers[table] = pq.ParquetWriter(
                aside / f"{table}.parquet", part.schema, compression="snappy", use_dictionary=few
            )
        writers[table].write_table(part)

    small = _text_bytes(work.source) < SMALL_BYTES
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": work.threads,
        "memory_limit": "1GB",
        "temp_directory": str(aside / "spill"),
    }
    with duckdb.connect(config=config) as connection:
        connection.execute("SET preserve_insertion_order = false")
        columns = None if small else Columns(connection, work.name, (kind, row_type) if row_type else None)
        attempts = _Attempts(connection)
        try:
            for block in read_blocks(work.source, _BLOCK_BYTES):
                good = lines.check(block)
                found, odd = columns.read(block) if columns and good is None else ([], good)
                for table, part in _together([*found, *lines.take_apart(block, odd)]):
                    if table in ("invokes", "dones"):
                        attempts.add(table, part)
                    else:
                        write(table, part)
                for table, part in attempts.put_together():
                    write(table, part)
            for table, part in attempts.left_over():
                write(table, part)
        finally:
            for writer in writers.values():
                writer.close()
    shutil.rmtree(aside / "spill", ignore_errors=True)
    return lines.flaw


class _Lines:
    """The lines of one file, one by one: which of them are rows, and what those say."""

    def __init__(self, work: _Work, row_type: type[EvidenceRow] | None) -> None:
        self._work = work
        self._evidence = row_type is not None
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(row_type or OpRow | ChaosRow | VitalsRow)
        self._left_out: dict[int, str] = {}
        """Line → why it says nothing."""

    @property
    def flaw(self) -> str:
        """What was left out, for a person; empty where nothing was."""
        if not self._left_out:
            return ""
        first, why = min(self._left_out.items())
        lines = "1 line says" if len(self._left_out) == 1 else f"{len(self._left_out):,} lines say"
        return f"{lines} nothing that can be relied on; the first, {self._work.name}:{first}: {why}"

    def check(self, block: Block) -> list[int] | None:
        """None where every line of the block is a row; else, of evidence, the numbers of those that are.

        Of our own files a line that is none raises DamagedError with its number.
        """
        text, start = block.text, 0
        whole = True
        while start < len(text) and whole:
            end = text.find(b"\n", start + _CHECKED_BYTES) + 1 or len(text)
            part = text[start:end]
            try:
                whole = len(self._decoder.decode_lines(part)) == part.count(b"\n")
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                whole = False
            start = end
        return None if whole else self._good_ones(block)

    def _good_ones(self, block: Block) -> list[int]:
        good = []
        for number, line in enumerate(block.text.split(b"\n")[:-1], start=block.first):
            try:
                self._decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                if not self._evidence:
                    raise DamagedError(
                        f"not a row of a recording: {error}",
                        where=f"{self._work.source}:{number}",
                        hint="was it written by a newer surgectl?",
                    ) from error
                self._left_out[number] = f"not a row of {self._work.source.stem}: {error}"
            else:
                good.append(number)
        return good

    def take_apart(self, block: Block, numbers: list[int] | None) -> list[tuple[str, Any]]:
        """The tables of these lines (None: of all)."""
        if numbers == []:
            return []
        lines = block.text.split(b"\n")[:-1]
        collected: dict[str, list[Cells]] = {}
        for number in numbers if numbers is not None else range(block.first, block.first + len(lines)):
            row = self._decoder.decode(lines[number - block.first])
            if self._evidence and (why := nonsense(row)):
                self._left_out[number] = why
                continue
            for table, cells in cells_of(row):
                collected.setdefault(table, []).append((*cells, self._work.name, number))
        parts = []
        for table, rows in collected.items():
            try:
                parts.append((table, arrow(table, rows)))
            except (pa.ArrowException, OverflowError) as error:
                what = f"a value of {table} does not fit its column: {error}"
                raise DamagedError(what, where=self._work.name) from error
        return parts


def _together(parts: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    by_table: dict[str, list[Any]] = {}
    for table, part in parts:
        by_table.setdefault(table, []).append(part)
    return [(table, pa.concat_tables(found)) for table, found in by_table.items()]


class _Attempts:
    """Puts the two halves of each attempt together; both stand in the same file, the first before the second."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._waiting = arrow("invokes", [])
        """Those whose other half has not come yet."""
        self._dones: Any = None

    def add(self, table: str, part: Any) -> None:
        if table == "invokes":
            self._waiting = pa.concat_tables([self._waiting, part])
        else:
            self._dones = part

    def put_together(self) -> Iterator[tuple[str, Any]]:
        """What is whole by now; halves that nothing announced are kept as such."""
        if self._dones is None:
            return
        self._register()
        ask = self._connection.sql
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE put AS {ATTEMPTS}")
        yield "attempts", ask("SELECT * FROM put WHERE done_line IS NOT NULL").to_arrow_table()
        alone = ask("SELECT d.* FROM dones d ANTI JOIN invokes i USING (attempt)").to_arrow_table()
        if alone.num_rows:
            yield "dones", alone.cast(self._dones.schema)
        again = INVOKES.replace("FROM attempts", "FROM put WHERE done_line IS NULL")
        self._waiting = ask(again).to_arrow_table().cast(self._waiting.schema)
        self._dones = None

    def left_over(self) -> Iterator[tuple[str, Any]]:
        """Attempts whose end was never written."""
        if self._waiting.num_rows:
            self._dones = arrow("dones", [])
            self._register()
            yield "attempts", self._connection.sql(ATTEMPTS).to_arrow_table()

    def _register(self) -> None:
        self._connection.register("invokes", self._waiting)
        self._connection.register("dones", self._dones)
