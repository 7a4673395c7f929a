"""A whole rehearsal of a tiny shop, played by the Chaos Toolkit, told to Prometheus and OpenTelemetry."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cramjam
import pytest
from prometheus_client.parser import text_string_to_metric_families

from surgectl.recording import traces
from surgectl.recording.relations import Relations
from tests.outlets.street import PROFILE, TARGET, Street, open_street, until
from tests.outlets.test_outlets_formats import unpacked
from tests.rehearsal.acting import environment, surgectl
from tests.toxiproxy_binary import free_port

pytestmark = pytest.mark.real
BIN = Path(sys.executable).parent
FANS = 40
SECRET = "t0ken-of-ours"


@dataclass
class Told:
    """What the rehearsal left, and what was heard of it."""

    street: Street
    code: int
    said: str
    """By `chaos run`."""
    journal: dict[str, Any]
    """Of `chaos run`."""
    folder: Path
    scrapes: list[dict[tuple[str, tuple[tuple[str, str], ...]], float]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Played once, by two workers; scraped as long as anybody answers."""
    place = tmp_path_factory.mktemp("street")
    with open_street() as street:
        (place / "target.yaml").write_text(TARGET.format(shop=street.url))
        (place / "profile.yaml").write_text(PROFILE)
        page = f"127.0.0.1:{free_port()}"
        exported = surgectl(
            "chaos", "export", place / "profile.yaml", "-o", place / "e.json", "--reports", place / "reports"
        )
        assert exported.code == 0, exported.said
        process = subprocess.Popen(
            [BIN / "chaos", "--no-version-check", "run", place / "e.json", "--journal-path", place / "journal.json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=place,
            env=environment(
                PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}",
                PYTHONPATH=str(Path(__file__).parents[2]),
                SURGECTL_WORKERS="2",
                SURGECTL_PROMETHEUS=page,
                SURGECTL_REMOTE_WRITE=f"{street.url}/api/v1/write",
                SURGECTL_TRACE_SAMPLE="50%",
                OTEL_EXPORTER_OTLP_ENDPOINT=street.url,
                OTEL_EXPORTER_OTLP_HEADERS=f"authorization=Bearer%20{SECRET}",
                SURGECTL_REMOTE_WRITE_HEADERS=f"X-Scope-OrgID={SECRET}",
                SURGECTL_DEBUG="1",
            ),
        )
        scrapes = []

        def scraped() -> bool:
            try:
                with urllib.request.urlopen(f"http://{page}/metrics", timeout=5) as reply:
                    text = reply.read().decode()
            except OSError:
                return process.poll() is not None
            told = {
                (sample.name, tuple(sorted(sample.labels.items()))): sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            }
            # When the page is gone its port is anybody's: another test's server may answer there.
            if told or not scrapes:
                scrapes.append(told)
            return process.poll() is not None

        try:
            until(scraped, within_s=150)
            said, _ = process.communicate(timeout=30)
        finally:
            process.kill()
        (run,) = [path.parent for path in place.glob("reports/*/*/run.json") if not path.parent.is_symlink()]
        journal = json.loads((place / "journal.json").read_bytes())
        yield Told(street, process.returncode, said, journal, run, scrapes)


def test_the_run_itself_is_as_without(told: Told) -> None:
    """It passes, says where it can be read, and names no secret anywhere."""
    rehearsal = told.journal["run"][1]["output"]
    assert rehearsal["status"] == 0, rehearsal
    assert "Prometheus may read http://127.0.0.1:" in rehearsal["stderr"]
    assert SECRET not in json.dumps(told.journal) + told.said
    assert json.loads(rehearsal["stdout"])["exit_code"] == 0
    assert all(SECRET not in path.read_text("utf-8", "replace") for path in told.folder.glob("*.*"))
    again = json.loads((told.folder / "report.json").read_bytes())["run"]["command"]
    assert "--trace-sample 50%" in again and "remote-write" not in again


