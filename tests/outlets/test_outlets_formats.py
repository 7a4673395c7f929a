"""What is said outside: names, labels, formats, and a postman for whom nobody waits."""

from __future__ import annotations

import json
import math
import struct
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import cramjam
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from surgectl.errors import UsageError
from surgectl.live.meter import Meter
from surgectl.live.snapshot import Snapshot
from surgectl.live.view import LiveView
from surgectl.outlets import catalogue, remote_write
from surgectl.outlets.catalogue import CATALOGUE
from surgectl.outlets.measured import MOST_VALUES, Judged, Measured, Which, measured
from surgectl.outlets.otel_metrics import OtelMetrics, metrics_data
from surgectl.outlets.postman import Letter, Postman
from surgectl.outlets.prometheus import Scraped, place_of
from surgectl.outlets.remote_write import RemoteWrite, encoded, series
from surgectl.outlets.steps import Steps
from surgectl.recording.rows import DoneRow, InvokeRow
from tests.live import history
from tests.outlets.street import open_street

WHICH = Which(run="r1", profile="drop", target="kiosk", seed=7, version="1.2.3", started_epoch_s=1_900_000_000.0)
JUDGED = Judged(exit_code=11, findings={("fail", "ledger"): 1, ("pass", "ledger"): 9}, thresholds={"pass": 2})
PLAYED_S = 60


@pytest.fixture(scope="module")
def told() -> list[Any]:
    return [row for row in history.rows() if history.when_ns(row) <= PLAYED_S * history.S]


def view_of(rows: list[Any]) -> LiveView:
    view = LiveView(history.PHASES, history.FAULTS, history.FANS, history.LOAD_ENDS_NS, meter=Meter())
    view.fold_all(rows)
    view.ledger("tickets", {"sold": 40, "rows": 50})
    return view


@pytest.fixture(scope="module")
def everything(told: list[Any]) -> tuple[Measured, ...]:
    view = view_of(told)
    return measured(WHICH, view.snapshot(PLAYED_S * history.S), Steps().seen(view.reading()), JUDGED)


def test_the_names_are_those_of_prometheus() -> None:
    """No two metrics share a name, each speaks snake case in base units, and counters alone end with _total."""
    names = [family.sample for family in CATALOGUE]
    assert len(set(names)) == len(names)
    for family in CATALOGUE:
        assert family.sample.replace("_", "").isalnum() and family.sample.islower()
        assert family.sample.startswith("surgectl_")
        assert family.sample.endswith("_total") == (family.kind == "counter")
        assert family.about.endswith(".")
    assert catalogue.LATENCY.sample == "surgectl_latency_seconds"
    assert catalogue.MEMORY.sample == "surgectl_generator_memory_bytes"
    assert catalogue.AMPLIFICATION.sample == "surgectl_amplification_ratio"


@pytest.mark.real
@pytest.mark.parametrize(
    ("accept", "read"),
    [("text/plain", read_text), ("application/openmetrics-text; version=1.0.0", read_openmetrics)],
)
def test_a_scrape_reads_what_was_counted(accept: str, read: Any, everything: tuple[Measured, ...], told: Any) -> None:
    """Both of Prometheus' formats parse, and hold the numbers of the rows."""
    page = Scraped("0")
    try:
        page.show(everything)
        request = urllib.request.Request(page.url, headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=10) as reply:
            families = {family.name: family for family in read(reply.read().decode())}
    finally:
        page.close()
    assert set(families) == {each.family.prometheus for each in everything}
    value = {s.name: s.value for family in families.values() for s in family.samples if not s.labels}
    arrived = sum(type(row).__name__ == "IntentRow" for row in told)
    assert value["surgectl_arrivals_total"] == arrived > 500
    assert value["surgectl_exit_code"] == 11
    ended = [s for s in families["surgectl_attempts"].samples if s.name.endswith("_total")]
    polls = {row.attempt for row in told if isinstance(row, InvokeRow) and row.poll}
    sent = sum(isinstance(row, DoneRow) and row.attempt not in polls for row in told)
    assert sum(s.value for s in ended) == sent
    latency = families["surgectl_latency_seconds"].samples
    counted = {tuple(s.labels.items()): s.value for s in latency if s.name.endswith("_count")}
    assert sum(counted.values()) == sent - sum(s.value for s in ended if s.labels["outcome"] == "unsent")
    last = [s.value for s in latency if s.labels.get("le") == "+Inf"]
    assert sum(last) == sum(counted.values())


def test_where_prometheus_may_read_is_loopback_unless_said() -> None:
    """A port alone is not the whole network's to read."""
    assert place_of("9464") == place_of(":9464") == place_of("127.0.0.1:9464") == ("127.0.0.1", 9464)
    assert place_of("0.0.0.0:9464") == ("0.0.0.0", 9464)
    assert place_of("[::1]:9464") == ("::1", 9464)
    for wrong in ("", "here", "127.0.0.1:", "::1:9464", "1:99999"):
        with pytest.raises(UsageError):
            place_of(wrong)


