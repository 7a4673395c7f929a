"""A finding: what one checker says of one invariant, with the counted evidence."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Verdict = Literal["pass", "unknown", "fail"]
"""pass < unknown < fail: a run is as bad as its worst."""

Severity = Literal["critical", "major", "minor", "info"]

_RANK = {"pass": 0, "unknown": 1, "fail": 2}


def worst(verdicts: list[Verdict]) -> Verdict:
    """The lattice's join; nothing at all is `unknown`, never a pass."""
    return max(verdicts, key=_RANK.__getitem__, default="unknown")


Arrow = Literal["", "to shop", "from shop", "nothing from shop"]
"""Whether a moment is a request or a message under way: where it goes, where it came from, or who kept silent."""


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One instant of an example's story, in one of the ledgers."""

    at_s: float | None
    """Seconds since the run's start; None where the ledger gives no time."""
    lane: Literal["fan", "shop", "provider", "link"]
    text: str
    where: str = ""
    """The recording line that proves it, e.g. `ops/0.jsonl.zst:118` or `evidence/charges.jsonl:7`."""
    arrow: Arrow = ""


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One violation that a person can follow from beginning to end."""

    what: str
    intent: str | None = None
    fan: int | None = None
    keys: dict[str, str] = {}
    timeline: list[Moment] = []


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one invariant. `considered` counts what could have violated it."""

    id: str
    kind: Literal["ledger", "statistical", "harness"]
    group: str
    """stock · money · promises · fairness · overload · generator"""
    verdict: Verdict
    severity: Severity
    summary: str
    considered: int = 0
    violations: int = 0
    pending: int = 0
    unattributed: int = 0
    indeterminate: int = 0
    examples: list[Example] = []
    reason: str = ""
    """Why unknown, and what to configure."""
    configured: bool = True
    """False: neither required nor possible here; weighs nothing."""
    numbers: dict[str, Any] = {}
