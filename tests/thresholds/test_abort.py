"""A demand with `abort` ends a real rehearsal early, as gently as the first Ctrl-C, and says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rehearsal.acting import lines, rehearse

DEMAND = "p50(pay) < 1ms for 1s abort"
LOAD_S = 34


@pytest.mark.real
def test_a_broken_demand_stops_the_run(tmp_path: Path) -> None:
    """Exit 14 long before the load ends, whichever process sent; all is healed and written, the demand is named."""
    longer = ("--set", "load[2].for=30s", "--set", "chaos[0].for=20s", "--set", "settle.at_most=4s", "--workers", 2)
    ended = rehearse(tmp_path / "reports", "--embedded-proxy", "--threshold", DEMAND, *longer)
    assert ended.code == 14, ended.said
    assert (ended.manifest["status"], ended.manifest["stopped_by"]) == ("aborted", "abort")
    assert ended.manifest["why"].startswith(f"stopped by its own demand {DEMAND}: broken for")
    assert f"stopped by its own demand {DEMAND}" in ended.report["headline"]
    assert [row["event"] for row in ended.chaos if row["t"] == "fault"][-1] == "healed"
    came = [row["due_ns"] for file in (ended.path / "ops").iterdir() for row in lines(file) if row["t"] == "intent"]
    assert came and max(came) < (LOAD_S - 10) * 10**9
    (line,) = [line for line in ended.report["thresholds"] if line["expression"] == DEMAND]
    assert line["abort"] is True and line["unit"] == "ns"
    for name in ("junit.xml", "report.html", "latency.hlog"):
        assert (ended.path / name).stat().st_size > 100
