"""`surgectl gate`: a report is judged again by other demands, with nothing but itself at hand."""

from __future__ import annotations

import json as plain_json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from surgectl.audit.expectations import Expectations
from surgectl.audit.measures import RunMeasures
from surgectl.audit.run import audited
from surgectl.cli.gate import read
from surgectl.cli.main import app
from surgectl.errors import UsageError
from surgectl.recording.relations import Relations
from surgectl.report import json
from surgectl.report.rejudging import rejudged, threshold_line, weighed
from surgectl.report.summary import RunNote, Summary, Weighed
from surgectl.thresholds.packing import pack
from tests.thresholds.evenings import PHASES, evening

SAMPLE = Path(__file__).parents[2] / "reports" / "sample"
RUN = RunNote(
    id="r",
    profile="p",
    target="t",
    seed=1,
    version="0",
    started_at="2030-01-01T00:00:00Z",
    duration_s=20,
    status="done",
)


@pytest.fixture(scope="module")
def summary() -> Summary:
    """The report of a small evening whose ledgers nobody judged."""
    ops, chaos = evening(3)
    with Relations.from_rows(ops, chaos=chaos) as relations:
        samples = RunMeasures(relations, Expectations(phases=PHASES)).samples
    calm = Weighed(ledger="pass", demands="pass")
    return Summary(run=RUN, verdict="pass", exit_code=0, samples=pack(samples), weighed=calm)


def gate(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["gate", *words])
    return done.exit_code if not isinstance(done.exception, UsageError) else done.exception.exit_code, done.output


def test_other_demands_other_code(summary: Summary, tmp_path: Path) -> None:
    """What is met is 0, what is broken is 10, what nobody can say is 12; --json prints the report as judged now."""
    (tmp_path / "report.json").write_bytes(json.render(summary))
    assert gate(str(tmp_path))[0] == 0
    assert gate(str(tmp_path), "--threshold", "count(sent) >= 1")[0] == 0
    assert gate(str(tmp_path / "report.json"), "--threshold", "count(sent) <= 0")[0] == 10
    assert gate(str(tmp_path), "--threshold", "p99(nothing) < 3s")[0] == 12
    code, out = gate(str(tmp_path), "--threshold", "max(page) < 1ms for 1s", "--json")
    told = plain_json.loads(out)
    assert code == told["exit_code"] == 10
    assert [line["verdict"] for line in told["thresholds"]] == ["fail"] and told["thresholds"][0]["broken"]


def test_it_replaces_or_adds(summary: Summary) -> None:
    """A demand takes the place of the profile's, or stands beside them where they are to be kept."""
    first = rejudged(summary, ["count(sent) >= 1", "count(paid) >= 0"])
    assert [line.expression for line in rejudged(first, ["count(held) >= 0"]).thresholds] == ["count(held) >= 0"]
    kept = rejudged(first, ["count(sent) >= 1", "count(held) >= 0"], keep=True)
    assert [t.expression for t in kept.thresholds] == ["count(paid) >= 0", "count(sent) >= 1", "count(held) >= 0"]


def test_a_guilty_ledger_stays_guilty(summary: Summary) -> None:
    """No threshold acquits a shop that oversold, and a machine that could not keep up proves no number."""
    guilty = msgspec.structs.replace(summary, weighed=Weighed(ledger="fail", demands="pass"))
    assert rejudged(guilty, ["count(sent) >= 1"]).exit_code == 11
    slow = msgspec.structs.replace(summary, weighed=Weighed(ledger="pass", demands="pass", spoilt="too slow"))
    assert rejudged(slow, ["max(page) < 1ms"]).exit_code == 12
    stopped = msgspec.structs.replace(summary, weighed=Weighed(ledger="pass", demands="pass", status="aborted"))
    assert rejudged(stopped, ["count(sent) >= 1"]).exit_code == 14


def test_the_sample_of_old_keeps_its_verdict() -> None:
    """A report without samples is shown as it is; other demands on it are unknown, with the reason."""
    code, out = gate(str(SAMPLE))
    assert code == 11 and "DUPCHARGE" in out
    old = msgspec.structs.replace(read(SAMPLE / "report.json"), samples=None, weighed=None)
    again = rejudged(old, ["p99(confirm) < 3s"])
    assert (again.exit_code, again.thresholds[0].verdict) == (11, "unknown")
    assert "judge its recording" in again.thresholds[0].observed


def test_gate_and_audit_agree() -> None:
    """Judged again by its own demands, a report has the exit code and the thresholds that the audit gave it."""
    ops, chaos = evening(5)
    texts = ("p95(page) < 3s", "count(sent) >= 1", "p50(pay) < 1s for 2s", "rate(sent) >= 1/s in on-sale")
    with Relations.from_rows(ops, chaos=chaos) as relations:
        judged, measures = audited(relations, Expectations(phases=PHASES, thresholds=texts))
        found = Summary(
            run=RUN,
            verdict=judged.verdict,
            exit_code=0,
            thresholds=[threshold_line(result) for result in judged.thresholds],
            samples=pack(measures.samples),
            weighed=weighed(judged, "done"),
        )
    again = rejudged(json.parse(json.render(found)), texts)
    assert again.verdict == judged.verdict
    assert [t.verdict for t in again.thresholds] == [t.verdict for t in found.thresholds]


@pytest.mark.parametrize("text", ["", "[1, 2]", '{"schema": "other/1"}', "\x00", "[" * 5000])
def test_what_is_no_report_is_refused(text: str, tmp_path: Path) -> None:
    """Exit 2, with the file and what to try; never a traceback."""
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        read(file)
    assert "x.json" in str(caught.value) and caught.value.hint
    with pytest.raises(UsageError):
        read(tmp_path / "nowhere")


def test_a_demand_that_cannot_be_meant_is_shown(summary: Summary, tmp_path: Path) -> None:
    """The character is pointed at, and the code is 2."""
    (tmp_path / "report.json").write_bytes(json.render(summary))
    assert gate(str(tmp_path), "--threshold", "p99(confirm) < 3s fro 10s")[0] == 2
