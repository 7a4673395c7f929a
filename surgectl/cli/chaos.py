"""`surgectl chaos heal`: take back whatever a killed rehearsal left broken."""

from __future__ import annotations

import asyncio
import os
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

    Without arguments it looks at the Toxiproxy of every run under reports/ that was killed before its end. A rehearsal
    that is still going on heals its own; name its folder to take its faults away from it.
    """
    console = Console()
    wounds = _wounds(folder, toxiproxy, reports, console)
    if not wounds:
        console.print("nothing to heal: no rehearsal stopped half-way, and no --toxiproxy was given")
    for url, run in wounds:
        try:
            done = asyncio.run(marks.sweep(Toxiproxy(url), run))
        except ToxiproxyError as error:
            if toxiproxy:
                raise UsageError(str(error), where="--toxiproxy", hint="is it still running?") from error
            console.print(f"{url}: nothing answers there any more, so no fault is left there", highlight=False)
            continue
        for line in done:
            console.print(f"{url}: {line}", highlight=False, markup=False, soft_wrap=True)
        if not done:
            console.print(f"{url}: no fault of surgectl's is there", highlight=False)


def _wounds(
    folder: Path | None, toxiproxy: str | None, reports: Path, console: Console
) -> list[tuple[str, str | None]]:
    """Where to look, and for whose faults: one run's, or (on a server that was named) any of surgectl's."""
    if folder is not None:
        said = manifest.load(folder)
        url = toxiproxy or said.toxiproxy
        return [(url, said.run)] if url else []
    if toxiproxy is not None:
        return [(toxiproxy, None)]
    found: list[tuple[str, str | None]] = []
    for path in _unfinished(reports):
        said = manifest.load(path)
        if _is_alive(said.pid):
            console.print(f"{path}: still running (process {said.pid}): its faults are left to it", highlight=False)
        elif said.toxiproxy:
            found.append((said.toxiproxy, said.run))
    return found


def _is_alive(pid: int) -> bool:
    """Whether a surgectl runs under that number; where the system does not say what runs there, any process counts."""
    try:
        os.kill(pid, 0)
        return b"surgectl" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except ProcessLookupError:
        return False
    except OSError:
        return not Path("/proc/self").exists()


def _unfinished(reports: Path) -> list[Path]:
    """Folders of runs whose manifest still says `running`, newest first."""
    found = []
    for path in sorted(reports.glob("*/*/run.json"), reverse=True):
        if not path.parent.is_symlink() and manifest.load(path.parent).status == "running":
            found.append(path.parent)
    return found
