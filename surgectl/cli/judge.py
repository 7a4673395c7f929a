"""From a recording to a verdict: audit the folder, make the summary, write every report. Needs only the folder."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from surgectl import gate, plugins
from surgectl.audit.expectations import Expectations, expectations_of
from surgectl.audit.run import Audit, audit, audited
from surgectl.cli.announce import announce
from surgectl.cli.plan_view import console_for_results
from surgectl.errors import UsageError
from surgectl.profile.rehearsal import Rehearsal
from surgectl.profile.values import Duration, Money, Rate, Share
from surgectl.recording import manifest as manifests
from surgectl.recording.manifest import Manifest
from surgectl.recording.relations import Relations
from surgectl.recording.rows import BY_HAND
from surgectl.report import hlog, journal, json, terminal
from surgectl.report.artefacts import artefacts
from surgectl.report.compare.side import journey_of
from surgectl.report.fairness import fairness
from surgectl.report.happened import Happened, happened
from surgectl.report.rejudging import threshold_line, weighed
from surgectl.report.series import over_time
from surgectl.report.summary import LEFT_OUT, ChaosLine, CoverageLine, RunNote, Summary, TimelineNote
from surgectl.report.words import headline, next_steps
from surgectl.text import one_line
from surgectl.thresholds.packing import pack
from surgectl.thresholds.samples import Samples

_FUNNEL = ("arrived", "joined", "held", "paid", "confirmed")


def still_open(folder: Path) -> bool:
    """Whether any condition of the audit is still pending, with the books as they were read last."""
    with Relations.from_folder(folder) as relations:
        return audit(relations, expectations(manifests.load(folder))).pending > 0


def judge(folder: Path, *, thresholds: tuple[str, ...] | None = None) -> Summary:
    """Audit a recording and write its reports into it, where it can be written. UsageError where it is no recording.

    `thresholds`: other demands than the profile's.
    """
    manifest = manifests.load(folder)
    summary, latencies = _judged(folder, manifest, thresholds)
    reporters = manifest.rehearsal.get("reporters") or ()
    try:
        (folder / hlog.NAME).write_text(latencies, "utf-8")
        (folder / journal.NAME).write_bytes(journal.render(summary, manifest))
        for name, content in artefacts(summary, reporters):
            (folder / name).write_bytes(content)
    except (OSError, ValueError) as error:
        said = f"the reports could not be written: {one_line(str(error))}"
        Console(stderr=True).print(said, highlight=False, markup=False)
    return summary


def summarise(folder: Path, *, thresholds: tuple[str, ...] | None = None) -> Summary:
    """The summary of a recording; writes nothing."""
    manifest = manifests.load(folder)
    with Relations.from_folder(folder) as relations:
        return _summarised(manifest, relations, thresholds)


def _judged(folder: Path, manifest: Manifest, thresholds: tuple[str, ...] | None) -> tuple[Summary, str]:
    """The summary, and every step's latencies as latency.hlog tells them."""
    with Relations.from_folder(folder) as relations:
        summary = _summarised(manifest, relations, thresholds)
        return summary, hlog.render(relations, started_epoch_s=manifest.started_epoch_s)


def _summarised(manifest: Manifest, relations: Relations, thresholds: tuple[str, ...] | None) -> Summary:
    wanted = expectations(manifest, thresholds)
    judged, measures = audited(relations, wanted, _further(wanted))
    told = happened(relations, manifest, late_at_most_ns=wanted.budget.late_at_most_ns)
    return msgspec.structs.replace(
        _summary(manifest, judged, measures.samples, relations, told), fairness=fairness(relations)
    )


def show(summary: Summary, folder: Path, *, as_json: bool) -> None:
    """Print the verdict on stdout, for people or report.json alone; and tell the build server, where there is one."""
    if as_json:
        sys.stdout.flush()
        sys.stdout.buffer.write(json.render(summary))  # UTF-8, whatever the terminal speaks
        sys.stdout.buffer.flush()
    else:
        told = terminal.render(summary, str(folder), written=(folder / "report.html").exists())
        console_for_results().print(told, soft_wrap=False)
    announce(summary, folder, os.environ, asked=manifests.load(folder).asked, as_json=as_json)


def expectations(manifest: Manifest, thresholds: tuple[str, ...] | None = None) -> Expectations:
    """What this recording is measured against: the profile as it was recorded, or other thresholds."""
    try:
        rehearsal = msgspec.convert(manifest.rehearsal, Rehearsal, dec_hook=_value, str_keys=True)
    except (msgspec.ValidationError, ValueError) as error:
        raise UsageError(f"its profile cannot be read: {error}", where="run.json: rehearsal") from error
    wanted = expectations_of(
        manifest,
        rehearsal.expect,
        rehearsal.generator,
        exclusive=manifest.own_stage,
        refunds_known=_refunds_known(manifest),
    )
    return wanted if thresholds is None else msgspec.structs.replace(wanted, thresholds=thresholds)


