"""`surgectl chaos heal`: take back whatever a killed rehearsal left broken."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from surgectl.chaos import marks
from surgectl.chaos.toxiproxy import Toxiproxy, ToxiproxyError
from surgectl.errors import UsageError
from surgectl.recording import manifest

app = typer.Typer(no_args_is_help=True, help="Faults outside a rehearsal.")


@app.command()
def heal(
    folder: Annotated[
        Path | None, typer.Argument(help="A run's folder: heal what that run left, where it left it.")
    ] = None,
    toxiproxy: Annotated[str | None, typer.Option(help="URL of the Toxiproxy to look at.")] = None,
    reports: Annotated[Path, typer.Option(help="Where runs are kept, to find the newest one.")] = Path("reports"),
) -> None:
    """Remove every toxic that surgectl added and open the doors it closed; what others added stays.

    Without arguments it looks at the Toxiproxy of every run under reports/ that did not come to its end.
    """
    console = Console()
    run = manifest.load(folder).run if folder is not None else None
    urls = [toxiproxy] if toxiproxy else _where_faults_may_be([folder] if folder else _unfinished(reports))
    if not urls:
        console.print("nothing to heal: no rehearsal stopped half-way, and no --toxiproxy was given")
        return
    for url in urls:
        try:
            done = asyncio.run(marks.sweep(Toxiproxy(url), run))
        except ToxiproxyError as error:
            if toxiproxy:
                raise UsageError(str(error), where="--toxiproxy", hint="is it still running?") from error
            console.print(f"{url}: nothing answers there any more, so no fault is left there", highlight=False)
            continue
        for line in done:
            console.print(f"{url}: {line}", highlight=False, markup=False)
        if not done:
            console.print(f"{url}: no fault of surgectl's is there", highlight=False)


def _unfinished(reports: Path) -> list[Path]:
    """Folders of runs whose manifest still says `running`, newest first."""
    found = []
    for path in sorted(reports.glob("*/*/run.json"), reverse=True):
        if not path.parent.is_symlink() and manifest.load(path.parent).status == "running":
            found.append(path.parent)
    return found


def _where_faults_may_be(folders: list[Path]) -> list[str]:
    return list(dict.fromkeys(url for folder in folders if (url := manifest.load(folder).toxiproxy)))
