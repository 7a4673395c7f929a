"""`surgectl trace DIR`: what chosen fans did, as spans for a collector; `run --otlp` does it by itself at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from surgectl.cli.outlets import Outlets, address, which_of
from surgectl.cli.servers import servers_of
from surgectl.clock import Clock, SystemClock
from surgectl.errors import InconclusiveError, SurgectlError, UsageError
from surgectl.outlets.otel_traces import Sent, export
from surgectl.recording import manifest as manifests
from surgectl.recording.manifest import Manifest
from surgectl.recording.relations import Relations
from surgectl.units import NS_PER_S

WITHIN_S = 15
"""How long `run` goes on sending spans; what is left, `surgectl trace` sends."""


def trace(
    folder: Annotated[Path, typer.Argument(help="A run's folder, e.g. reports/ticket-drop/latest.", metavar="DIR")],
    otlp: Annotated[
        str | None,
        typer.Option(help="A collector's base URL; else OTEL_EXPORTER_OTLP_ENDPOINT.", envvar="SURGECTL_OTLP"),
    ] = None,
) -> None:
    """Send the spans of a recording's chosen fans to an OpenTelemetry collector (docs/outlets.md)."""
    manifest = manifests.load(folder.resolve())
    if manifest.trace_sample is None:
        hint = "rehearse with --trace-sample 1%"
        raise UsageError("its requests carried no traceparent: nothing would join", where=str(folder), hint=hint)
    outlets = Outlets()
    sent = send_spans(folder.resolve(), manifest, None if otlp is None else address(otlp, "--otlp"))
    if sent.why:
        raise InconclusiveError(outlets.shown(f"{told(sent)}: {sent.why}"), hint="is the collector there?")
    Console().print(told(sent), highlight=False, markup=False, soft_wrap=True)


def traced(outlets: Outlets, folder: Path) -> str:
    """At the end of a run: send the spans that somebody wants → what became of them; empty where nobody does."""
    manifest = manifests.load(folder)
    if manifest.trace_sample is None or not outlets.spans_by_otlp:
        return ""
    try:
        sent = send_spans(folder, manifest, outlets.asked.otlp, clock=SystemClock())
    except SurgectlError as error:
        return f"no spans were sent: {error}"
    again = f": {sent.why}; surgectl trace {folder} --otlp URL sends them again" if sent.why else ""
    return outlets.shown(f"{told(sent)}{again}")


def told(sent: Sent) -> str:
    """How much went out."""
    return f"{sent.spans:,} spans of {sent.visits:,} fans sent"


def send_spans(folder: Path, manifest: Manifest, base: str | None, *, clock: Clock | None = None) -> Sent:
    """All spans of a recording; with a clock, for `WITHIN_S` at most."""
    ends_ns = 0 if clock is None else clock.now_ns() + WITHIN_S * NS_PER_S
    with Relations.from_folder(folder) as relations:
        return export(
            relations,
            which_of(manifest),
            manifest.trace_sample or 0.0,
            base,
            servers=servers_of(manifest.target_file),
            in_time=lambda: clock is None or clock.now_ns() < ends_ns,
        )
