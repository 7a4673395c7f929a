"""Read a file of JSON lines: one row a line, as logs and ledgers are often kept."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import msgspec

from surgectl.evidence.reading import MOST_ROWS, Raw, Reading

_decoder = msgspec.json.Decoder(float_hook=Decimal)


async def read_jsonl(file: Path) -> Reading:
    """All rows of the file, or those before the line that is none, with the reason (a torn last line is one, too)."""
    return await asyncio.to_thread(_read, file)


def _read(file: Path) -> Reading:
    rows: list[Raw] = []
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                row = _decoder.decode(line)
                if not isinstance(row, dict):
                    return Reading(rows=rows, problem=f"{file.name}:{number}: not an object")
                rows.append(row)
                if len(rows) > MOST_ROWS:
                    return Reading(rows=rows, problem=f"{file.name}: more than {MOST_ROWS} rows")
    except OSError as error:
        return Reading(rows=rows, problem=f"{file.name}: {error.strerror}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Reading(rows=rows, problem=f"{file.name}:{number}: not a line of JSON: {error}")
    return Reading(rows=rows)