@pytest.mark.real
def test_a_place_that_is_taken_is_a_usage_error() -> None:
    """It is said before anything is sent, not in the middle of a run."""
    page = Scraped("0")
    try:
        with pytest.raises(UsageError, match="--prometheus"):
            Scraped(page.url.split("/")[2])
    finally:
        page.close()


def test_a_thousand_ends_are_a_hundred_series(told: list[Any]) -> None:
    """Whatever a target calls its ends: a label has so many values, the rest is `other`; none carries an escape."""
    snap = view_of(told[:100]).snapshot(history.S)
    ends = {f"end-{n}": 1 for n in range(1000)} | {"\x1b[2Jgone": 1}
    snap = Snapshot(**{**{f: getattr(snap, f) for f in snap.__struct_fields__}, "ends": ends})
    (ended,) = [each for each in measured(WHICH, snap) if each.family is catalogue.ENDED]
    assert len(ended.points) == MOST_VALUES + 1
    assert sum(point.value for point in ended.points) == 1001  # type: ignore[misc]
    assert not any("\x1b" in label for point in ended.points for label in point.labels)


def test_steps_are_kept_up_as_the_meter_grows(told: list[Any]) -> None:
    """Looking often gives what one look at the end gives, and a count never falls."""
    view, steps, before = view_of([]), Steps(), 0
    for begin in range(0, len(told), 500):
        view.fold_all(told[begin : begin + 500])
        seen = steps.seen(view.reading())
        done = sum(sum(each.ends.values()) for each in seen)
        assert done >= before
        before = done
    assert seen == Steps().seen(view_of(told).reading())


# -- remote write


def spec() -> Any:
    """prometheus/prompb, as https://prometheus.io/docs/specs/prw/remote_write_spec/ prints it."""
    text = {
        "WriteRequest": [("timeseries", 1, "TimeSeries", True)],
        "TimeSeries": [("labels", 1, "Label", True), ("samples", 2, "Sample", True)],
        "Label": [("name", 1, "string", False), ("value", 2, "string", False)],
        "Sample": [("value", 1, "double", False), ("timestamp", 2, "int64", False)],
    }
    kinds: Any = descriptor_pb2.FieldDescriptorProto
    scalars = {"string": kinds.TYPE_STRING, "double": kinds.TYPE_DOUBLE, "int64": kinds.TYPE_INT64}
    file: Any = descriptor_pb2.FileDescriptorProto(name="spec.proto", package="spec", syntax="proto3")
    for message, fields in text.items():
        made = file.message_type.add(name=message)
        for name, number, kind, repeated in fields:
            field = made.field.add(name=name, number=number, label=3 if repeated else 1)
            field.type = scalars.get(kind, kinds.TYPE_MESSAGE)
            if kind not in scalars:
                field.type_name = f".spec.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)  # type: ignore[no-untyped-call]
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("spec.WriteRequest"))  # type: ignore[no-untyped-call]


def unpacked(body: bytes) -> dict[tuple[tuple[str, str], ...], list[tuple[float, int]]]:
    """Labels in their order → samples."""
    request = spec().FromString(bytes(cramjam.snappy.decompress_raw(body)))
    return {
        tuple((label.name, label.value) for label in one.labels): [(s.value, s.timestamp) for s in one.samples]
        for one in request.timeseries
    }


def test_a_write_is_what_the_specification_says(everything: tuple[Measured, ...]) -> None:
    """Labels sorted and never empty, one name each, milliseconds, and the values that a scrape would have read."""
    found = series(everything, (("instance", "r1"), ("job", "surgectl")))
    told = unpacked(encoded((labels, [(value, 1234)]) for labels, value in found.items()))
    assert {labels: values[0][0] for labels, values in told.items()} == found
    for labels, values in told.items():
        names = [name for name, _ in labels]
        assert names == sorted(names) and len(set(names)) == len(names) and all(text for _, text in labels)
        assert {"__name__", "instance", "job"} <= set(names)
        assert [at for _, at in values] == [1234]
    buckets = [value for labels, value in found.items() if ("__name__", "surgectl_latency_seconds_bucket") in labels]
    assert buckets and all(value == int(value) for value in buckets)


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, RemoteWrite]]:
    monkeypatch.setattr(remote_write, "_FIRST_PAUSE_S", 0.01)
    with open_street() as street:
        box = RemoteWrite(f"{street.url}/api/v1/write", WHICH, {"Authorization": "Bearer x1234"})
        yield street, box
        box.close()


