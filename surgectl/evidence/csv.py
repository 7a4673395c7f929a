"""Read an export that a shop made: a CSV file with its headings in the first line."""

from __future__ import annotations

import asyncio
import csv
from pathlib import Path

from surgectl.evidence.reading import MOST_ROWS, Raw, Reading

_DELIMITERS = ",;\t|"
"""The one that the heading has most of; of two, the first."""


async def read_csv(file: Path) -> Reading:
    """All rows of the file (UTF-8; comma, semicolon, tab or bar), or those before one that does not fit, and why."""
    return await asyncio.to_thread(_read, file)


def _read(file: Path) -> Reading:
    rows: list[Raw] = []
    try:
        # Spreadsheets put a byte-order mark before the first heading.
        with file.open(encoding="utf-8-sig", newline="") as text:
            heading = text.readline()
            text.seek(0)
            delimiter = max(_DELIMITERS, key=heading.count)
            table = csv.reader(text, delimiter=delimiter, strict=True)
            names = next(table, [])
            if twice := sorted({name for name in names if names.count(name) > 1}):
                return Reading(problem=f"{file.name}: two columns are called {twice[0]!r}")
            if not names:
                return Reading(problem=f"{file.name}: is empty, without so much as a heading")
            for cells in table:
                if not cells:
                    continue  # a blank line
                if len(cells) != len(names):
                    problem = f"{file.name}:{table.line_num}: {len(cells)} cells under {len(names)} headings"
                    return Reading(rows=rows, problem=problem)
                rows.append(dict(zip(names, cells, strict=True)))
                if len(rows) > MOST_ROWS:
                    return Reading(rows=rows, problem=f"{file.name}: more than {MOST_ROWS} rows")
    except OSError as error:
        return Reading(rows=rows, problem=f"{file.name}: {error.strerror}")
    except (csv.Error, UnicodeDecodeError) as error:
        return Reading(rows=rows, problem=f"{file.name}: after {len(rows)} rows: {error}")
    return Reading(rows=rows)
