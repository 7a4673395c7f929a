"""A page that Prometheus comes to read: `http://HOST:PORT/metrics`, in its text format or as OpenMetrics.

https://prometheus.io/docs/instrumenting/exposition_formats/. The page is served by prometheus_client's own server, in a
thread; it shows what was measured last, once a second, however often anybody asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from surgectl.errors import UsageError
from surgectl.outlets.measured import BOUNDS_S, Buckets, Measured, cumulative

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

LOOPBACK = "127.0.0.1"
EXTRA = "pip install 'surgectl[prometheus]'"


def place_of(text: str) -> tuple[str, int]:
    """`HOST:PORT`, `:PORT` or `PORT` → where to listen; loopback unless a host is given. UsageError otherwise."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not port.isdecimal() or int(port) > 65_535 or (":" in host and f"[{host}]" not in text):
        raise UsageError(f"{text!r} is no place to listen", where="--prometheus", hint="try 127.0.0.1:9464")
    return host or LOOPBACK, int(port)


class Scraped:
    """The page. `show` what was measured; `close` when nobody shall read it any more."""

    def __init__(self, where: str) -> None:
        """Listens at once. UsageError where it cannot."""
        try:
            from prometheus_client import CollectorRegistry, start_http_server
        except ImportError as error:
            raise UsageError("prometheus_client is not installed", where="--prometheus", hint=EXTRA) from error
        host, port = place_of(where)
        self._shown: tuple[Measured, ...] = ()
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except (OSError, OverflowError) as error:
            hint = "another program listens there? choose another port"
            raise UsageError(f"{where}: {error}", where="--prometheus", hint=hint) from error
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self._server.server_port}/metrics"

    def __repr__(self) -> str:
        return f"<Scraped at {self.url}>"

    def show(self, everything: tuple[Measured, ...]) -> None:
        """From now on readers see this."""
        self._shown = everything

    def collect(self) -> Iterator[Metric]:
        """prometheus_client's own protocol (Collector); called in its thread."""
        return (metric_of(each) for each in self._shown)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(1)


def metric_of(each: Measured) -> Metric:
    """A family as prometheus_client knows it."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    family = each.family
    kinds: dict[str, Any] = {
        "counter": CounterMetricFamily,
        "gauge": GaugeMetricFamily,
        "histogram": HistogramMetricFamily,
    }
    metric = kinds[family.kind](family.prometheus, family.about, labels=family.labels)
    for point in each.points:
        if isinstance(point.value, Buckets):
            ends = [*(str(bound) for bound in BOUNDS_S), "+Inf"]
            metric.add_metric(
                point.labels, list(zip(ends, cumulative(point.value.counts), strict=True)), point.value.sum_s
            )
        else:
            metric.add_metric(point.labels, point.value)
    made: Metric = metric
    return made
