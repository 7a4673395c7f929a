"""`surgectl check`: is this file what it means to be, and what could be proved with it?"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from surgectl import plugins
from surgectl.audit.checkers.registry import CHECKERS
from surgectl.cli.accounts import accounts_of
from surgectl.cli.located import located, stage_of
from surgectl.cli.plan import open_for_plan
from surgectl.cli.plan_view import console_for_results, hung
from surgectl.errors import UsageError, did_you_mean
from surgectl.evidence.check import check_evidence
from surgectl.evidence.describe import described
from surgectl.journey import calling
from surgectl.journey.compile import compile_target
from surgectl.profile import check_thresholds, lookup, words
from surgectl.profile.kind import kind_of
from surgectl.profile.load import OpenRehearsal, OpenTarget, open_rehearsal, open_retry_profile, open_target
from surgectl.profile.overlay import split_sets
from surgectl.profile.provable import kinds_of, provable
from surgectl.profile.readiness import open_readiness
from surgectl.profile.rehearsal import Rehearsal
from surgectl.profile.retry import RetryProfile
from surgectl.profile.schema import KINDS, schema
from surgectl.profile.step import walk
from surgectl.profile.target import Target
from surgectl.report import schema as report_schema
from surgectl.units import show_duration

_REPORT = "report"
TryTarget = Callable[[str, dict[str, str], str], int]


def check(
    file: Annotated[str | None, typer.Argument(help="A profile, target or retry profile: a path or a name.")] = None,
    target: Annotated[str | None, typer.Option(help="The target file, instead of the profile's.")] = None,
    schema_: Annotated[
        str | None,
        typer.Option("--schema", help="Print the JSON Schema of: profile, readiness, target, fan or report."),
    ] = None,
    try_: Annotated[bool, typer.Option("--try", help="Play one fan through the target and show every step.")] = False,
    fan: Annotated[str, typer.Option(help="With --try: the retry profile of that fan.")] = "patient",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE for the target, settle.at_most=90s for the profile.")
    ] = None,
) -> None:
    """Say what a file is, whether it is right, and which invariants its evidence can prove."""
    if schema_ is not None:
        typer.echo(_schema(schema_), nl=False)
        return
    if file is None:
        raise UsageError("nothing to check", hint="name a file, or ask for --schema profile")
    settings, variables = split_sets(set_ or [])
    console = console_for_results()
    path = find(file)
    kind = kind_of(path)
    if kind == "readiness":
        _check_all(console, path, target=target, settings=settings, variables=variables, try_=try_)
        return
    if try_:
        _try_fan(path, kind, target, settings, variables, fan)
        return
    if kind == "fan":
        _say(console, _of_fan(open_retry_profile(path), path))
        return
    if kind == "target":
        if target is not None:
            raise UsageError("--target belongs to a profile", where=lookup.shown(path))
        opened_target = open_target(path, variables, environ=os.environ, keep_unset=True)
        _say(console, _of_target(compiling(opened_target, variables, None)))
        return
    _check_profile(console, path, target=target, settings=settings, variables=variables)


def _check_all(
    console: Console,
    path: Path,
    *,
    target: str | None,
    settings: dict[str, str],
    variables: dict[str, str],
    try_: bool,
) -> None:
    """A list: what it is, then each of its rehearsals as if it stood alone."""
    if try_:
        raise UsageError("a list of rehearsals cannot be tried", where=lookup.shown(path), hint="try one of them")
    opened = open_readiness(path)
    parts = opened.readiness.rehearsals
    head = _head("list", opened.readiness.name, path, opened.readiness.about)
    _say(console, [head, _fact(f"{len(parts)} rehearsals: {', '.join(part.profile for part in parts)}")])
    for part, file in zip(parts, opened.files, strict=True):
        own, own_variables = split_sets([f"{key}={value}" for key, value in part.sets.items()])
        _check_profile(
            console, file, target=target, settings={**own, **settings}, variables={**own_variables, **variables}
        )


def _check_profile(
    console: Console, path: Path, *, target: str | None, settings: dict[str, str], variables: dict[str, str]
) -> None:
    opened = open_rehearsal(path, target=target, sets=settings, environ=os.environ)
    lines = [_head("profile", opened.rehearsal.name, path, opened.rehearsal.about), *_of_rehearsal(opened.rehearsal)]
    if opened.target_file is None:
        lines.append(_note("names no target", "give --target FILE to check it against one"))
        _say(console, lines)
        return
    opened_target = open_for_plan(opened.target_file, variables, opened)
    compiling(opened_target, variables, opened)
    _say(console, [*lines, *_of_target(opened_target), *_of_both(opened.rehearsal, opened_target)])


def _schema(kind: str) -> str:
    """What the user writes, or what we write: as text that ends with a line break."""
    if kind == _REPORT:
        return report_schema.render().decode()
    if kind not in KINDS:
        known = [*KINDS, _REPORT]
        raise UsageError(f'no such schema: "{kind}"', hint=did_you_mean(kind, known) or f"one of {', '.join(known)}")
    return msgspec.json.format(msgspec.json.encode(schema(kind)), indent=2).decode() + "\n"


def find(file: str) -> Path:
    """A path, or the name of something beside us or shipped."""
    if Path(file).exists() or not lookup.is_bare(file):
        return Path(file)
    folders = [*lookup.rehearsal_folders(), *lookup.target_folders(), *lookup.fan_folders()]
    path = lookup.find_named(file, folders)
    if path is None:
        known = lookup.names_in(folders)
        raise UsageError(f'no such file or name: "{file}"', hint=did_you_mean(file, known))
    return path


def _try_fan(
    path: Path, kind: str, target: str | None, settings: dict[str, str], variables: dict[str, str], fan: str
) -> None:
    """Play one fan through a target. The player needs the engine, so it is loaded only when asked for."""
    if kind == "fan":
        raise UsageError("a retry profile cannot be tried alone", where=lookup.shown(path), hint="name a target")
    if kind == "profile":
        opened = open_rehearsal(path, target=target, sets=settings, environ=os.environ)
        if opened.target_file is None:
            raise UsageError("names no target", where=lookup.shown(path), hint="give --target FILE")
        path = opened.target_file
    player = importlib.import_module("surgectl.cli.try_fan")
    try_target: TryTarget = player.try_target
    code = try_target(str(path), variables, fan)
    if code:
        raise typer.Exit(code)


def _say(console: Console, lines: list[RenderableType]) -> None:
    for line in lines:
        console.print(line)


def _head(kind: str, name: str, path: Path, about: str) -> RenderableType:
    text = Text.assemble(f"{kind} ", (name, "bold"), (f"  {lookup.shown(path)}", "dim"))
    if about:
        text.append(f"\n{' '.join(about.split())}", "dim")
    return hung("ok ", "bold green", text)


def _fact(*parts: str | tuple[str, str]) -> RenderableType:
    return Padding(Text.assemble(*parts), (0, 0, 0, len("ok ")), expand=False)


def _note(what: str, hint: str) -> RenderableType:
    return hung("!  ", "bold yellow", Text.assemble(what, (f" ({hint})", "dim")))


def _of_rehearsal(rehearsal: Rehearsal) -> list[RenderableType]:
    faults = [fault.brownout or ("toxics" if fault.toxics else "a command") for fault in rehearsal.chaos]
    expect = rehearsal.expect
    return [
        _fact(
            f"{len(rehearsal.load)} phases, {len(rehearsal.fans)} kinds of fan, ",
            f"faults: {', '.join(faults)}" if faults else "no faults",
        ),
        _fact(
            f"requires {', '.join(expect.invariants.require) or 'no invariant'}; "
            f"{len(expect.thresholds)} thresholds, {len(expect.coverage)} coverage demands"
        ),
    ]


def _of_fan(retry: RetryProfile, path: Path) -> list[RenderableType]:
    lines = [_head("retry profile", retry.name, path, retry.about)]
    for outcome, reaction in retry.react.get("pay", {}).items():
        key = "a new key" if reaction.key == "fresh" else "the same key"
        back = f", back from {reaction.back} on" if reaction.back else ""
        lines.append(_fact(f"pay, after {outcome}: up to {reaction.tries} tries with {key}{back}"))
    if retry.quits:
        weibull = retry.quits.weibull
        lines.append(_fact(f"leaves after about {weibull.scale} of waiting (Weibull, shape {weibull.shape:g})"))
    return lines


def _of_target(opened: OpenTarget) -> list[RenderableType]:
    target = opened.target
    roles = ", ".join(f"{step.step} ({step.role})" if step.role != step.step else step.step for step in target.journey)
    kinds = kinds_of(target)
    proof = provable(kinds)
    lines = [
        _head("target", target.name, opened.file, target.about),
        _fact(f"journey: {roles}"),
        _fact(f"links: {', '.join(target.links) or 'none'}; holds last {show_duration(target.promises.hold_ttl)}"),
        *([_fact(f"steps in Python: {', '.join(called)}")] if (called := _called(target)) else []),
        _fact("evidence: ", (", ".join(sorted(kinds)) or "none", "bold")),
        *(hung("     ", "", Text.assemble((called, "bold"), f": {said}")) for called, said in described(target)),
        _fact("can prove: ", (", ".join(n for n in proof.allowed if n in CHECKERS) or "nothing", "green")),
    ]
    by_kinds: dict[tuple[str, ...], list[str]] = {}
    for invariant, missing in proof.lost:
        by_kinds.setdefault(missing, []).append(invariant)
    for missing, invariants in by_kinds.items():
        lines.append(
            _fact("no ", (" and ".join(missing), "bold"), ", which costs: ", (", ".join(invariants), "yellow"))
        )
    if opened.unset and target.stage is None:
        lines.append(_note(f"not set yet: {', '.join(opened.unset)}", "environment or --set NAME=VALUE"))
    return lines


def _called(target: Target) -> list[str]:
    """The extensions that its steps call, each with the package that offers it."""
    flows = [target.journey, *target.flows.values()]
    steps = [step for flow in flows for _, step in walk(flow, "")]
    names = {part.call for step in steps for part in (step, step.poll) if part is not None and part.call}
    known = plugins.offers(calling.GROUP) if names else {}
    return [f"{name} ({known[name]})" if name in known else name for name in sorted(names)]


def _of_both(rehearsal: Rehearsal, opened: OpenTarget) -> list[RenderableType]:
    """What the profile requires and the target's books cannot show: such a run would end inconclusive."""
    lost = dict(provable(kinds_of(opened.target)).lost)
    lines: list[RenderableType] = []
    for word in rehearsal.expect.invariants.require:
        short = [invariant for invariant in words.invariants_of(word) if invariant in lost]
        if short and word not in words.GROUPS:
            lines.append(_note(f"{word} is required, and this target cannot show it", "the run would be inconclusive"))
        elif short:
            lines.append(_note(f"of {word}, {', '.join(short)} cannot be shown by this target", "see above"))
    return lines + [_note(said, "thresholds") for said in check_thresholds.remarks(rehearsal, opened.target)]


def compiling(opened: OpenTarget, variables: dict[str, str], over: OpenRehearsal | None) -> OpenTarget:
    """Compile the journey too, as a run would: its rules, paths and templates are only understood there.

    What nobody has set yet gets a stand-in, so that the rest can be looked at. Raises UsageError with the line.
    """
    stand_ins = {name: "http://127.0.0.1:1" for name in opened.unset}
    whole = open_target(opened.file, {**variables, **stand_ins}, environ=os.environ, over=over, peek=True)
    located(whole, compile_target)
    located(whole, lambda target: check_evidence(target, whole.folder))
    stage_of(whole)
    data = opened.target.fans_from
    if data is not None and "${" not in data.csv:
        accounts_of(opened)
    return opened
