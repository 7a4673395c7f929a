"""Read an export that a shop made: a CSV file with its headings in the first line."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import TextIO

from surgectl.errors import UsageError
from surgectl.evidence.reading import MOST_ROWS, SHORTEST_EXPORT, Raw, Reading, cut_at
from surgectl.profile.source import Csv
from surgectl.profile.table import MARK_BYTES, Laid, Open, TableError, mistakes, read_table


def check_csv(source: Csv, where: str) -> None:
    """UsageError where the table's form cannot be meant."""
    for name, what, hint in mistakes(source):
        raise UsageError(what, where=f"{where}.{name}", hint=hint)


async def read_csv(file: Path, source: Csv) -> Reading:
    """All rows of the file, or those before one that does not fit, and why."""

    def read() -> Reading:
        try:
            with file.open("rb") as start:
                head = start.read(MARK_BYTES)
            return _table(lambda encoding: file.open(encoding=encoding, newline=""), head, file.name, source)
        except OSError as error:
            return Reading(problem=f"{file.name}: {error.strerror}")

    return await asyncio.to_thread(read)


async def csv_of(body: bytes, name: str, source: Csv) -> Reading:
    """The same for a table that was downloaded."""

    def opened(encoding: str) -> TextIO:
        return io.TextIOWrapper(io.BytesIO(body), encoding=encoding, newline="")

    return await asyncio.to_thread(_table, opened, body[:MARK_BYTES], name, source)


def _table(opened: Open, head: bytes, name: str, source: Csv) -> Reading:
    rows: list[Raw] = []
    lines: list[int] = []

    def begun(names: list[str]) -> Laid:
        def laid(line: int, cells: list[str]) -> None:
            if len(rows) >= MOST_ROWS:
                raise TableError(f"{name}: more than {MOST_ROWS} rows")
            rows.append(dict(zip(names, cells, strict=True)))
            lines.append(line)

        return laid

    problem = ""
    try:
        read_table(opened, head, name, source, begun)
    except TableError as error:
        problem = str(error)
    return Reading(rows=rows, lines=lines, cut_at=cut_at(len(rows), least=SHORTEST_EXPORT), problem=problem)
