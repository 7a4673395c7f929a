"""`surgectl compare A B`: is the second run the same as the first, better, worse, or can nobody tell?

Exit codes: 0 same, better, or nobody can tell · 10 worse · 11 a ledger invariant that held is violated · 12 nobody can
tell, with --strict · 2 they are not the same rehearsal (--force compares them all the same), or no reports.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from surgectl.cli.plan_view import console_for_results
from surgectl.errors import UsageError
from surgectl.profile.lookup import shown
from surgectl.profile.values import Share
from surgectl.recording import manifest as manifests
from surgectl.recording.folder import Folder
from surgectl.recording.manifest import Manifest
from surgectl.recording.relations import Relations
from surgectl.report import json
from surgectl.report.compare import judging, page, terminal
from surgectl.report.compare.differences import differences
from surgectl.report.compare.model import Comparison
from surgectl.report.compare.recorded import seconds_of
from surgectl.report.compare.rows import BAND
from surgectl.report.compare.seconds import of_over_time
from surgectl.report.compare.side import Side, journey_of
from surgectl.report.summary import SCHEMA, Summary
from surgectl.text import one_line, storable, tamed

HTML, JSON = "comparison.html", "comparison.json"
_MOST_SHOWN = 12


def compare(
    baseline: Annotated[Path, typer.Argument(metavar="A", help="The run before: its folder, or a report.json.")],
    candidate: Annotated[Path, typer.Argument(metavar="B", help="The new run: its folder, or a report.json.")],
    band: Annotated[str, typer.Option(help="Differences up to this share are nobody's business.")] = "5%",
    force: Annotated[bool, typer.Option("--force", help="Compare different rehearsals all the same.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 12 where nobody can tell, instead of 0.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help=f"A folder to write {HTML} and {JSON} into.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=f"Print {JSON} alone on stdout.")] = False,
) -> None:
    """Compare two runs of one profile: every number with its interval, and a word for what it is worth."""
    sides = opened(baseline), opened(candidate)
    comparison = compared(*sides, band=share_of(band), strict=strict, force=force)
    if output is not None:
        written(comparison, *sides, output)
    show(comparison, as_json=as_json)
    raise typer.Exit(comparison.exit_code)


def compared(
    baseline: Side, candidate: Side, *, band: float = BAND, strict: bool = False, force: bool = False
) -> Comparison:
    """The comparison. UsageError with every field that differs where the two are different rehearsals."""
    if not force:
        refuse_others(baseline, candidate)
    forced = any(one.refuses for one in differences(baseline, candidate))
    return judging.compare(baseline, candidate, band=band, strict=strict, forced=forced)


def refuse_others(baseline: Side, candidate: Side) -> None:
    """UsageError with what differs, where these are different rehearsals."""
    differs = [one for one in differences(baseline, candidate) if one.refuses]
    if not differs:
        return
    named = [terminal.difference(one) for one in differs[:_MOST_SHOWN]]
    named += [f"… and {len(differs) - _MOST_SHOWN} more"] if len(differs) > _MOST_SHOWN else []
    said = ["these are different rehearsals (surgectl compare --force holds them beside each other all the same)"]
    raise UsageError("\n".join(one_line(line) for line in [*said, *named]))


def opened(path: Path) -> Side:
    """A run by its folder or by a report.json; beside its recording a report is read by the second, step by step.

    UsageError where it is neither.
    """
    file = path / "report.json" if path.is_dir() else path
    summary = _report(file, path)
    manifest = _manifest(file.parent, summary)
    seconds = of_over_time(summary.over_time)
    if manifest is not None and Folder(file.parent).ops_files():
        with Relations.from_folder(file.parent) as relations:
            seconds = seconds_of(relations)
    return Side(
        summary=summary,
        place=shown(path),
        rehearsal=summary.run.rehearsal or (manifest.rehearsal if manifest else {}),
        journey=summary.run.journey or (journey_of(manifest.target_file) if manifest else ""),
        seconds=seconds,
    )


def written(comparison: Comparison, baseline: Side, candidate: Side, folder: Path) -> None:
    """comparison.html and comparison.json, into a folder. UsageError where it cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / JSON).write_bytes(rendered(comparison))
        (folder / HTML).write_text(page.render(comparison, baseline, candidate), "utf-8")
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=str(folder), hint="name another") from error


def rendered(comparison: Comparison) -> bytes:
    """comparison.json; what is not known is null."""
    held = tamed(comparison, lambda text: storable(text, json.MOST))
    return msgspec.json.format(msgspec.json.encode(held), indent=2) + b"\n"


def show(comparison: Comparison, *, as_json: bool) -> None:
    """For people, or comparison.json alone."""
    if as_json:
        sys.stdout.buffer.write(rendered(comparison))
        sys.stdout.flush()
    else:
        console_for_results().print(terminal.render(comparison))


def _report(file: Path, named: Path) -> Summary:
    hint = "name a run's folder, or a report.json"
    try:
        data = file.read_bytes()
    except OSError as error:
        if (named / "run.json").exists():
            hint = f"surgectl audit {shown(named)} writes it"
        raise UsageError(f"no report: {error.strerror}", where=shown(file), hint=hint) from error
    try:
        said = msgspec.json.decode(data)
        schema = said.get("schema") if isinstance(said, dict) else None
        if schema != SCHEMA:
            raise UsageError(f"a report of format {schema!r}; this surgectl reads {SCHEMA!r}", where=shown(file))
        return json.parse(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"not a report: {error}", where=shown(file), hint=hint) from error


def _manifest(folder: Path, summary: Summary) -> Manifest | None:
    """The recording that the report was made of, if it still lies beside it."""
    if not manifests.manifest_path(folder).exists():
        return None
    manifest = manifests.load(folder)
    return manifest if manifest.run == summary.run.id else None


def share_of(text: str) -> float:
    """`5%` as 0.05. UsageError for what is no share, or all of it."""
    try:
        found = float(Share.parse(text))
    except ValueError as error:
        raise UsageError(f"{text!r} is no share", where="--band", hint="try 5%") from error
    if not 0 <= found < 1:
        raise UsageError(f"{text} is no band", where="--band", hint="between 0% and 99%")
    return found
