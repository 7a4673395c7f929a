"""`surgectl init`: a first target file for your shop, out of a recorded purchase, its OpenAPI, or a few questions."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from surgectl.cli.located import located
from surgectl.cli.plan_view import console_for_results
from surgectl.drafting.described import MOST_BYTES
from surgectl.drafting.draft import Draft
from surgectl.drafting.har import read_har
from surgectl.drafting.openapi import draft_of_openapi
from surgectl.drafting.purchase import draft_of
from surgectl.drafting.skeleton import Answers, skeleton
from surgectl.drafting.unpacked import opened
from surgectl.drafting.write import write
from surgectl.errors import SurgectlError, UsageError
from surgectl.journey.compile import compile_target
from surgectl.profile.load import open_target
from surgectl.profile.yaml import LARGEST_BYTES, MOST_NODES
from surgectl.text import one_line

_NO_TERMINAL = "give --from-har FILE (a purchase recorded in a browser) or --from-openapi FILE"


def init(
    from_har: Annotated[
        Path | None, typer.Option("--from-har", help="A purchase recorded in a browser: developer tools, Export HAR.")
    ] = None,
    from_openapi: Annotated[
        Path | None, typer.Option("--from-openapi", help="The shop's OpenAPI 3 or Swagger 2 description.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = Path("shop.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Draft a target file for a shop; what was guessed stands marked in it."""
    if from_har is not None and from_openapi is not None:
        raise UsageError("--from-har and --from-openapi exclude each other", hint="one recording or one description")
    if output.exists() and not force:
        raise UsageError("is there already", where=str(output), hint="-o ANOTHER.yaml, or --force")
    if from_har is not None:
        recording = opened(from_har)
        draft = draft_of(read_har(recording.data, str(from_har), recording.attached), str(from_har))
    elif from_openapi is not None:
        draft = draft_of_openapi(_read(from_openapi), str(from_openapi), beside=from_openapi.parent)
    else:
        if not _is_terminal():
            raise UsageError("there is no terminal to ask questions on", hint=_NO_TERMINAL)
        draft = skeleton(_ask())
    text = write(draft)
    if len(text.encode()) > LARGEST_BYTES // 2 or text.count(": ") > MOST_NODES // 2:
        raise UsageError("makes a target file too large to be read", hint="record one purchase alone")
    _prove(text)
    _save(output, text)
    _say(console_for_results(), draft, output)


def _is_terminal() -> bool:
    return sys.stdin.isatty()


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror or error}", where=str(file)) from error


def _prove(text: str) -> None:
    """What we hand over passes `surgectl check`; a draft that does not is a mistake of ours."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "draft.yaml"
        file.write_text(text, encoding="utf-8")
        try:
            opened = open_target(file, environ=os.environ, keep_unset=True)
            stand_ins = {name: "http://127.0.0.1:1" for name in opened.unset}
            located(open_target(file, stand_ins, environ=os.environ), compile_target)
        except UsageError as error:
            said = str(error).replace(str(file), "the draft").splitlines()[0]
            raise SurgectlError(f"the draft would not pass check: {said}", hint="please report it") from error


def _save(file: Path, text: str) -> None:
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UsageError(f"cannot be written: {error.strerror or error}", where=str(file)) from error


def _ask() -> Answers:
    """The few things that nobody else can know."""
    typer.echo("A few questions; Enter takes what stands in brackets. Everything can be changed in the file.")
    return Answers(
        url=typer.prompt("Where is the shop?", default="http://127.0.0.1:8000"),
        page=typer.prompt("The path of the event's page", default="/"),
        hold=typer.prompt("The path that takes tickets off the stock (a POST)", default="/api/holds"),
        pay=typer.prompt("The path that buys them (a POST)", default="/api/orders"),
        sends=typer.prompt("It is sent json or form", default="json"),
        email=typer.prompt("The field that holds the buyer's e-mail address", default="email"),
        sold_out=typer.prompt("The status that says sold out", default=409, type=int),
    )


def _say(console: Console, draft: Draft, file: Path) -> None:
    def line(*parts: str | tuple[str, str]) -> None:
        console.print(Text.assemble(*parts), soft_wrap=True)

    steps = ", ".join(f"{step.name} ({step.role})" if step.role != step.name else step.name for step in draft.steps)
    line(("wrote ", "bold green"), one_line(str(file)))
    line("   steps: ", one_line(steps))
    for left in draft.left_out:
        line("   left out: ", one_line(left))
    if draft.secrets:
        line("   not written down, set it in the environment:")
        for secret in draft.secrets[:12]:
            line("     ", one_line(secret))
    line(("check these", "bold"))
    for number, check in enumerate(draft.checks, 1):
        line(f"   {number}. ", one_line(check))
    line("then: ", (f"surgectl check {one_line(str(file))} --try", "bold"))
