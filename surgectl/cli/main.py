"""`surgectl`: the command line. Errors end in one line on stderr and a documented exit code, never in a traceback."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated

import typer
from rich.console import Console

import surgectl
from surgectl.cli.lazily import Lazily
from surgectl.errors import SurgectlError, ungrouped
from surgectl.text import one_line

app = typer.Typer(
    name="surgectl",
    cls=Lazily,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Rehearse the worst minute of your shop's year, and learn what was true afterwards.",
)


def _version(asked: bool) -> None:
    if asked:
        Console().print(f"surgectl {surgectl.__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Rehearse the worst minute of your shop's year, and learn what was true afterwards."""


def main() -> None:
    """Run the command line; the process ends with a code of surgectl/gate.py."""
    try:
        with ungrouped():
            app()
    except SurgectlError as error:
        for line in str(error).splitlines():  # a file may have several things wrong with it: a line for each
            _complain(line)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has left: nothing to say to
        sys.exit(141)
    except (KeyboardInterrupt, EOFError):
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - the last wall: a bug of ours must say so, and how to report it
        if os.environ.get("SURGECTL_DEBUG"):
            traceback.print_exc()
        _complain(f"internal error: {type(error).__name__}: {error} (SURGECTL_DEBUG=1 shows where; please report it)")
        sys.exit(70)


def _complain(text: str) -> None:
    Console(stderr=True, soft_wrap=True).print(f"[bold red]surgectl:[/] {escape(text)}", highlight=False)


def escape(text: str) -> str:
    """Text from outside, safe to print: no markup, no control characters, nothing that a build server obeys."""
    return one_line(text).replace("[", "\\[")
