"""`surgectl doctor`: would a rehearsal against this shop come to a verdict, and what must be put right before?"""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer
import uvloop
from rich.console import Console
from rich.status import Status

from surgectl import chance
from surgectl.chaos.commands import Commands
from surgectl.cli import doctor_view
from surgectl.cli.check import compiling, find
from surgectl.cli.driving import tls_of
from surgectl.cli.located import located, stage_of
from surgectl.cli.plan import make_plan
from surgectl.cli.plan_view import console_for_results
from surgectl.cli.shards import cores_here, how_many_workers
from surgectl.cli.try_fan import stand_in_sale, try_one
from surgectl.clock import SystemClock
from surgectl.doctor.checkup import SCHEMA, Checkup, Examination, exit_code
from surgectl.doctor.examine import examine
from surgectl.doctor.machine import Machine, machine_here
from surgectl.doctor.patient import Patient, Then
from surgectl.errors import UsageError
from surgectl.fans.intent import shared_variables
from surgectl.journey.compile import compile_target
from surgectl.plan.build import Plan
from surgectl.profile import lookup
from surgectl.profile.kind import kind_of
from surgectl.profile.load import OpenTarget, open_target
from surgectl.profile.overlay import split_sets
from surgectl.text import one_line


def doctor(
    file: Annotated[str, typer.Argument(help="A target or a profile: a path or a name.", metavar="TARGET")],
    target: Annotated[str | None, typer.Option(help="The target file, instead of the profile's.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE for the target, settle.at_most=90s for the profile.")
    ] = None,
    toxiproxy: Annotated[str | None, typer.Option(help="A Toxiproxy that runs: its API's URL.")] = None,
    embedded_proxy: Annotated[
        bool, typer.Option("--embedded-proxy", help="The embedded proxy, whatever else is there.")
    ] = False,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="As many as the run is to have.")] = None,
    buy: Annotated[
        bool, typer.Option("--buy", help="Play one fan, too: is the link used, and do the books show what was bought?")
    ] = False,
    fan: Annotated[str, typer.Option(help="With --buy: the retry profile of that fan.")] = "patient",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document, alone.")] = False,
) -> None:
    """Look at target, shop, links, books, clocks and this machine, and say what to put right before anybody storms.

    Sends a handful of requests, never load, and leaves no fault behind; only --buy buys anything, what one fan wants.
    Ends with 0 where nothing must be put right, 12 where a rehearsal could not come to a verdict, 13 where only an
    allowance is missing, 2 for a file that cannot be meant.
    """
    settings, variables = split_sets(set_ or [])
    path = find(file)
    kind = kind_of(path)
    if kind in ("fan", "readiness"):
        what = "a retry profile has nothing to be examined" if kind == "fan" else "this is a list of rehearsals"
        raise UsageError(what, where=lookup.shown(path), hint="name a target, or one profile")
    opened, plan, unfilled = _opened(path, kind, target, settings, variables)
    compiling(opened, variables, None)
    # What nobody has set gets the stand-in that it was compiled with.
    filled = {**variables, **dict.fromkeys(opened.unset, "http://127.0.0.1:1")}
    whole = open_target(opened.file, filled, environ=os.environ, peek=True)
    fans = plan.fans_total if plan is not None else 0
    own_stage = stage_of(opened) is not None
    many = how_many_workers(workers or _asked_workers(), fans, own_stage=own_stage)
    patient = Patient(
        target=opened.target,
        journey=located(whole, compile_target),
        folder=opened.folder,
        variables={"run": f"doctor-{chance.token()[:8]}", **_shared(plan)},
        plan=plan,
        tls=tls_of(whole),
        unset=opened.unset,
        unfilled=unfilled,
        toxiproxy=toxiproxy,
        embedded_proxy=embedded_proxy,
        redact=opened.secrets.redact,
        buy=partial(_bought, opened.file, variables, fan) if buy else None,
    )
    machine = machine_here(Path("reports"), cores=cores_here(), workers=many)
    checkups, code = _examined(patient, machine, quiet=as_json)
    name = one_line(plan.rehearsal.name) if plan is not None else None
    told = Examination(
        schema=SCHEMA, target=one_line(opened.target.name), profile=name, exit_code=code, checkups=checkups
    )
    if as_json:
        sys.stdout.flush()
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")
        sys.stdout.buffer.flush()
    else:
        doctor_view.show(console_for_results(), told)
    raise typer.Exit(code)


def _opened(
    path: Path, kind: str, target: str | None, settings: dict[str, str], variables: dict[str, str]
) -> tuple[OpenTarget, Plan | None, tuple[str, ...]]:
    """The target; with a profile its plan, and what its commands lack."""
    if kind == "target":
        if target is not None:
            raise UsageError("--target belongs to a profile", where=lookup.shown(path))
        if settings:
            raise UsageError(f"--set {next(iter(settings))}: belongs to a profile", where=lookup.shown(path))
        return open_target(path, variables, environ=os.environ, keep_unset=True), None, ()
    sets = [f"{key}={value}" for key, value in {**settings, **variables}.items()]
    rehearsal, opened, plan = make_plan(path, target=target, sets=sets)
    if opened is None:
        raise UsageError("names no target", where=lookup.shown(path), hint="give --target FILE")
    lacking = []
    if not opened.unset:
        commands = Commands(variables, secrets=rehearsal.secrets)
        for words in (words for fault in plan.faults for words in (fault.run, fault.heal, fault.check) if words):
            try:
                program = commands.filled(words, where=f"exec {' '.join(words)}")[0]
                if program != "surgectl" and shutil.which(program) is None:
                    lacking.append(f"{program}: no such program on this machine")
            except UsageError as error:
                lacking.append(str(error))
    return opened, plan, tuple(dict.fromkeys(lacking))


async def _bought(file: Path, variables: dict[str, str], fan: str, then: Then) -> None:
    """One fan plays, as for `check --try`; what would be shown there is shown there."""
    await try_one(str(file), variables, fan, Console(file=io.StringIO()), then)


def _shared(plan: Plan | None) -> dict[str, object]:
    """`{sale.…}`: the profile's, or a stand-in where there is none."""
    return shared_variables(plan.rehearsal.sale) if plan is not None else {"sale": stand_in_sale()}


def _asked_workers() -> int | None:
    text = os.environ.get("SURGECTL_WORKERS", "")
    return int(text) if text.isdecimal() and 0 < int(text) <= 64 else None


def _examined(patient: Patient, machine: Machine, *, quiet: bool) -> tuple[list[Checkup], int]:
    """What was found and the exit code. A signal ends it: what it had put up is taken down first."""
    stopped: list[int] = []

    async def look() -> list[Checkup]:
        loop, me = asyncio.get_running_loop(), asyncio.current_task()
        assert me is not None

        def stop(number: int) -> None:
            stopped.append(number)
            me.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop, number)
        screen: AbstractContextManager[Status | None] = nullcontext()
        if not quiet and sys.stderr.isatty():
            screen = Console(stderr=True).status("looking")
        with screen as status:
            say: Callable[[str], None] = lambda what: status.update(f"looking at {what}") if status else None  # noqa: E731
            return await examine(patient, machine, SystemClock(), say)

    try:
        checkups = uvloop.run(look())
    except asyncio.CancelledError:
        raise typer.Exit(128 + stopped[0]) from None
    return checkups, exit_code(checkups)