def status_of(manifest: Manifest) -> gate.Status:
    """How the run ended, in the gate's words, by its manifest alone."""
    if manifest.status == "aborted":
        return {"SIGINT": "sigint", "SIGTERM": "sigterm"}.get(manifest.stopped_by, "aborted")  # type: ignore[return-value]
    if manifest.status == "failed" and not manifest.our_fault:
        return "running"  # it did not come to its end, and the shop or the network was why: nobody can say
    return manifest.status


def _further(wanted: Expectations) -> dict[str, Any]:
    """Checkers of other packages, loaded only where the profile requires them by name."""
    installed = set(plugins.names("surgectl.checkers"))
    return {name: plugins.require("surgectl.checkers", name) for name in wanted.require if name in installed}


def _refunds_known(manifest: Manifest) -> bool | None:
    """True where the target maps refunds, even if none was ever given; None: judged by what is in the books."""
    evidence = manifest.target_file.get("evidence") or {}
    charges = evidence.get("charges") or {}
    mapped = "refunds" in evidence or charges.get("stripe") or "refunded" in (charges.get("row") or {})
    return True if mapped else None


def _value(kind: type, value: Any) -> Any:
    """Values with a unit, from the text they were recorded as."""
    if kind in (Duration, Rate, Share, Money):
        return kind.parse(value)
    raise NotImplementedError(kind.__name__)


def _summary(manifest: Manifest, judged: Audit, samples: Samples, relations: Relations, happened: Happened) -> Summary:
    status = status_of(manifest)
    code = gate.exit_code(judged, status)
    coverage = [
        CoverageLine(id=item.id, required=item.required, seen=item.text, met=item.met) for item in judged.coverage
    ]
    thresholds = [threshold_line(result) for result in judged.thresholds]
    chaos = [
        ChaosLine(
            link=fault.link,
            brownout=fault.brownout,
            planned_from_s=fault.planned_from_s,
            planned_to_s=fault.planned_to_s,
            applied=fault.applied,
            healed=fault.healed,
            verified=fault.verified,
            applied_at_s=fault.applied_at_s,
            healed_at_s=fault.healed_at_s,
            detail=fault.detail,
            by=fault.by,
        )
        for fault in judged.chaos
    ]
    chaos += [
        ChaosLine(
            link=fault.link,
            brownout=fault.brownout,
            planned_from_s=fault.from_ns / 1e9,
            planned_to_s=fault.to_ns / 1e9,
            applied=False,
            healed=True,
            verified=False,
            detail=LEFT_OUT,
            left_out=True,
        )
        for fault in manifest.left_out
    ]
    return Summary(
        run=_run_note(manifest),
        verdict=judged.verdict if status == "done" or judged.verdict == "fail" else "unknown",
        exit_code=code,
        headline=headline(
            manifest.status,
            judged.findings,
            thresholds,
            coverage,
            code,
            chaos,
            because=judged.inconclusive_because if manifest.stage_broke else (),
            why=manifest.why,
            happened=happened,
        ),
        next_steps=next_steps(judged.findings, thresholds, coverage, chaos, code, happened),
        invariants=judged.findings,
        coverage=coverage,
        links=judged.links,
        thresholds=thresholds,
        chaos=chaos,
        notes=timeline_notes(relations),
        metrics={**judged.metrics, "funnel": {name: judged.metrics["funnel"][name] for name in _FUNNEL}},
        generator=judged.generator,
        sources=judged.sources,
        over_time=over_time(relations, started_epoch_s=manifest.started_epoch_s),
        samples=pack(samples),
        weighed=weighed(judged, status),
        happened=happened,
    )


def timeline_notes(relations: Relations) -> list[TimelineNote]:
    """What was done by hand, in the order of time."""
    kinds = ", ".join(f"'{kind}'" for kind in BY_HAND)
    rows = relations.rows(f"SELECT at_ns, kind, text FROM notes WHERE kind IN ({kinds}) ORDER BY at_ns, file, line")
    return [TimelineNote(at_s=at_ns / 1e9, kind=kind, text=text or "") for at_ns, kind, text in rows]


def _run_note(manifest: Manifest) -> RunNote:
    return RunNote(
        id=manifest.run,
        profile=manifest.profile,
        target=manifest.target,
        seed=manifest.seed,
        version=manifest.version,
        started_at=manifest.started_at,
        duration_s=manifest.duration_s,
        status=manifest.status,
        digest=manifest.digest,
        why=manifest.why,
        left_behind=manifest.left_behind,
        proxy=manifest.proxy_kind,
        facts=manifest.facts,
        command=shlex.join(
            ["surgectl", "run", manifest.asked or manifest.profile, "--seed", str(manifest.seed), *manifest.flags]
        ),
        phases=[
            {"name": p.name, "from_s": p.start_ns / 1e9, "to_s": p.end_ns / 1e9, "fans": p.fans}
            for p in manifest.phases
        ],
        rehearsal=manifest.rehearsal,
        journey=journey_of(manifest.target_file),
    )
