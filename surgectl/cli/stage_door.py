"""`surgectl stage kill`, `restart` and `lost`: what becomes of one part of a stage that is up."""

from __future__ import annotations

import typer

from surgectl.stage.stage_door import Deed, ask


def at_stage_door(do: Deed, part: str, address: str | None) -> None:
    """Do it and say so; `lost` ends with exit 0 where the part is not running, else with 1. UsageError as `ask`."""
    answer = ask(do, part, address)
    typer.echo(answer.said)
    if not answer.yes:
        raise typer.Exit(1)