def test_the_chaos_toolkit_plays_it(told: Told) -> None:
    """`chaos run` ends well: the hypothesis is met by the audit's verdict, and nothing is left to heal."""
    assert told.code == 0, told.said
    assert (told.journal["status"], told.journal["deviated"]) == ("completed", False)
    after = told.journal["steady_states"]["after"]
    assert after["steady_state_met"] and len(after["probes"]) == 2
    assert [ran["status"] for ran in told.journal["rollbacks"]] == ["succeeded"]


def test_our_own_journal_has_the_same_keys(told: Told) -> None:
    """What `surgectl run` leaves as journal.json is shaped like the journal of `chaos run` itself."""
    ours = json.loads((told.folder / "journal.json").read_bytes())
    theirs = told.journal
    theirs["experiment"].pop("dry", None)  # how `chaos run` was called
    assert set(ours) == set(theirs)
    for name in ("start", "end", "duration", "status", "deviated"):
        assert type(ours[name]) is type(theirs[name])
    assert set(ours["experiment"]) == set(theirs["experiment"])
    assert ours["steady_states"].keys() == theirs["steady_states"].keys()
    mine, yours = ours["run"][0], theirs["run"][1]
    assert mine.keys() == yours.keys() and mine["output"].keys() == yours["output"].keys()
    assert mine["activity"].keys() - yours["activity"].keys() == set()
    assert ours["steady_states"]["after"]["probes"][0].keys() == theirs["steady_states"]["after"]["probes"][-1].keys()
    assert (ours["status"], ours["deviated"]) == ("completed", False)


def test_prometheus_reads_a_run_while_it_happens(told: Told) -> None:
    """Arrivals grow from scrape to scrape and never fall; all workers' attempts are in the histogram."""
    arrivals = [
        each[("surgectl_arrivals_total", ())] for each in told.scrapes if ("surgectl_arrivals_total", ()) in each
    ]
    assert arrivals == sorted(arrivals) and len(set(arrivals)) > 2 and arrivals[-1] == FANS
    last = told.scrapes[-1]
    assert last[("surgectl_generator_workers", ())] == 2
    with Relations.from_folder(told.folder) as relations:
        by_step = dict(relations.rows("SELECT step, count(*) FROM attempts GROUP BY step"))
    counted = Counter({labels: n for (name, labels), n in last.items() if name == "surgectl_attempts_total"})
    assert {step: sum(n for labels, n in counted.items() if ("step", step) in labels) for step in by_step} == by_step
    took: Counter[str] = Counter()  # a step has a histogram for each outcome
    for (name, labels), n in last.items():
        if name == "surgectl_latency_seconds_count":
            took[dict(labels)["step"]] += int(n)
    assert took == by_step
    assert [n for (name, labels), n in last.items() if name == "surgectl_run_info"] == [1]


def test_a_prometheus_is_written_to_until_the_verdict(told: Told) -> None:
    """Several writes while it happens, in the order of time; the last one brings the exit code."""
    written = [unpacked(body) for _, body in told.street.written]
    assert len(written) >= 3
    assert all(headers["X-Scope-OrgID"] == SECRET for headers, _ in told.street.written)
    times = [next(iter(write.values()))[0][1] for write in written]
    assert times == sorted(times)
    codes = [
        (dict(labels), values) for labels, values in written[-1].items() if ("__name__", "surgectl_exit_code") in labels
    ]
    ((labels, values),) = codes
    run = json.loads((told.folder / "run.json").read_bytes())["run"]
    assert (labels["job"], labels["instance"]) == ("surgectl", run)
    assert [value for value, _ in values] == [0]
    assert not any(("__name__", "surgectl_exit_code") in labels for write in written[:-1] for labels in write)
    assert cramjam.snappy.decompress_raw_len(told.street.written[0][1]) < 100_000


