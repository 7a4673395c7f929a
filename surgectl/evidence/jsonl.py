"""Read a file of JSON lines: one row a line, as logs and ledgers are often kept."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import msgspec

from surgectl.evidence.reading import MOST_ROWS, SHORTEST_EXPORT, Raw, Reading, cut_at

_decoder = msgspec.json.Decoder(float_hook=Decimal)


async def read_jsonl(file: Path) -> Reading:
    """All rows of the file, or those before the line that is none, with the reason (a torn last line is one, too)."""

    def read() -> Reading:
        try:
            with file.open("rb") as lines:
                return _read(lines, file.name)
        except OSError as error:
            return Reading(problem=f"{file.name}: {error.strerror}")

    return await asyncio.to_thread(read)


async def jsonl_of(body: bytes, name: str) -> Reading:
    """The same for lines that were downloaded."""
    return await asyncio.to_thread(_read, io.BytesIO(body), name)


def _read(lines: Iterable[bytes], name: str) -> Reading:
    rows: list[Raw] = []
    at: list[int] = []
    number = 0
    try:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            row = _decoder.decode(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
            if not isinstance(row, dict):
                return Reading(rows=rows, lines=at, problem=f"{name}:{number}: not an object")
            rows.append(row)
            at.append(number)
            if len(rows) > MOST_ROWS:
                return Reading(rows=rows, lines=at, problem=f"{name}: more than {MOST_ROWS} rows")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Reading(rows=rows, lines=at, problem=f"{name}:{number}: not a line of JSON: {error}")
    return Reading(rows=rows, lines=at, cut_at=cut_at(len(rows), least=SHORTEST_EXPORT))
