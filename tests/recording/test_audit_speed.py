"""The benchmark of the audit, played small: what it writes is a recording, and is judged as it was planted."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.recorded_sale import VIOLATIONS, Size, record
from surgectl.cli.judge import summarise


@pytest.mark.real
def test_the_benchmarks_recording_is_judged_as_planted(tmp_path: Path) -> None:
    """Everything that was planted is found, as often as it was planted, and nothing else."""
    events = record(tmp_path / "run", Size(events=8_000, orders=400))
    assert 8_000 <= events < 11_000
    summary = summarise(tmp_path / "run")
    found = {finding.id: finding.violations for finding in summary.invariants if finding.kind == "ledger"}
    assert {name: count for name, count in found.items() if count} == VIOLATIONS
