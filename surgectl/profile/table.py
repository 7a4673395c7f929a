"""Reads a table with its headings in the first line, as spreadsheets and shops write them."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterator
from typing import Protocol, TextIO

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
MARK_BYTES = 4
"""So many of a file's first bytes tell its encoding."""

Open = Callable[[str], TextIO]
"""An encoding → the text."""
Laid = Callable[[int, list[str]], None]
"""Takes a row: its line, and its cells."""


class Form(Protocol):
    """How a table is written; None: as it shows by itself."""

    @property
    def delimiter(self) -> str | None: ...

    @property
    def quote(self) -> str: ...

    @property
    def encoding(self) -> str | None: ...


class TableError(Exception):
    """The table does not fit; the text says from where on."""


def mistakes(form: Form) -> Iterator[tuple[str, str, str | None]]:
    """What cannot be meant of a table's form: the key, what is wrong with it, and what to try."""
    if form.encoding is not None:
        try:
            codecs.lookup(form.encoding)
        except LookupError:
            yield "encoding", f'"{form.encoding}" is no encoding', "try utf-8, cp1252 or utf-16"
    for name, sign in (("delimiter", form.delimiter), ("quote", form.quote)):
        if sign is not None and (len(sign) != 1 or sign in "\r\n"):
            yield name, f"{sign!r} is not one sign", None


def read_table(opened: Open, head: bytes, name: str, form: Form, begun: Callable[[list[str]], Laid]) -> None:
    """Hand `begun` the headings, and what it gives back each row that follows. `head`: the first MARK_BYTES bytes.

    TableError for whatever does not fit; the rows before it have been handed over.
    """
    marked = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)
    # Spreadsheets put a byte-order mark before the first heading, whatever they were told.
    encoding = marked or form.encoding or "utf-8"
    count = 0
    try:
        with opened(encoding) as text:
            rows = _rows(text, form, name)
            _, names = next(rows)
            laid = begun(names)
            for line, cells in rows:
                laid(line, cells)
                count += 1
    except UnicodeError as error:
        hint = "" if form.encoding or marked else " (say encoding: cp1252, or what it is)"
        raise TableError(f"{name}: after {count} rows: it is not {encoding}: {error}{hint}") from error
    except csv.Error as error:
        raise TableError(f"{name}: after {count} rows: {error}") from error


def _rows(text: TextIO, form: Form, name: str) -> Iterator[tuple[int, list[str]]]:
    """The headings, then each row with its line; blank lines are none."""
    heading = text.readline()
    named = _SEP.fullmatch(heading)
    begun = 1 if named else 0
    if named:
        heading = text.readline()
    bare = re.sub(r'"[^"]*"', "", heading) if form.quote == '"' else heading
    usual = named[1] if named else max(_DELIMITERS, key=bare.count)
    text.seek(0)
    if named:
        text.readline()
    table = csv.reader(text, delimiter=form.delimiter or usual, quotechar=form.quote, strict=True)
    names = [cell.strip() for cell in next(table, [])]
    if twice := sorted({heading for heading in names if names.count(heading) > 1}):
        raise TableError(f"{name}: two columns are called {twice[0]!r}")
    if not names:
        raise TableError(f"{name}: is empty, without so much as a heading")
    yield begun + 1, names
    for cells in table:
        if not cells:
            continue
        line = begun + table.line_num
        if len(cells) != len(names):
            raise TableError(f"{name}:{line}: {len(cells)} cells under {len(names)} headings")
        yield line, cells
