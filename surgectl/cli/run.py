"""`surgectl run`: rehearse, judge, report, and end with a code that a build server understands."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from surgectl.cli.driving import DriverName
from surgectl.cli.farewell import farewell
from surgectl.cli.judge import judge, show
from surgectl.cli.listing import list_profiles
from surgectl.cli.outlets import Asked, Outlets
from surgectl.cli.prepare import Wishes, prepare
from surgectl.cli.rehearse import Rehearsing
from surgectl.clock import SystemClock
from surgectl.errors import UsageError
from surgectl.units import parse_share


def run(
    profile: Annotated[
        str | None, typer.Argument(help="A profile: a path, or a name such as ticket-drop. None lists them.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Where all chance comes from; wins over the profile's.")] = None,
    target: Annotated[str | None, typer.Option(help="The target file, instead of the profile's.")] = None,
    toxiproxy: Annotated[
        str | None, typer.Option(help="URL of a running Toxiproxy, instead of one that we start.")
    ] = None,
    embedded_proxy: Annotated[
        bool,
        typer.Option("--embedded-proxy", help="Use the embedded proxy even where a toxiproxy-server is installed."),
    ] = False,
    defect: Annotated[
        str | None, typer.Option(help="Make the built-in shop wrong in a named way (docs/stage.md).")
    ] = None,
    stage: Annotated[bool, typer.Option(help="Start the embedded stage where the target asks for it.")] = True,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="settle.at_most=90s for the profile, NAME=VALUE for the target.")
    ] = None,
    threshold: Annotated[list[str] | None, typer.Option(help="A further demand, e.g. 'p99(confirm) < 3s'.")] = None,
    reports: Annotated[Path, typer.Option(help="Where recordings and reports go.")] = Path("reports"),
    driver: Annotated[
        DriverName,
        typer.Option(
            help="How bytes move: wire, our own HTTP/1.1 on bare sockets, or aiohttp, a general client to compare with."
        ),
    ] = DriverName.WIRE,
    workers: Annotated[
        int | None,
        typer.Option(
            envvar="SURGECTL_WORKERS",
            help="Processes that send; none = a core each, one core left to our own stage, 1,000 fans at least.",
            min=1,
            max=256,
        ),
    ] = None,
    prometheus: Annotated[
        str | None,
        typer.Option(
            envvar="SURGECTL_PROMETHEUS",
            metavar="HOST:PORT",
            help="Let Prometheus read the run's numbers there; a port alone is loopback's.",
        ),
    ] = None,
    remote_write: Annotated[
        str | None,
        typer.Option(envvar="SURGECTL_REMOTE_WRITE", metavar="URL", help="Write them into a Prometheus."),
    ] = None,
    otlp: Annotated[
        str | None,
        typer.Option(
            envvar="SURGECTL_OTLP",
            metavar="URL",
            help="Send metrics, and the spans of --trace-sample, to an OpenTelemetry collector (OTLP over HTTP).",
        ),
    ] = None,
    trace_sample: Annotated[
        str | None,
        typer.Option(
            envvar="SURGECTL_TRACE_SAMPLE",
            metavar="SHARE",
            help="Fans' requests carry traceparent; of so many, e.g. 1%, the trace is kept.",
        ),
    ] = None,
    start_at: Annotated[str | None, typer.Option(help="Begin at this time, e.g. 2030-01-01T10:00:00+01:00.")] = None,
    tui: Annotated[bool, typer.Option(help="The dashboard, where there is a terminal for it.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print report.json alone on stdout.")] = False,
) -> None:
    """Rehearse an on-sale: crowd, brownout, retries, audit."""
    if profile is None:
        list_profiles()
        return
    sets = list(set_ or [])
    wishes = Wishes(
        profile=profile,
        seed=seed,
        target=target,
        toxiproxy=toxiproxy,
        embedded_proxy=embedded_proxy,
        defect=defect,
        stage=stage,
        sets=tuple(sets),
        thresholds=tuple(threshold or ()),
        reports=reports,
        start_at=_instant(start_at),
        driver=driver,
        workers=workers,
        trace_sample=_share(trace_sample),
        tui=tui and not as_json and _is_a_screen(),
    )
    prepared = prepare(wishes)
    progress = Console(stderr=True) if as_json or not sys.stdout.isatty() else Console()
    with Outlets(Asked(prometheus=prometheus, remote_write=remote_write, otlp=otlp)) as outlets:
        ended = uvloop.run(Rehearsing(wishes, prepared, progress, outlets).run())
        summary = judge(ended)
        show(summary, ended, as_json=as_json)
        farewell(outlets, summary, ended, partial(progress.print, highlight=False, markup=False, soft_wrap=True))
    raise typer.Exit(summary.exit_code)


def _share(text: str | None) -> float | None:
    try:
        return None if text is None else parse_share(text)
    except ValueError as error:
        raise UsageError(str(error), where="--trace-sample", hint="try 1%") from error


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is not a time", where="--start-at", hint="try 2030-01-01T10:00:00+01:00") from error
    at = at.astimezone()
    if at <= SystemClock().wall():
        raise UsageError(f"{text} has passed", where="--start-at", hint="leave it out to begin at once")
    return at


def _is_a_screen() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb") and "NO_COLOR" not in os.environ
