"""`surgectl gate`: does this report let us pass, and would it with other demands? Needs report.json, nothing else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from surgectl.cli.plan_view import console_for_results
from surgectl.errors import UsageError
from surgectl.report import json, terminal
from surgectl.report.rejudging import rejudged
from surgectl.report.summary import SCHEMA, Summary
from surgectl.thresholds.grammar import ThresholdError, parse

_MOST_BYTES = 64 << 20


def gate(
    report: Annotated[Path, typer.Argument(help="A report.json, or a run's folder.", metavar="FILE_OR_DIR")],
    threshold: Annotated[
        list[str] | None,
        typer.Option(help="A demand instead of the profile's own, e.g. 'p99(confirm) < 3s'. May be said again."),
    ] = None,
    only: Annotated[bool, typer.Option("--only", help="Show the thresholds alone, not the whole verdict.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="With --threshold: the profile's demands hold as well.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as it is judged now, alone.")] = False,
) -> None:
    """Judge a report again, offline: its ledgers stay as they were found, --threshold replaces the profile's demands.

    Without --threshold the report is shown as it was judged. Ends with the exit code of the verdict.
    """
    file = report / "report.json" if report.is_dir() else report
    summary = read(file)
    if threshold:
        for text in threshold:
            _understood(text)
        summary = rejudged(summary, threshold, keep=keep)
    if as_json:
        sys.stdout.flush()
        sys.stdout.buffer.write(json.render(summary))  # UTF-8, whatever the terminal speaks
        sys.stdout.buffer.flush()
    else:
        console = console_for_results()
        shown = terminal.demands(summary) if only else terminal.render(summary, str(file.parent), written=False)
        console.print(shown, soft_wrap=False)
    raise typer.Exit(summary.exit_code)


def read(file: Path) -> Summary:
    """A report.json. UsageError (exit 2) where there is none, or it is something else."""
    hint = "give a run's folder, e.g. reports/ticket-drop/latest, or its report.json"
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise UsageError("is too large to be a report", where=str(file), hint=hint)
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"no report is here: {error.strerror or error}", where=str(file), hint=hint) from error
    try:
        summary = json.parse(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"is no report: {error}", where=str(file), hint=hint) from error
    if summary.schema != SCHEMA:
        raise UsageError(f"is a report of another kind: {summary.schema!r}", where=str(file), hint=f"{SCHEMA} is read")
    return summary


def _understood(text: str) -> None:
    """ThresholdError, with a caret under the character in question."""
    try:
        parse(text)
    except ThresholdError as error:
        Console(stderr=True).print(error.caret(), highlight=False, markup=False, soft_wrap=True)
        raise
