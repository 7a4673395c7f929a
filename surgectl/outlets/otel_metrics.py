"""The same numbers as OpenTelemetry metrics, by OTLP over HTTP.

They are made with the SDK's own data model and sent by its own exporter. Its instruments are left out: histograms come
counted from all worker processes, and an instrument can only count by itself, attempt by attempt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from surgectl.errors import UsageError
from surgectl.outlets import catalogue
from surgectl.outlets.measured import BOUNDS_S, Buckets, Measured, Point, Which
from surgectl.outlets.otlp import EXTRA, SCHEMA_URL, Server, endpoint_of, overheard, resource_of, scope_of
from surgectl.outlets.postman import Letter
from surgectl.units import NS_PER_S

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric, MetricsData

_TIMEOUT_S = 2.0


class OtelMetrics:
    """A collector's address for metrics. UsageError where the extra is not installed."""

    def __init__(self, base: str | None, which: Which, servers: Mapping[str, Server]) -> None:
        """`base`: as `--otlp` says; None: as OTEL_EXPORTER_OTLP_ENDPOINT says. `servers`: step → where it goes.

        Headers, certificates and compression are the environment's to say, in OpenTelemetry's own variables.
        """
        try:
            from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        except ImportError as error:
            raise UsageError("OpenTelemetry is not installed", where="--otlp", hint=EXTRA) from error
        self.name = "OTLP metrics"
        self._which = which
        self._servers = servers
        with overheard():
            self._exporter = OTLPMetricExporter(endpoint=endpoint_of(base, "metrics"), timeout=_TIMEOUT_S)

    def __repr__(self) -> str:
        return "<OtelMetrics>"

    def letter(self, everything: tuple[Measured, ...], at_epoch_s: float, *, last: bool) -> Letter:
        """One export of everything."""

        def deliver() -> str:
            from opentelemetry.sdk.metrics.export import MetricExportResult

            with overheard() as heard:
                done = self._exporter.export(
                    metrics_data([*everything, *in_their_words(everything, self._servers)], self._which, at_epoch_s)
                )
            return "" if done is MetricExportResult.SUCCESS else heard.why

        return deliver

    def close(self) -> None:
        """A pause between two tries ends at once."""
        with overheard():
            self._exporter.shutdown()


def metrics_data(everything: Sequence[Measured], which: Which, at_epoch_s: float) -> MetricsData:
    """What is exported: all counts since the run's start."""
    from opentelemetry.sdk.metrics.export import MetricsData, ResourceMetrics, ScopeMetrics

    started_ns, now_ns = round(which.started_epoch_s * NS_PER_S), round(at_epoch_s * NS_PER_S)
    metrics = [_metric(each, started_ns, now_ns) for each in everything]
    scope = ScopeMetrics(scope=scope_of(which), metrics=metrics, schema_url=SCHEMA_URL)
    return MetricsData([ResourceMetrics(resource=resource_of(which), scope_metrics=[scope], schema_url=SCHEMA_URL)])


def in_their_words(everything: Sequence[Measured], servers: Mapping[str, Server]) -> list[Measured]:
    """LATENCY once more, as OpenTelemetry's conventions call it; of steps whose address is known."""
    found = []
    for point in (point for each in everything if each.family is catalogue.LATENCY for point in each.points):
        step, outcome = point.labels
        if (server := servers.get(step)) is not None:
            wrong = "" if outcome == "answered" else outcome
            found.append(Point((server.method, server.address, str(server.port), wrong, step), point.value))
    return [Measured(catalogue.HTTP_DURATION, tuple(found))] if found else []


def _metric(each: Measured, started_ns: int, now_ns: int) -> Metric:
    from opentelemetry.sdk.metrics.export import (
        AggregationTemporality,
        Gauge,
        Histogram,
        HistogramDataPoint,
        Metric,
        NumberDataPoint,
        Sum,
    )

    family = each.family
    cumulative = AggregationTemporality.CUMULATIVE
    numbers: list[NumberDataPoint] = []
    histograms: list[HistogramDataPoint] = []
    for point in each.points:
        labels: dict[str, str | int] = {
            name: int(text) if name == "server.port" else text
            for name, text in zip(family.labels, point.labels, strict=True)
            if text
        }
        if isinstance(point.value, Buckets):
            counts = point.value.counts
            histograms.append(
                HistogramDataPoint(
                    attributes=labels,
                    start_time_unix_nano=started_ns,
                    time_unix_nano=now_ns,
                    count=sum(counts),
                    sum=point.value.sum_s,
                    bucket_counts=counts,
                    explicit_bounds=BOUNDS_S,
                    min=None,  # type: ignore[arg-type]  # not known from buckets: left out on the wire
                    max=None,  # type: ignore[arg-type]
                )
            )
        else:
            numbers.append(NumberDataPoint(labels, started_ns, now_ns, point.value))
    data: Sum | Gauge | Histogram
    if family.kind == "histogram":
        data = Histogram(histograms, cumulative)
    elif family.kind == "counter":
        data = Sum(numbers, cumulative, is_monotonic=True)
    else:
        data = Gauge(numbers)
    return Metric(family.name, family.about, family.unit, data)
