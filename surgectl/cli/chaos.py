"""`surgectl chaos heal`: take back whatever a killed rehearsal left broken."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from surgectl.chaos import marks
from surgectl.chaos.leftovers import mend
from surgectl.chaos.toxiproxy import Toxiproxy, ToxiproxyError
from surgectl.cli.chaos_export import export
from surgectl.clock import SystemClock
from surgectl.errors import InconclusiveError, UsageError
from surgectl.recording import manifest

app = typer.Typer(no_args_is_help=True, help="Faults outside a rehearsal.")
app.command()(export)


@app.command()
def heal(
    folder: Annotated[
        Path | None, typer.Argument(help="A run's folder: heal what that run left, where it left it.")
    ] = None,
    toxiproxy: Annotated[str | None, typer.Option(help="URL of the Toxiproxy to look at.")] = None,
    reports: Annotated[Path, typer.Option(help="Where runs are kept, to find the newest one.")] = Path("reports"),
) -> None:
    """Remove every toxic that surgectl added, open the doors it closed and run the heal commands of its faults by
    command; what others did stays.

    Without arguments it looks at every run under reports/ that was killed before its end. A rehearsal that is still
    going on heals its own; name its folder to take its toxics away from it. A heal command is run once, and said first.
    """
    console = Console()

    def say(text: str) -> None:
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    folders = [folder] if folder is not None else [] if toxiproxy is not None else _unfinished(reports)
    wounds: list[tuple[str, str | None]] = [(toxiproxy, None)] if folder is None and toxiproxy is not None else []
    trouble: list[str] = []
    looked = len(wounds)
    for path in folders:
        said = manifest.load(path)
        alive = said.status == "running" and _is_alive(said.pid)
        if alive and folder is None:
            say(f"{path}: still running (process {said.pid}): its faults are left to it")
            looked += 1
            continue
        if alive:
            say(f"{path}: still running (process {said.pid}): its commands are left to it")
        elif (path / "chaos.jsonl").exists():
            now_ns = _time_since(said)
            left = asyncio.run(mend(path, said, now_ns, say))
            looked += bool(left)
            trouble += left
        url = toxiproxy or said.toxiproxy
        if url:
            wounds.append((url, said.run))
            looked += 1
    if not looked:
        say("nothing to heal: no rehearsal stopped half-way, and no --toxiproxy was given")
    for url, run in wounds:
        _sweep(url, run, given=toxiproxy is not None, say=say)
    if trouble:
        hint = "mend it by hand, or run surgectl chaos heal again"
        raise InconclusiveError("; ".join(trouble), hint=hint)


def _time_since(said: manifest.Manifest) -> int:
    """Now, on the clock of that run, in ns."""
    return int((SystemClock().wall().timestamp() - said.started_epoch_s) * 1e9)


def _sweep(url: str, run: str | None, *, given: bool, say: Callable[[str], None]) -> None:
    """Take the toxics of one run, or of any, off a server."""
    try:
        done = asyncio.run(marks.sweep(Toxiproxy(url), run))
    except ToxiproxyError as error:
        if given:
            raise UsageError(str(error), where="--toxiproxy", hint="is it still running?") from error
        say(f"{url}: nothing answers there any more, so no fault is left there")
        return
    for line in done:
        say(f"{url}: {line}")
    if not done:
        say(f"{url}: no fault of surgectl's is there")


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
