"""Runs to be compared, made by hand."""

from __future__ import annotations

from typing import Any

from surgectl.audit.finding import Finding
from surgectl.report.compare.seconds import Seconds
from surgectl.report.compare.side import Side
from surgectl.report.summary import RunNote, Summary

REHEARSAL: dict[str, Any] = {
    "surgectl": 1,
    "name": "drop",
    "seed": 1,
    "sale": {"tickets": 100},
    "load": [{"phase": "on-sale", "rate": "25/s", "for": "60s"}],
    "fans": {"patient": "100%"},
    "chaos": [],
    "stage": {"provider_latency": "10ms"},
    "expect": {"thresholds": []},
}


def finding(name: str, verdict: str = "pass", violations: int = 0, kind: str = "ledger") -> Finding:
    return Finding(
        id=name,
        kind=kind,  # type: ignore[arg-type]
        group="money",
        verdict=verdict,  # type: ignore[arg-type]
        severity="critical",
        considered=10,
        violations=violations,
        pending=0,
        unattributed=0,
        summary=f"{name} is {verdict}",
        examples=[],
    )


def side(seconds: Seconds, *findings: Finding, run: str = "a", status: str = "done", **changes: Any) -> Side:
    """A run with these seconds; its generator kept up unless a finding says otherwise."""
    note: dict[str, Any] = {"profile": "drop", "target": "shop", "seed": 1, "version": "1", "digest": "d"}
    note |= {key: changes.pop(key) for key in tuple(changes) if key in note}
    found = list(findings)
    if not any(f.id == "GENERATOR" for f in found):
        found.append(finding("GENERATOR", kind="harness"))
    summary = Summary(
        run=RunNote(
            id=run,
            started_at="2030-01-01T10:00:00Z",
            duration_s=float(seconds.length),
            status=status,
            phases=[{"name": "on-sale", "from_s": 0.0, "to_s": float(seconds.length), "fans": 1}],
            **note,
        ),
        verdict="pass",
        exit_code=0,
        invariants=found,
    )
    return Side(
        summary=summary,
        place=f"reports/{run}",
        rehearsal=changes.pop("rehearsal", REHEARSAL),
        seconds=seconds,
        **changes,
    )
