"""The recording once more, in the form that answers questions fast: columns instead of lines.

JSON lines survive a kill; Parquet is quick to ask (an audit's join over 5 M events: 2.6 s against 28 s). So each
file of a run is converted once, into `parquet/FILE/TABLE.parquet`, and again whenever it has changed since. The folder
`parquet/` is a cache: deleting it costs nothing but the time to convert again.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from surgectl.errors import UsageError
from surgectl.recording.evidence_rows import KINDS
from surgectl.recording.folder import Folder
from surgectl.recording.repair import DamagedError, read_lines, read_rows
from surgectl.recording.tables import TABLES, Cells, Row, arrow, cells_of

# An invoke without its done is an attempt that may or may not have happened, never a failure.
ATTEMPTS = """
SELECT i.attempt, i.intent, i.tab, i.op, i.step, i.role, i.try, i.poll, i.double, i.method, i.key, i.body, i.due_ns,
  i.at_ns, d.sent_ns, d.done_ns, coalesce(d.outcome, 'info') AS outcome, coalesce(d.why, 'no-reply') AS why, d.then,
  d.status, coalesce(d.size, 0) AS size, d.order_id, d.amount_minor, d.currency, d.qty, d.seats, d.tickets, d.position,
  d.wait_s, d.claims, d.detail, i.file, i.line AS invoke_line, d.line AS done_line
FROM invokes i LEFT JOIN dones d USING (attempt)
"""

_BATCH_ROWS = 50_000
_FORMAT = hashlib.blake2b(f"{TABLES} {ATTEMPTS}".encode(), digest_size=8).hexdigest()
"""Changes with the tables: a cache made by another version is made again."""


class _Converted(msgspec.Struct, frozen=True, kw_only=True):
    """What a converted file looked like when it was read (`parquet/FILE/source.json`)."""

    format: str
    size: int
    mtime_ns: int


def convert(run: Path, into: Path | None = None) -> dict[str, list[Path]]:
    """Table → its Parquet files, converting what is new or has changed. A table without rows has none.

    `into` is where they go; None means the run's own `parquet/`. Raises UsageError where `run` is no recording,
    DamagedError where a file is damaged before its end, OSError where the cache cannot be written.
    """
    folder = Folder(run)
    if not run.is_dir() or not (folder.manifest.exists() or folder.ops.is_dir() or folder.evidence.is_dir()):
        raise UsageError(
            "no recording is here", where=str(run), hint="give a run's folder, e.g. reports/ticket-drop/latest"
        )
    cache = into or folder.parquet
    files: dict[str, list[Path]] = {}
    for source in _sources(folder):
        for path in sorted(_converted(source, folder.name_of(source), cache).glob("*.parquet")):
            files.setdefault(path.stem, []).append(path)
    return files


def _sources(folder: Folder) -> list[Path]:
    evidence = [folder.evidence_file(kind) for kind in KINDS]
    found = [*folder.ops_files(), folder.chaos, *folder.vitals_files(), *evidence]
    return [path for path in found if path.exists()]


def _converted(source: Path, name: str, cache: Path) -> Path:
    """The folder of one file's tables, made if need be."""
    home = cache / name.removesuffix(".zst").removesuffix(".jsonl").replace("/", "-")
    before = source.stat()
    seen = _Converted(format=_FORMAT, size=before.st_size, mtime_ns=before.st_mtime_ns)
    try:
        if msgspec.json.decode((home / "source.json").read_bytes(), type=_Converted) == seen:
            return home
    except (OSError, msgspec.DecodeError):
        pass  # not converted yet, or by something else: convert
    cache.mkdir(parents=True, exist_ok=True)
    # Made aside and renamed: a reader at the same time sees all of it or none of it.
    aside = Path(tempfile.mkdtemp(prefix=".making-", dir=cache))
    try:
        _write(_rows(source), name, aside)
        (aside / "source.json").write_bytes(msgspec.json.encode(seen))
        aside.chmod(0o755)
        if home.exists():
            shutil.rmtree(home)
        try:
            aside.rename(home)
        except OSError:
            if not (home / "source.json").exists():  # otherwise somebody else was quicker, from the same file
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return home


def _rows(source: Path) -> Iterator[tuple[int, Row]]:
    """(line number, row) of every whole row, of an operation file or of evidence."""
    row_type = KINDS.get(source.name.removesuffix(".jsonl")) if source.parent.name == "evidence" else None
    if row_type is None:
        yield from read_rows(source)
        return
    decoder = msgspec.json.Decoder(row_type)
    for number, line in read_lines(source):
        try:
            yield number, decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DamagedError(
                f"not a row of evidence: {error}", where=f"{source}:{number}", hint="collect the evidence again"
            ) from error


def _write(found: Iterator[tuple[int, Row]], name: str, home: Path) -> None:
    """Write the tables of one file, a batch at a time: a recording may be larger than memory."""
    writers: dict[str, Any] = {}
    batch: dict[str, list[Cells]] = {}
    held = 0
    try:
        for line, row in found:
            for table, cells in cells_of(row):
                batch.setdefault(table, []).append((*cells, name, line))
                held += 1
            if held >= _BATCH_ROWS:
                _flush(batch, writers, home, name)
                batch, held = {}, 0
        _flush(batch, writers, home, name)
    finally:
        for writer in writers.values():
            writer.close()
    if "invokes" in writers:
        _join_attempts(home)


def _flush(batch: dict[str, list[Cells]], writers: dict[str, Any], home: Path, name: str) -> None:
    for table, collected in batch.items():
        try:
            part = arrow(table, collected)
        except (pa.ArrowException, OverflowError) as error:
            raise DamagedError(f"a value of {table} does not fit its column: {error}", where=name) from error
        if table not in writers:
            writers[table] = pq.ParquetWriter(home / f"{table}.parquet", part.schema, compression="zstd")
        writers[table].write_table(part)


def _join_attempts(home: Path) -> None:
    """Both halves of an attempt stand in the same file, so the join is made once, here."""
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW invokes AS SELECT * FROM read_parquet({quoted(home / 'invokes.parquet')})")
        dones = home / "dones.parquet"
        if dones.exists():
            connection.execute(f"CREATE VIEW dones AS SELECT * FROM read_parquet({quoted(dones)})")
        else:
            connection.register("dones", arrow("dones", []))
        connection.execute(f"COPY ({ATTEMPTS}) TO {quoted(home / 'attempts.parquet')} (FORMAT parquet)")


def quoted(text: str | Path) -> str:
    """A string literal of SQL."""
    return "'" + str(text).replace("'", "''") + "'"
