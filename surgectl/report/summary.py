"""One summary of a run, from which every report is made: terminal, HTML, JSON, JUnit, Markdown.

`Summary` is what report.json holds (schema `surgectl.report/1`): fields are only ever added to it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from surgectl.audit.finding import Finding, Verdict
from surgectl.report.series import OverTime

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
    proxy: str = ""
    command: str = ""
    """Repeats this rehearsal with the same plan."""
    facts: dict[str, str] = {}
    """What the target says of the shop: its version, its database, how many workers it had."""
    phases: list[dict[str, Any]] = []
    """name, from_s, to_s, fans."""


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


class ChaosLine(msgspec.Struct, frozen=True, kw_only=True):
    """A planned fault: when it was to be, whether it was there, was seen to bite, and is gone."""

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


LEFT_OUT = "left out: this stage has no such link"


def verdict_of(fault: ChaosLine) -> Verdict | None:
    """A fault that was left behind is a failure of ours; one that never bit shows nothing. None: it was left out."""
    if fault.left_out:
        return None
    if fault.applied and not fault.healed:
        return "fail"
    return "pass" if fault.applied and fault.verified else "unknown"


def fate_of(fault: ChaosLine) -> str:
    """What became of a fault, in words."""
    if fault.left_out:
        return LEFT_OUT
    if not fault.applied:
        return "NEVER applied"
    seen = "verified" if fault.verified else "NOT seen to bite"
    return f"applied, {seen}, {'healed' if fault.healed else 'NOT HEALED'}"


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
    metrics: dict[str, Any] = {}
    generator: dict[str, Any] = {}
    sources: list[dict[str, Any]] = []
    """How the reading of each kind of evidence went."""
    over_time: OverTime | None = None


_ORDER = {"fail": 0, "unknown": 1, "pass": 2}


def in_order(findings: list[Finding]) -> list[Finding]:
    """The worst first, then in the catalogue's order; what is not configured comes last."""
    return sorted(findings, key=lambda f: (not f.configured, _ORDER[f.verdict]))