@pytest.mark.real
def test_a_write_carries_the_headers_of_the_protocol(writer: Any, everything: tuple[Measured, ...]) -> None:
    """Snappy, protobuf, version 0.1.0, and who asks; the last write marks all series as gone, save the verdict's."""
    street, box = writer
    assert box.letter(everything, 1_900_000_060.25, last=True)() == ""
    ((headers, body),) = street.written
    assert headers["Content-Encoding"] == "snappy"
    assert headers["Content-Type"] == "application/x-protobuf"
    assert headers["X-Prometheus-Remote-Write-Version"] == "0.1.0"
    assert headers["User-Agent"].startswith("surgectl/")
    assert headers["Authorization"] == "Bearer x1234"
    gone = set()
    for labels, values in unpacked(body).items():
        assert values[0][1] == 1_900_000_060_250
        name = dict(labels)["__name__"]
        if len(values) > 1:
            gone.add(name)
            assert (
                struct.pack("<d", values[1][0]) == struct.pack("<Q", 0x7FF0000000000002) and values[1][1] > values[0][1]
            )
        else:
            assert not math.isnan(values[0][0])
    assert "surgectl_arrivals_total" in gone
    assert not gone & {"surgectl_exit_code", "surgectl_findings", "surgectl_thresholds"}


@pytest.mark.real
@pytest.mark.parametrize(
    ("answers", "writes", "why"),
    [
        ([503, 500], 3, ""),
        ([429], 2, ""),
        ([503] * 5, 3, "HTTP 503 no"),
        ([400], 1, "HTTP 400 no"),
        ([302], 1, "HTTP 302 no"),
    ],
)
def test_what_may_pass_is_tried_again(writer: Any, answers: list[int], writes: int, why: str) -> None:
    """5xx and 429 are tried again, three times in all; another 4xx never is, nor does a write follow a redirect."""
    street, box = writer
    street.answers = list(answers)
    assert box.letter((), 1.0, last=False)() == why
    assert len(street.written) == writes


# -- OpenTelemetry


def test_metrics_speak_opentelemetry(everything: tuple[Measured, ...]) -> None:
    """Counters are monotonic sums since the run's start, histograms hold their buckets; the run is the resource."""
    told = json.loads(metrics_data(everything, WHICH, 1_900_000_060.0).to_json())
    (resource,) = told["resource_metrics"]
    attributes = resource["resource"]["attributes"]
    assert attributes["service.name"] == "surgectl" and attributes["service.instance.id"] == "r1"
    assert attributes["surgectl.profile"] == "drop"
    metrics = {metric["name"]: metric for scope in resource["scope_metrics"] for metric in scope["metrics"]}
    assert set(metrics) == {each.family.name for each in everything}
    arrivals = metrics["surgectl.arrivals"]["data"]
    assert arrivals["is_monotonic"] and arrivals["aggregation_temporality"] == 2
    (point,) = arrivals["data_points"]
    assert point["start_time_unix_nano"] == 1_900_000_000 * 10**9
    assert point["time_unix_nano"] == 1_900_000_060 * 10**9
    for point in metrics["surgectl.latency"]["data"]["data_points"]:
        assert len(point["bucket_counts"]) == len(point["explicit_bounds"]) + 1
        assert sum(point["bucket_counts"]) == point["count"]
        assert set(point["attributes"]) == {"step", "outcome"}


# -- the postman


class Slow:
    """An address that answers when it is let."""

    name = "slow"

    def __init__(self) -> None:
        self.let, self.begun = threading.Event(), threading.Semaphore(0)

    def letter(self, everything: tuple[Measured, ...], at_epoch_s: float, *, last: bool) -> Letter:
        def deliver() -> str:
            self.begun.release()
            assert self.let.wait(30)
            return ""

        return deliver

    def close(self) -> None:
        self.let.set()


def test_nobody_waits_for_a_collector() -> None:
    """While one letter is on its way the next are left out, and the last one is given up after its time."""
    box = Slow()
    postman = Postman(box, lambda text: None)
    assert postman.offer(box.letter((), 1.0, last=False))
    assert box.begun.acquire(timeout=10)
    assert not postman.offer(box.letter((), 2.0, last=False))
    assert not postman.last(box.letter((), 3.0, last=True), within_s=0.1)
    box.let.set()
    assert postman.last(box.letter((), 4.0, last=True), within_s=20)
    postman.close()


def test_a_failure_is_said_once() -> None:
    """However often an address refuses, or a library breaks: one complaint."""
    said: list[str] = []
    box = Slow()
    postman = Postman(box, said.append)

    def breaks() -> str:
        raise RuntimeError("it broke")

    for letter in (lambda: "nothing answers there", breaks, lambda: "HTTP 500"):
        assert not postman.last(letter, within_s=20)
    assert said == ["slow: nothing answers there"]
    postman.close()


@pytest.mark.real
def test_a_collector_that_is_not_there_is_told_in_three_words(everything: tuple[Measured, ...]) -> None:
    """No stack of causes, and no address: it may hold a password."""
    box = OtelMetrics("http://user:pa55word@127.0.0.1:1", WHICH, {})
    assert box.letter(everything, 1.0, last=False)() == "nothing answers there"
    box.close()
    assert (
        RemoteWrite("http://user:pa55word@127.0.0.1:1/", WHICH).letter((), 1.0, last=False)() == "nothing answers there"
    )
