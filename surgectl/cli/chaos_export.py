"""`surgectl chaos export`: a rehearsal as an experiment of the Chaos Toolkit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from surgectl.cli.prepare import Prepared, Wishes, flags_of, prepare
from surgectl.errors import UsageError
from surgectl.report.experiment import Asked, experiment_of, render
from surgectl.report.journal import latest_of

_SPARE_S = 900


def export(
    profile: Annotated[str, typer.Argument(help="A profile: a path, or a name such as ticket-drop.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; else stdout.", metavar="FILE")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Where all chance comes from; wins over the profile's.")] = None,
    target: Annotated[str | None, typer.Option(help="The target file, instead of the profile's.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="settle.at_most=90s for the profile, NAME=VALUE for the target.")
    ] = None,
    threshold: Annotated[list[str] | None, typer.Option(help="A further demand, e.g. 'p99(confirm) < 3s'.")] = None,
    defect: Annotated[str | None, typer.Option(help="Make the built-in shop wrong in a named way.")] = None,
    reports: Annotated[Path, typer.Option(help="Where recordings and reports go.")] = Path("reports"),
) -> None:
    """Write an experiment that `chaos run` plays: the whole rehearsal as one action, its verdict as the hypothesis."""
    wishes = Wishes(
        profile=profile,
        seed=seed,
        target=target,
        defect=defect,
        sets=tuple(set_ or ()),
        thresholds=tuple(threshold or ()),
        reports=reports,
    )
    prepared = prepare(wishes)
    made = render(experiment_of(_asked(wishes, prepared)))
    if output is None:
        sys.stdout.write(made.decode())
        return
    try:
        output.write_bytes(made)
    except OSError as error:
        raise UsageError(f"it cannot be written: {error.strerror}", where=str(output)) from error


def _asked(wishes: Wishes, prepared: Prepared) -> Asked:
    plan, secrets = prepared.plan, prepared.rehearsal.secrets
    flags = [*([] if wishes.seed is None else ["--seed", str(wishes.seed)]), *flags_of(wishes)]
    if any(secrets.redact(word) != word for word in flags):
        raise UsageError(
            "a value would stand in the experiment that is a secret", where="--set", hint="say it by the environment"
        )
    lasts_s = (plan.duration_ns + 2 * int(plan.rehearsal.settle.at_most)) / 1e9
    return Asked(
        profile=plan.rehearsal.name,
        about=plan.rehearsal.about or "",
        named=wishes.profile,
        flags=flags,
        reports=str(wishes.reports),
        latest=latest_of(str(wishes.reports), plan.rehearsal.name),
        brownouts=[fault.brownout for fault in plan.faults],
        at_most_s=round(lasts_s) + _SPARE_S,
        shop=_page(prepared),
    )


def _page(prepared: Prepared) -> str:
    """A page of the shop that the profile probes; none of the built-in one, which is there for the run alone, and none
    whose address is a secret or a fan's own."""
    probe, target = prepared.plan.rehearsal.probe, prepared.target.target
    if prepared.stage is not None or probe is None or (asked := target.probes.get(probe.step)) is None:
        return ""
    path = asked.get or ""
    url = f"{target.base_url.rstrip('/')}/{path.lstrip('/')}"
    if not path or "{" in path or asked.origin is not None or prepared.rehearsal.secrets.redact(url) != url:
        return ""
    return url
