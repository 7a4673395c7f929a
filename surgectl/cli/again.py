"""`surgectl audit` and `surgectl report`: judge a finished recording again, with everything else stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surgectl.cli.judge import judge, show, summarise

Folder = Annotated[Path, typer.Argument(help="A run's folder, e.g. reports/ticket-drop/latest.", metavar="DIR")]
AsJson = Annotated[bool, typer.Option("--json", help="Print report.json alone on stdout.")]


def audit(folder: Folder, as_json: AsJson = False) -> None:
    """Audit a recording: the same findings as when it was made, from the folder alone."""
    summary = summarise(folder.resolve())
    show(summary, folder, as_json=as_json)
    raise typer.Exit(summary.exit_code)


def report(folder: Folder, as_json: AsJson = False) -> None:
    """Write report.html, report.json, junit.xml, summary.md and latency.hlog into a recording's folder again."""
    summary = judge(folder.resolve())
    show(summary, folder, as_json=as_json)
    raise typer.Exit(summary.exit_code)
