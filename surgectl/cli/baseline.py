"""`surgectl run --baseline`: the new run is held beside an old one as soon as it has its verdict."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

import surgectl
from surgectl import gate
from surgectl.cli import compare
from surgectl.cli.manifest_of import plain
from surgectl.cli.prepare import Prepared
from surgectl.report.compare.seconds import Seconds
from surgectl.report.compare.side import Side, journey_of
from surgectl.report.summary import RunNote, Summary


def open_baseline(path: Path, prepared: Prepared) -> Side:
    """The old run, read before the new one begins: `latest` will mean another one by then.

    UsageError (before anything is sent) where it is none, or where it was another rehearsal.
    """
    baseline = compare.opened(path)
    compare.refuse_others(baseline, _planned(prepared))
    return baseline


def hold_beside(baseline: Side, folder: Path, own: int, *, as_json: bool) -> int:
    """Compare, print, and write comparison.html and .json into the new run's folder; the exit code of both.

    It is the run's own unless that is 0: then it is the comparison's, 10 or 11 for worse.
    """
    candidate = compare.opened(folder)
    comparison = compare.compared(baseline, candidate, force=True)
    compare.written(comparison, baseline, candidate, folder)
    if as_json:  # stdout belongs to report.json
        Console(stderr=True).print(f"against the baseline: {comparison.headline}", markup=False, highlight=False)
    else:
        compare.show(comparison, as_json=False)
    return comparison.exit_code if own == gate.PASS else own


def _planned(prepared: Prepared) -> Side:
    """The new run as far as it is known before it begins: what will be asked of the shop."""
    plan, target, secrets = prepared.plan, prepared.target.target, prepared.rehearsal.secrets
    run = RunNote(
        id="",
        profile=plan.rehearsal.name,
        target=target.name,
        seed=plan.seed,
        version=surgectl.__version__,
        started_at="",
        duration_s=0,
        status="running",
        digest=plan.digest(),
        phases=[{"name": p.name, "from_s": p.start_ns / 1e9, "to_s": p.end_ns / 1e9} for p in plan.phases],
    )
    return Side(
        summary=Summary(run=run, verdict="unknown", exit_code=gate.INCONCLUSIVE),
        place="",
        rehearsal=plain(prepared.rehearsal.rehearsal, secrets),
        journey=journey_of(plain(target, secrets)),
        seconds=Seconds(length=0),
    )
