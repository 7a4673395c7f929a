"""Read an export that a shop made: a CSV file with its headings in the first line."""

from __future__ import annotations

import asyncio
import codecs
import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from surgectl.errors import UsageError
from surgectl.evidence.reading import MOST_ROWS, Raw, ReadError, Reading
from surgectl.profile.target import Csv

_DELIMITERS = ",;\t|"
"""The one that the heading has most of; of two, the first."""
_SEP = re.compile(r"sep=(.)\s*", re.IGNORECASE)
"""What Excel writes, and understands, as a first line of its own."""
# A byte-order mark says which of them it is; the longer ones first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

Open = Callable[[str], TextIO]
"""An encoding → the text."""


def check_csv(source: Csv, where: str) -> None:
    """UsageError where the table's form cannot be meant."""
    if source.encoding is not None:
        try:
            codecs.lookup(source.encoding)
        except LookupError:
            raise UsageError(
                f'"{source.encoding}" is no encoding', where=f"{where}.encoding", hint="try utf-8, cp1252 or utf-16"
            ) from None
    for name in ("delimiter", "quote"):
        sign = getattr(source, name)
        if sign is not None and (len(sign) != 1 or sign in "\r\n"):
            raise UsageError(f"{sign!r} is not one sign", where=f"{where}.{name}")


async def read_csv(file: Path, source: Csv) -> Reading:
    """All rows of the file, or those before one that does not fit, and why."""

    def read() -> Reading:
        try:
            with file.open("rb") as start:
                head = start.read(4)
            return _table(lambda encoding: file.open(encoding=encoding, newline=""), head, file.name, source)
        except OSError as error:
            return Reading(problem=f"{file.name}: {error.strerror}")

    return await asyncio.to_thread(read)


async def csv_of(body: bytes, name: str, source: Csv) -> Reading:
    """The same for a table that was downloaded."""

    def opened(encoding: str) -> TextIO:
        return io.TextIOWrapper(io.BytesIO(body), encoding=encoding, newline="")

    return await asyncio.to_thread(_table, opened, body[:4], name, source)


def _table(opened: Open, head: bytes, name: str, source: Csv) -> Reading:
    marked = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)
    # Spreadsheets put a byte-order mark before the first heading, whatever they were told.
    encoding = marked or source.encoding or "utf-8"
    rows: list[Raw] = []
    lines: list[int] = []
    try:
        with opened(encoding) as text:
            problem = _read(text, source, name, rows, lines)
    except UnicodeError as error:
        hint = "" if source.encoding or marked else " (say encoding: cp1252, or what it is)"
        problem = f"{name}: after {len(rows)} rows: it is not {encoding}: {error}{hint}"
    except (csv.Error, ReadError) as error:
        problem = f"{name}: after {len(rows)} rows: {error}"
    return Reading(rows=rows, lines=lines, problem=problem)


def _read(text: TextIO, source: Csv, name: str, rows: list[Raw], lines: list[int]) -> str:
    """Lay the table's rows into `rows` and their lines into `lines`; what is wrong with it, if anything."""
    heading = text.readline()
    named = _SEP.fullmatch(heading)
    begun = 1 if named else 0
    if named:
        heading = text.readline()
    bare = re.sub(r'"[^"]*"', "", heading) if source.quote == '"' else heading
    usual = named[1] if named else max(_DELIMITERS, key=bare.count)
    text.seek(0)
    if named:
        text.readline()
    table = csv.reader(text, delimiter=source.delimiter or usual, quotechar=source.quote, strict=True)
    names = [cell.strip() for cell in next(table, [])]
    if twice := sorted({heading for heading in names if names.count(heading) > 1}):
        return f"{name}: two columns are called {twice[0]!r}"
    if not names:
        return f"{name}: is empty, without so much as a heading"
    for cells in table:
        if not cells:
            continue  # a blank line
        line = begun + table.line_num
        if len(cells) != len(names):
            return f"{name}:{line}: {len(cells)} cells under {len(names)} headings"
        rows.append(dict(zip(names, cells, strict=True)))
        lines.append(line)
        if len(rows) > MOST_ROWS:
            return f"{name}: more than {MOST_ROWS} rows"
    return ""