def test_a_collector_hears_the_same_numbers(told: Told) -> None:
    """OTLP metrics arrive with the environment's own headers, and end with the same counts and the exit code."""
    assert all(headers["Authorization"] == f"Bearer {SECRET}" for headers, _ in told.street.metrics)
    last = told.street.metrics[-1][1].resource_metrics[0]
    resource = {item.key: item.value.string_value for item in last.resource.attributes}
    assert resource["service.name"] == "surgectl" and resource["surgectl.profile"] == "street"
    metrics = {metric.name: metric for metric in last.scope_metrics[0].metrics}
    assert metrics["surgectl.arrivals"].sum.data_points[0].as_int == FANS
    assert metrics["surgectl.exit_code"].gauge.data_points[0].as_int == 0
    ours, theirs = metrics["surgectl.latency"].histogram, metrics["http.client.request.duration"].histogram
    assert sum(point.count for point in ours.data_points) == sum(point.count for point in theirs.data_points) > FANS
    said = {item.key for item in theirs.data_points[0].attributes}
    assert {"http.request.method", "server.address", "server.port", "surgectl.step"} <= said


def test_the_shops_traces_join_ours(told: Told) -> None:
    """Trace and span ids that the shop saw are those of our spans, and every kept trace is whole."""
    seen: dict[str, str] = {
        headers.get("X-Name", "probe"): headers["traceparent"]
        for _, headers in told.street.asked
        if headers.get("X-Name", "probe") != "probe"
    }
    assert all(
        "traceparent" not in headers for _, headers in told.street.asked if headers.get("X-Name", "probe") == "probe"
    )
    spans = told.street.spans()
    clients = {
        next(a.value.string_value for a in span.attributes if a.key == "surgectl.attempt"): span
        for span in spans
        if span.parent_span_id
    }
    kept = {attempt: header for attempt, header in seen.items() if header.endswith("-01")}
    assert 0 < len(kept) < len(seen)
    assert {attempt: (span.trace_id.hex(), span.span_id.hex()) for attempt, span in clients.items()} == {
        attempt: (header[3:35], header[36:52]) for attempt, header in kept.items()
    }
    visits = {span.trace_id: span for span in spans if not span.parent_span_id}
    started = json.loads((told.folder / "run.json").read_bytes())["started_epoch_s"]
    for span in clients.values():
        visit = visits[span.trace_id]
        assert span.parent_span_id == visit.span_id
        assert started * 1e9 <= visit.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= visit.end_time_unix_nano
    assert f"{len(spans)} spans of {len(visits)} fans sent" in told.journal["run"][1]["output"]["stderr"]


def test_a_recording_finds_its_traces(told: Told) -> None:
    """`surgectl sql` with the documented expression gives the ids that the shop saw."""
    with Relations.from_folder(told.folder) as relations:
        rows = relations.rows(
            "SELECT attempt, substr(sha256(intent), 1, 32), substr(sha256(attempt), 1, 16) FROM attempts"
        )
    seen = {headers.get("X-Name", "probe"): headers.get("traceparent", "") for _, headers in told.street.asked}
    assert {attempt: f"{trace}-{span}" for attempt, trace, span in rows} == {
        attempt: header[3:52] for attempt, header in seen.items() if attempt != "probe"
    }
    assert all(re.fullmatch("[0-9a-f]{32}", traces.trace_id(attempt)) for attempt, _, _ in rows)


def test_traces_can_be_sent_again(told: Told) -> None:
    """`surgectl trace DIR` sends the same spans to another collector, later."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with open_street() as later:
        words = [sys.executable, "-m", "surgectl", "trace", str(told.folder), "--otlp", later.url]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, env=env, check=False)
        assert done.returncode == 0, done.stderr

        def ids(street: Street) -> set[Any]:
            return {(span.trace_id, span.span_id, span.start_time_unix_nano) for span in street.spans()}

        assert ids(later) == ids(told.street)
