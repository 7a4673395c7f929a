"""`surgectl compare` as people and build servers call it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, surgectl
from tests.report.browser import shown

pytestmark = pytest.mark.real
SAMPLE = ROOT / "reports/sample"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's report alone, as if it had been another sale, found out by a shop that got slower and broke."""
    report = json.loads((SAMPLE / "report.json").read_bytes())
    manifest = json.loads((SAMPLE / "run.json").read_bytes())
    manifest["rehearsal"]["sale"]["tickets"] += 1
    report["run"] |= {"id": "other", "rehearsal": manifest["rehearsal"]}
    for finding in report["invariants"]:
        if finding["id"] == "GHOST":
            finding |= {"verdict": "fail", "violations": 2}
    path = tmp_path_factory.mktemp("other") / "report.json"
    path.write_text(json.dumps(report))
    return path


def test_a_run_is_the_same_as_itself(tmp_path: Path) -> None:
    """Exit 0, the sentence on stdout, and comparison.json and .html where they were asked for; a browser draws it."""
    done = surgectl("compare", str(SAMPLE), str(SAMPLE), "-o", str(tmp_path))
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "comparison.json").read_bytes())
    assert told["headline"].split(":")[0] in done.stdout
    assert told["said"] in ("same", "can't tell")
    assert {row["said"] for row in told["rows"]} <= {"same", "can't tell"}
    assert {fact["said"] for fact in told["facts"]} == {"same"}
    assert told["baseline"]["rich"]
    with shown(tmp_path / "comparison.html") as window:
        window.drawn()
        assert window.complaints == []


def test_another_rehearsal_is_refused_and_named(other: Path) -> None:
    """Exit 2 and the field that differs; with --force a broken invariant is exit 11."""
    refused = surgectl("compare", str(SAMPLE), str(other))
    assert refused.returncode == 2
    assert "sale.tickets: 40, now 41" in refused.stderr
    assert "--force" in refused.stderr
    forced = surgectl("compare", str(SAMPLE), str(other), "--force", "--json")
    assert forced.returncode == 11, forced.stderr
    assert json.loads(forced.stdout)["headline"].startswith("Worse: the books no longer hold: GHOST (2)")


def test_a_report_without_its_recording_suffices(tmp_path: Path) -> None:
    """What it does not hold by the second is said, not guessed."""
    shutil.copy(SAMPLE / "report.json", tmp_path / "report.json")
    done = surgectl("compare", str(tmp_path / "report.json"), str(tmp_path), "--json", "--strict")
    told = json.loads(done.stdout)
    assert done.returncode == told["exit_code"] == (12 if told["said"] == "can't tell" else 0)
    assert not told["candidate"]["rich"]
    assert any("without its recording" in note for note in told["notes"])
