"""What one rehearsal came to, read from the report.json that every user gets."""

from __future__ import annotations

import re

import msgspec

PASSED, THRESHOLD_FAILED, VIOLATED, INCONCLUSIVE = 0, 10, 11, 12
"""Exit codes of `surgectl run` (surgectl/gate.py)."""
CONVICTED = (THRESHOLD_FAILED, VIOLATED)
_HOPELESS = (2, 13, 70)
_JUDGED = (PASSED, *CONVICTED, INCONCLUSIVE)


class _Finding(msgspec.Struct, frozen=True):
    id: str
    kind: str
    verdict: str
    severity: str = "major"
    reason: str = ""
    configured: bool = True


class _Line(msgspec.Struct, frozen=True):
    id: str
    seen: str


class _Threshold(msgspec.Struct, frozen=True):
    expression: str
    verdict: str


class _Fault(msgspec.Struct, frozen=True):
    link: str
    brownout: str
    applied: bool
    verified: bool
    left_out: bool = False


class _Run(msgspec.Struct, frozen=True):
    status: str
    why: str = ""


class _Report(msgspec.Struct, frozen=True):
    """Of `surgectl.report/1`, what matters here."""

    run: _Run
    exit_code: int
    invariants: list[_Finding] = []
    coverage: list[_Line] = []
    thresholds: list[_Threshold] = []
    chaos: list[_Fault] = []


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a cell once its process has ended."""

    exit_code: int
    seconds: float
    failed: tuple[str, ...] = ()
    """Invariants that weigh and failed, then thresholds that failed."""
    violated: tuple[str, ...] = ()
    """Those of them that are ledger facts: they stand however busy the machine was (rule R12)."""
    passed: tuple[str, ...] = ()
    unknown: dict[str, str] = {}
    """Invariant → why nobody can say."""
    critical: tuple[str, ...] = ()
    """Ledger invariants that the audit calls critical."""
    coverage: dict[str, str] = {}
    """Coverage id → what was seen: `12`, or `12 (37%)`."""
    hopeless: bool = False
    """It will end no better the next time: a mistake in the profile, or a fault of our own program."""
    broken: str = ""
    """Why the rehearsal did not come to its end as it should; then nothing in it is a verdict."""
    starved: str = ""
    """Why this machine was too slow for it to be believed."""
    toothless: str = ""
    """A fault that was never on, or that nobody saw bite."""


def played(report: bytes, *, exit_code: int, seconds: float, said: str) -> Played:
    """Read report.json; `said` is what stood on stderr, for where there is no report."""
    if exit_code not in _JUDGED:
        why = f"exit {exit_code}: {_last_line(said)}"
        return Played(exit_code=exit_code, seconds=seconds, hopeless=exit_code in _HOPELESS, broken=why)
    try:
        told = msgspec.json.decode(report, type=_Report)
    except msgspec.DecodeError as error:
        why = f"no report.json can be read (exit {exit_code}: {error}): {_last_line(said)}"
        return Played(exit_code=exit_code, seconds=seconds, broken=why)
    weighing = [found for found in told.invariants if found.configured]
    harness = [found for found in weighing if found.kind == "harness"]
    judged = [found for found in weighing if found.kind != "harness"]
    thresholds = [line.expression for line in told.thresholds if line.verdict == "fail"]
    toothless = [
        f"{fault.brownout} on {fault.link or 'a command'} {'was not seen to bite' if fault.applied else 'was never on'}"
        for fault in told.chaos
        if not fault.left_out and not (fault.applied and fault.verified)
    ]
    return Played(
        exit_code=exit_code,
        seconds=seconds,
        failed=(*(found.id for found in judged if found.verdict == "fail"), *thresholds),
        violated=tuple(found.id for found in judged if found.verdict == "fail" and found.kind == "ledger"),
        passed=tuple(found.id for found in judged if found.verdict == "pass"),
        unknown={found.id: found.reason for found in told.invariants if found.verdict == "unknown"},
        critical=tuple(f.id for f in told.invariants if f.kind == "ledger" and f.severity == "critical"),
        coverage={line.id: line.seen for line in told.coverage},
        broken="" if told.run.status == "done" else f"the run ended {told.run.status}: {told.run.why}",
        starved="; ".join(found.reason for found in harness if found.verdict != "pass"),
        toothless="; ".join(toothless),
    )


_SEEN = re.compile(r"([\d,]+)(?: \(([\d.]+)%\))?$")


def meets(seen: str | None, least: int | str) -> bool:
    """Whether a coverage line (`12`, `1,204 (37%)`) reaches a count, or a share such as `30%`."""
    match = _SEEN.match(seen or "")
    if match is None:
        return False
    if isinstance(least, int):
        return int(match[1].replace(",", "")) >= least
    return match[2] is not None and float(match[2]) >= float(least.removesuffix("%"))


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"
