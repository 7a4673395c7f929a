"""One summary of a run, from which every report is made: terminal, HTML, JSON, JUnit, Markdown.

`Summary` is what report.json holds (schema `surgectl.report/1`): fields are only ever added to it.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from surgectl.audit.finding import Finding, Verdict
from surgectl.report.fairness import Fairness
from surgectl.report.happened import Happened
from surgectl.report.series import OverTime
from surgectl.thresholds.packing import Packed

SCHEMA = "surgectl.report/1"


class RunNote(msgspec.Struct, frozen=True, kw_only=True):
    """Which run this is, and how to do it again."""

    id: str
    profile: str
    target: str
    seed: int
    version: str
    started_at: str
    duration_s: float
    status: str
    digest: str = ""
    why: str = ""
    left_behind: str = ""
    """Why what was bought may still stand in the shop: its teardown failed, or was not run."""
    proxy: str = ""
    command: str = ""
    """Repeats this rehearsal with the same plan."""
    facts: dict[str, str] = {}
    """What the target says of the shop: its version, its database, how many workers it had."""
    phases: list[dict[str, Any]] = []
    """name, from_s, to_s, fans."""
    rehearsal: dict[str, Any] = {}
    """The whole effective profile, redacted: what a comparison asks for first."""
    journey: str = ""
    """A digest of how the shop was talked to."""


class CoverageLine(msgspec.Struct, frozen=True, kw_only=True):
    """Something that must have happened for the verdict to mean anything."""

    id: str
    required: str | None
    seen: str
    met: bool


class ThresholdLine(msgspec.Struct, frozen=True, kw_only=True):
    """A number that the user demands, and what it was."""

    expression: str
    verdict: Verdict
    observed: str
    reason: str = ""
    value: float | None = None
    """The observed number, in `unit`; None where there is none."""
    unit: str = ""
    """ns, share (0..1), factor, per_s or count."""
    samples: int = 0
    broken: list[tuple[float, float]] = []
    """Of a demand with a window: the seconds on the run's clock in which it was broken for too long."""
    abort: bool = False
    """The run was to be stopped when it broke."""


class ChaosLine(msgspec.Struct, frozen=True, kw_only=True):
    """A fault: when it was to be, whether it was there, was seen to bite, and is gone."""

    link: str
    brownout: str
    planned_from_s: float
    planned_to_s: float
    applied: bool
    healed: bool
    verified: bool
    applied_at_s: float | None = None
    healed_at_s: float | None = None
    detail: str = ""
    left_out: bool = False
    """Optional, and this target has no such link: nothing was to happen, and nothing did."""
    by: Literal["plan", "hand"] = "plan"
    """`hand`: somebody switched it on during the run; its planned window is then how long it was on."""


class TimelineNote(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did or said by hand while the rehearsal ran."""

    at_s: float
    """On the run's clock."""
    kind: str
    """note · pause · resume · inject · clear · stop"""
    text: str


LEFT_OUT = "left out: this stage has no such link"


def verdict_of(fault: ChaosLine) -> Verdict | None:
    """A fault that was left behind is a failure of ours; one that never bit shows nothing. None: nobody asks about it,
    for it was left out, or switched on by hand and not seen to bite."""
    if fault.left_out:
        return None
    if fault.applied and not fault.healed:
        return "fail"
    if fault.by == "hand" and not fault.verified:
        return None
    return "pass" if fault.applied and fault.verified else "unknown"


def fate_of(fault: ChaosLine) -> str:
    """What became of a fault, in words."""
    if fault.left_out:
        return LEFT_OUT
    hand = "by hand: " if fault.by == "hand" else ""
    if not fault.applied:
        return f"{hand}NEVER applied"
    seen = "verified" if fault.verified else "NOT seen to bite"
    return f"{hand}applied, {seen}, {'healed' if fault.healed else 'NOT HEALED'}"


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """The audit's own word on everything but the thresholds: with other thresholds, the rest stays what it was."""

    ledger: Verdict
    demands: Verdict
    """The worst of the statistical invariants."""
    because: list[str] = []
    """Why the run is inconclusive, thresholds aside."""
    status: str = "done"
    """How the run ended, in the gate's words."""
    spoilt: str = ""
    """Why what was measured is not to be believed."""
    spoils_all: bool = False


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """report.json, whole."""

    schema: str = SCHEMA
    run: RunNote
    verdict: Verdict
    exit_code: int
    headline: str = ""
    next_steps: list[str] = []
    invariants: list[Finding] = []
    coverage: list[CoverageLine] = []
    links: dict[str, float | None] = {}
    thresholds: list[ThresholdLine] = []
    chaos: list[ChaosLine] = []
    notes: list[TimelineNote] = []
    """Everything that was done by hand, in the order of time; a fault by hand also stands in `chaos`."""
    metrics: dict[str, Any] = {}
    generator: dict[str, Any] = {}
    sources: list[dict[str, Any]] = []
    """How the reading of each kind of evidence went."""
    over_time: OverTime | None = None
    samples: Packed | None = None
    """What `surgectl gate` judges other thresholds by (thresholds/packing.py)."""
    weighed: Weighed | None = None
    """What the exit code went by, beside the thresholds."""
    happened: Happened | None = None
    """What was planned against what happened."""
    fairness: Fairness | None = None
    """Who waited how long, by retry profile and by order of arrival."""


_ORDER = {"fail": 0, "unknown": 1, "pass": 2}


def in_order(findings: list[Finding]) -> list[Finding]:
    """The worst first, then in the catalogue's order; what is not configured comes last."""
    return sorted(findings, key=lambda f: (not f.configured, _ORDER[f.verdict]))
