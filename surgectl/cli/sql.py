"""`surgectl sql DIR "select …"`: ask a recording anything."""

from __future__ import annotations

import csv
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import duckdb
import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from surgectl.cli.plan_view import console_for_results
from surgectl.errors import UsageError
from surgectl.recording.relations import Relations, identifier
from surgectl.text import one_line

_ASKING = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}
_MOST_SHOWN = 1000
"""Rows of a table on a terminal; files get all of them."""
_MOST_OF_A_CELL = 10_000


class Form(StrEnum):
    """How an answer is written."""

    table = "table"
    csv = "csv"
    json = "json"


def sql(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A run's folder, e.g. reports/ticket-drop/latest.")],
    query: Annotated[
        str | None, typer.Argument(metavar="SQL", help="One question (DuckDB's SQL). Left out: the tables.")
    ] = None,
    form: Annotated[
        Form | None, typer.Option("--format", help="table, csv or json. Default: table on a terminal, else csv.")
    ] = None,
) -> None:
    """Ask a recording a question in SQL. It can only be read. docs/recording.md explains the tables."""
    with Relations.from_folder(folder) as relations:
        relations.seal()
        names, rows = ask(relations, query) if query is not None else tables(relations)
    chosen = form or (Form.table if sys.stdout.isatty() else Form.csv)
    if chosen is Form.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([[_plain(cell) for cell in row] for row in rows])
    elif chosen is Form.json:
        objects = [dict(zip(names, row, strict=True)) for row in rows]
        sys.stdout.write(msgspec.json.encode(objects, enc_hook=str).decode() + "\n")
    else:
        _show(names, rows)


def ask(relations: Relations, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of one question. UsageError where it is none, or would change something."""
    try:
        statements = relations.connection.extract_statements(query)
        if len(statements) != 1:
            raise UsageError(f"{len(statements)} statements", where="sql", hint="ask one question at a time")
        if statements[0].type not in _ASKING:
            raise UsageError("a recording can only be read", where="sql", hint='try "select …", "describe orders"')
        cursor = relations.connection.execute(query)
        return [column[0] for column in cursor.description or ()], cursor.fetchall()
    except duckdb.Error as error:
        raise _mistake(error) from error


def tables(relations: Relations) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Every table with its rows and columns."""
    names = [row[0] for row in relations.rows("SELECT name FROM (SHOW TABLES) ORDER BY name")]
    rows = []
    for name in names:
        (count,) = relations.one(f"SELECT count(*) FROM {identifier(name)}")
        rows.append((name, count, ", ".join(relations.columns(name))))
    return ["table", "rows", "columns"], rows


def _mistake(error: duckdb.Error) -> UsageError:
    """DuckDB's first line, and what it suggests."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    hint = next((line for line in lines[1:] if line.startswith(("Did you mean", "Candidate"))), None)
    return UsageError(lines[0] if lines else type(error).__name__, where="sql", hint=hint)


def _plain(cell: Any) -> Any:
    """A list or map as JSON, for a file of lines."""
    return msgspec.json.encode(cell, enc_hook=str).decode() if isinstance(cell, list | dict) else cell


def _show(names: list[str], rows: list[tuple[Any, ...]]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(names):
        numbers = all(isinstance(row[place], int | float) or row[place] is None for row in rows)
        table.add_column(Text(name), justify="right" if numbers and rows else "left", overflow="fold")
    for row in rows[:_MOST_SHOWN]:
        table.add_row(*(_cell(cell) for cell in row))
    console = console_for_results()
    console.print(table)
    if len(rows) > _MOST_SHOWN:
        console.print(f"… and {len(rows) - _MOST_SHOWN} more rows (--format csv writes all of them)")


def _cell(cell: Any) -> Text:
    """What a shop said, as text and nothing else: no markup, no control characters."""
    return Text("" if cell is None else one_line(str(_plain(cell)), _MOST_OF_A_CELL))
