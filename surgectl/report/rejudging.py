"""The same run measured by other demands: what was found stays found, only the thresholds are new.

Pure and offline: a report.json and its samples are enough, no recording is read.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from surgectl import gate
from surgectl.audit.finding import Verdict, worst
from surgectl.audit.run import Audit
from surgectl.report.summary import Summary, ThresholdLine, Weighed
from surgectl.report.words import headline, next_steps
from surgectl.thresholds.evaluate import evaluate
from surgectl.thresholds.grammar import parse
from surgectl.thresholds.packing import UnpackError, unpack
from surgectl.thresholds.samples import Samples
from surgectl.thresholds.threshold import Threshold
from surgectl.thresholds.weighing import Result, believed, unknown

_OLDER = "this report was written before reports took samples along: judge its recording"


def threshold_line(result: Result) -> ThresholdLine:
    """A verdict as a line of the report."""
    return ThresholdLine(
        expression=result.expression,
        verdict=result.verdict,
        observed=result.text,
        value=result.observed,
        unit=result.unit,
        samples=result.samples,
        broken=list(result.broken),
        abort=parse(result.expression).abort,
    )


def weighed(judged: Audit, status: gate.Status) -> Weighed:
    """What of an audit stays, whatever the thresholds are."""
    broken = any(f.kind == "statistical" and f.configured and f.verdict == "fail" for f in judged.findings)
    silent = {f"{r.expression} is {r.text}" for r in judged.thresholds if r.verdict == "unknown"}
    failed = broken and judged.demands == "fail"
    return Weighed(
        ledger=judged.ledger,
        demands="fail" if failed else "pass",
        because=[reason for reason in judged.inconclusive_because if reason not in silent],
        status=status,
        spoilt=judged.spoilt,
        spoils_all=judged.spoils_all,
    )


class Regarded(msgspec.Struct, frozen=True, kw_only=True):
    """An audit as the gate sees it (`gate.Judged`)."""

    ledger: Verdict
    demands: Verdict
    conclusive: bool


def rejudged(summary: Summary, texts: Sequence[str], *, keep: bool = False) -> Summary:
    """The summary with these thresholds instead of its own (`keep`: beside them). ThresholdError: not understood."""
    thresholds = [parse(text) for text in texts]
    known = summary.weighed or _guessed(summary)
    samples = _samples(summary)
    lines = [threshold_line(_judged(threshold, samples, known)) for threshold in thresholds]
    if keep:
        new = {line.expression for line in lines}
        lines = [line for line in summary.thresholds if line.expression not in new] + lines
    demands: list[Verdict] = [known.demands, *(line.verdict for line in lines)]
    silent = [f"{line.expression} is {line.observed}" for line in lines if line.verdict == "unknown"]
    because = [*known.because, *silent]
    regarded = Regarded(ledger=known.ledger, demands=worst(demands), conclusive=not because)
    code = gate.exit_code(regarded, _status(known.status))
    failed = "fail" in (regarded.ledger, regarded.demands)
    verdict: Verdict = "fail" if failed else "unknown" if because or known.status != "done" else "pass"
    said = headline(
        summary.run.status,
        summary.invariants,
        lines,
        summary.coverage,
        code,
        summary.chaos,
        because,
        summary.run.why,
        summary.happened,
    )
    steps = next_steps(summary.invariants, lines, summary.coverage, summary.chaos, code, summary.happened)
    return msgspec.structs.replace(
        summary, verdict=verdict, exit_code=code, headline=said, next_steps=steps, thresholds=lines
    )


def _judged(threshold: Threshold, samples: Samples | str, known: Weighed) -> Result:
    if isinstance(samples, str):
        return unknown(threshold, samples)
    return believed(threshold, evaluate(threshold, samples), known.spoilt, known.spoils_all)


def _samples(summary: Summary) -> Samples | str:
    """The samples, or why there are none."""
    if summary.samples is None:
        return _OLDER
    try:
        return unpack(summary.samples)
    except UnpackError as error:
        return str(error)


def _guessed(summary: Summary) -> Weighed:
    """Of an older report: what its findings say. It does not tell every reason, so it is never better than it was."""
    ledger = [f.verdict for f in summary.invariants if f.kind == "ledger" and f.configured]
    broken = any(f.kind == "statistical" and f.configured and f.verdict == "fail" for f in summary.invariants)
    status = {gate.SIGINT: "sigint", gate.SIGTERM: "sigterm", gate.ABORTED: "aborted", gate.INTERNAL: "failed"}
    doubts = [f"{f.id} is unknown" for f in summary.invariants if f.kind == "harness" and f.verdict != "pass"]
    doubts += [f"coverage {line.id} was {line.seen}" for line in summary.coverage if not line.met]
    if summary.exit_code == gate.INCONCLUSIVE and not doubts:
        doubts = ["the report was inconclusive"]
    return Weighed(
        ledger=worst(ledger),
        demands="fail" if broken else "pass",
        because=doubts,
        status=status.get(summary.exit_code, "done"),
    )


def _status(said: str) -> gate.Status:
    """A stranger's file may say anything: what is no status proves nothing."""
    for status in _STATUSES:
        if status == said:
            return status
    return "running"


_STATUSES: tuple[gate.Status, ...] = ("done", "aborted", "failed", "running", "sigint", "sigterm")
