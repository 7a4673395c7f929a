"""`surgectl plan`: what would happen, drawn, before anything is sent. Touches no network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from surgectl.cli.accounts import accounts_of
from surgectl.cli.located import stage_of
from surgectl.cli.plan_view import console_for_results, picture
from surgectl.errors import UsageError
from surgectl.plan.build import DEFAULT_SEED, Plan, build
from surgectl.plan.effective import settings
from surgectl.profile import check_thresholds
from surgectl.profile.load import OpenRehearsal, OpenTarget, open_rehearsal, open_target
from surgectl.profile.overlay import split_sets
from surgectl.profile.readiness import is_readiness, open_readiness
from surgectl.stage.places import dependencies
from surgectl.units import show_duration


class PhaseShown(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    from_s: float
    to_s: float
    fans: int
    peak_rate_per_s: float


class FaultShown(msgspec.Struct, frozen=True, kw_only=True):
    fault: str
    link: str
    brownout: str
    from_s: float
    to_s: float
    left_out: bool = False
    """Optional, and the target has no such link."""


class CrowdShown(msgspec.Struct, frozen=True, kw_only=True):
    share: float
    fans: int


class SettlingShown(msgspec.Struct, frozen=True, kw_only=True):
    window_s: float
    at_most_s: float
    enough: bool
    parts_s: dict[str, float]


class SettingShown(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    value: str
    origin: str


class PlanShown(msgspec.Struct, frozen=True, kw_only=True):
    """`surgectl plan --json`."""

    schema: str = "surgectl.plan/1"
    profile: str
    target: str | None
    digest: str
    seed: int
    fans: int
    peak_rate_per_s: float
    duration_s: float
    phases: list[PhaseShown]
    chaos: list[FaultShown]
    crowd: dict[str, CrowdShown]
    settling: SettlingShown
    settings: list[SettingShown]
    notes: list[str]


class PlansShown(msgspec.Struct, frozen=True, kw_only=True):
    """`surgectl plan --json` of a list of rehearsals."""

    schema: str = "surgectl.plans/1"
    readiness: str
    load_s: float
    rehearsals: list[PlanShown]


def plan(
    file: Annotated[str, typer.Argument(help="A profile: a path, or a name such as ticket-drop.", metavar="PROFILE")],
    seed: Annotated[int | None, typer.Option(help="Where all chance comes from; wins over the profile's.")] = None,
    target: Annotated[str | None, typer.Option(help="The target file, instead of the profile's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
    shards: Annotated[int, typer.Option(help="Compute the digest over this many shards.", min=1, max=4096)] = 1,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="settle.at_most=90s for the profile, NAME=VALUE for the target.")
    ] = None,
) -> None:
    """Draw what would happen: arrivals, crowd, faults and settling. Touches no network."""
    if is_readiness(file):
        plan_all(file, seed=seed, target=target, sets=set_ or [], as_json=as_json, shards=shards)
        return
    opened, opened_target, planned = make_plan(file, seed=seed, target=target, sets=set_ or [])
    digest = planned.digest(shards)
    notes = remarks(planned, opened_target)
    if as_json:
        shown = _shown(planned, digest, opened_target, notes)
        typer.echo(msgspec.json.format(msgspec.json.encode(shown), indent=2).decode())
        return
    console = console_for_results()
    name = opened_target.target.name if opened_target else None
    console.print(picture(planned, console, digest=digest, target=name, notes=notes))


def plan_all(
    file: str, *, seed: int | None, target: str | None, sets: list[str], as_json: bool, shards: int = 1
) -> None:
    """Each rehearsal of a list in its turn, and how long they take together."""
    opened = open_readiness(file)
    plans = []
    for part, path in zip(opened.readiness.rehearsals, opened.files, strict=True):
        own = [f"{key}={value}" for key, value in part.sets.items()]
        plans.append((part, *make_plan(path, seed=seed, target=target, sets=[*own, *sets])))
    load_ns = sum(planned.duration_ns for _, _, _, planned in plans)
    settling_ns = sum(min(planned.settling.window_ns, planned.settling.at_most_ns) for _, _, _, planned in plans)
    if as_json:
        shown = [
            _shown(planned, planned.digest(shards), opened_target, remarks(planned, opened_target))
            for _, _, opened_target, planned in plans
        ]
        whole = PlansShown(readiness=opened.readiness.name, load_s=load_ns / 1e9, rehearsals=shown)
        typer.echo(msgspec.json.format(msgspec.json.encode(whole), indent=2).decode())
        return
    console = console_for_results()
    for number, (part, _, opened_target, planned) in enumerate(plans, 1):
        console.rule(f"{number} of {len(plans)}: {planned.rehearsal.name}")
        if part.why:
            console.print(part.why, markup=False)
        name = opened_target.target.name if opened_target else None
        notes = remarks(planned, opened_target)
        console.print(picture(planned, console, digest=planned.digest(shards), target=name, notes=notes))
    console.rule(opened.readiness.name)
    for _, _, _, planned in plans:
        faults = len(planned.faults)
        console.print(
            f"{planned.rehearsal.name}: {show_duration(planned.duration_ns)} of load, {planned.fans_total:,} fans, "
            f"{faults} fault{'s' if faults != 1 else ''}",
            markup=False,
        )
    console.print(
        f"together {show_duration(load_ns)} of load, and up to {show_duration(settling_ns)} until the books are closed"
    )


def make_plan(
    file: str | Path, *, seed: int | None = None, target: str | None = None, sets: list[str] | None = None
) -> tuple[OpenRehearsal, OpenTarget | None, Plan]:
    """Load a profile and its target (variables may still be unset) and plan it. Raises UsageError."""
    over, variables = split_sets(sets or [])
    opened = open_rehearsal(file, seed=seed, target=target, sets=over, environ=os.environ)
    opened_target = None
    if opened.target_file is not None:
        opened_target = open_for_plan(opened.target_file, variables, opened)
    chosen = opened.rehearsal.seed if opened.rehearsal.seed is not None else DEFAULT_SEED
    planned = build(
        opened.rehearsal,
        opened_target.target if opened_target else None,
        chosen,
        retries=opened.retries,
        curves=opened.curves,
        settings=settings(opened, opened_target, chosen),
    )
    return opened, opened_target, planned


def open_for_plan(file: Path, variables: dict[str, str], over: OpenRehearsal) -> OpenTarget:
    """The target as a rehearsal would see it, before anybody knows where its stage will stand: what the stage puts up
    has a name (`${IDENTITY_ADDR}`), what it does not is empty."""
    peeked = open_target(file, variables, environ=os.environ, over=over, keep_unset=True, peek=True)
    stage = stage_of(peeked)
    if stage is not None:
        there = dependencies(stage)
        variables = {**{name: f"${{{name}}}" if up else "" for name, up in there.items()}, **variables}
    return open_target(file, variables, environ=os.environ, over=over, keep_unset=True)


def remarks(plan: Plan, target: OpenTarget | None) -> list[str]:
    """What a careful colleague would say about this plan."""
    notes: list[str] = []
    if target is None:
        notes.append("the profile names no target: links and settling are guesses (use --target FILE)")
    elif target.unset and target.target.stage is None:
        notes.append(f"not set yet: {', '.join(target.unset)} (environment or --set)")
    if target is not None and target.target.fans_from is not None and "${" not in target.target.fans_from.csv:
        try:
            accounts_of(target, plan.fans_total)
        except UsageError as error:
            notes.append(str(error))
    for fault in plan.left_out:
        notes.append(
            f"{fault.brownout} on {fault.link} at {show_duration(fault.from_ns)} is left out: this target has no link"
            f' "{fault.link}" (optional)'
        )
    for fault in plan.faults:
        if fault.run and not fault.check:
            notes.append(
                f"{' '.join(fault.run)} has no check: nobody sees whether it bit, so the run can only end inconclusive"
            )
        if fault.to_ns >= plan.duration_ns:
            notes.append(
                f"{fault.brownout} on {fault.link or 'a command'} ends at {show_duration(fault.to_ns)}, the load at"
                f" {show_duration(plan.duration_ns)}: load must outlive the fault, or recovery proves nothing"
            )
    return notes + check_thresholds.remarks(plan.rehearsal, target.target if target is not None else None)


def _shown(plan: Plan, digest: str, target: OpenTarget | None, notes: list[str]) -> PlanShown:
    return PlanShown(
        profile=plan.rehearsal.name,
        target=target.target.name if target else None,
        digest=digest,
        seed=plan.seed,
        fans=plan.fans_total,
        peak_rate_per_s=plan.peak_rate_per_s,
        duration_s=plan.duration_ns / 1e9,
        phases=[
            PhaseShown(
                name=phase.name,
                from_s=phase.start_ns / 1e9,
                to_s=phase.end_ns / 1e9,
                fans=phase.fans,
                peak_rate_per_s=phase.peak_rate_per_s,
            )
            for phase in plan.phases
        ],
        chaos=[
            FaultShown(
                fault=fault.fault,
                link=fault.link,
                brownout=fault.brownout,
                from_s=fault.from_ns / 1e9,
                to_s=fault.to_ns / 1e9,
                left_out=fault in plan.left_out,
            )
            for fault in (*plan.faults, *plan.left_out)
        ],
        crowd={
            name: CrowdShown(share=float(share), fans=round(share * plan.fans_total))
            for name, share in plan.rehearsal.fans.items()
        },
        settling=SettlingShown(
            window_s=plan.settling.window_ns / 1e9,
            at_most_s=plan.settling.at_most_ns / 1e9,
            enough=plan.settling.enough,
            parts_s={name: ns / 1e9 for name, ns in plan.settling.parts},
        ),
        settings=[SettingShown(path=s.path, value=s.value, origin=s.origin) for s in plan.settings],
        notes=notes,
    )
