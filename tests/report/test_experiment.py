"""What the Chaos Toolkit is given, and what it would have written down."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from chaoslib.exceptions import InvalidActivity
from chaoslib.experiment import ensure_experiment_is_valid
from typer.testing import CliRunner

from surgectl.cli.chaos import app
from surgectl.recording import manifest as manifests
from surgectl.report import journal
from surgectl.report.summary import Summary

SAMPLE = Path(__file__).parents[2] / "reports/sample"


@pytest.fixture(scope="module")
def summary() -> Summary:
    return msgspec.json.decode((SAMPLE / "report.json").read_bytes(), type=Summary)


def written(summary: Summary, **changes: Any) -> Any:
    manifest = manifests.replace(manifests.load(SAMPLE), **changes)
    return json.loads(journal.render(summary, manifest))


@pytest.mark.parametrize("profile", ["smoke", "ticket-drop"])
def test_the_chaos_toolkit_accepts_every_experiment(profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own validation passes; with one thing taken away it does not."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    done = CliRunner().invoke(app, ["export", profile])
    assert done.exit_code == 0, done.output
    experiment = json.loads(done.stdout)
    ensure_experiment_is_valid(experiment)
    assert [activity["type"] for activity in experiment["method"]] == ["action", "action"]
    del experiment["method"][1]["provider"]["path"]
    with pytest.raises(InvalidActivity):
        ensure_experiment_is_valid(experiment)


def test_a_violation_deviates(summary: Summary) -> None:
    """The sample charged twice: the hypothesis is not met, and the faults stand there with their real windows."""
    said = written(summary)
    assert (said["status"], said["deviated"]) == ("completed", True)
    after = said["steady_states"]["after"]
    assert after["steady_state_met"] is False
    (probe,) = after["probes"]
    assert (probe["status"], probe["tolerance_met"], probe["output"]["status"]) == ("succeeded", False, 11)
    (fault,) = summary.chaos
    rehearsal, ran = said["run"]
    assert ran["activity"]["name"] == f"{fault.brownout} on {fault.link}"
    assert (ran["status"], ran["output"]["verified"]) == ("succeeded", fault.verified)
    assert fault.applied_at_s is not None and fault.healed_at_s is not None
    assert ran["duration"] == pytest.approx(fault.healed_at_s - fault.applied_at_s, abs=1e-5)
    assert rehearsal["start"] <= ran["start"] <= ran["end"] <= rehearsal["end"] == said["end"]
    assert [heal["status"] for heal in said["rollbacks"]] == ["succeeded"]


def test_what_nobody_can_say_is_a_probe_that_failed(summary: Summary) -> None:
    """An inconclusive run met nothing: failed, as with a probe that ended without an answer."""
    said = written(msgspec.structs.replace(summary, verdict="unknown", exit_code=12))
    assert (said["status"], said["deviated"]) == ("failed", True)
    assert said["steady_states"]["after"]["probes"][0]["status"] == "failed"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"status": "aborted", "stopped_by": "SIGINT"}, "interrupted"),
        ({"status": "aborted", "stopped_by": "abort"}, "aborted"),
        ({"status": "failed", "why": "it broke"}, "failed"),
        ({"status": "running"}, "interrupted"),
    ],
)
def test_how_a_run_ended_is_told_in_its_words(summary: Summary, changes: dict[str, Any], status: str) -> None:
    """A signal interrupts, an abort condition aborts, an error of ours fails."""
    assert written(summary, **changes)["status"] == status


def test_a_fault_left_behind_is_a_rollback_that_failed(summary: Summary) -> None:
    """What was applied and not healed says so in both lists, with a reason."""
    left = msgspec.structs.replace(summary.chaos[0], healed=False, healed_at_s=None)
    said = written(msgspec.structs.replace(summary, chaos=[left]))
    assert said["run"][1]["status"] == said["rollbacks"][0]["status"] == "failed"
    assert "NOT HEALED" in said["rollbacks"][0]["exception"][0]


def test_a_recording_names_nobodys_machine(summary: Summary) -> None:
    """Platform and node of chaoslib's journal stay unknown: a recording may be published."""
    said = written(summary)
    assert (said["platform"], said["node"]) == ("unknown", "unknown")
