"""Writes what was measured into a Prometheus (Mimir, Thanos, VictoriaMetrics …) that cannot come and read it here.

Prometheus Remote-Write 1.0, https://prometheus.io/docs/specs/prw/remote_write_spec/: one `WriteRequest` in protobuf,
packed by snappy's block format, labels sorted, milliseconds; tried again on 5xx and 429, never on another 4xx.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import requests

from surgectl import __version__
from surgectl.errors import UsageError
from surgectl.outlets.catalogue import VERDICT
from surgectl.outlets.measured import BOUNDS_S, Buckets, Measured, Which, cumulative
from surgectl.outlets.postman import Letter
from surgectl.outlets.prometheus import EXTRA
from surgectl.text import one_line

HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
    "User-Agent": f"surgectl/{__version__}",
}
STALE: float = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
"""The NaN that means: this series goes on no more."""
TRIES = 3
_TIMEOUT_S = 2.0
_FIRST_PAUSE_S = 0.2

Series = dict[tuple[tuple[str, str], ...], float]
"""Sorted labels, the name among them → value."""


class RemoteWrite:
    """A remote-write address. UsageError where it cannot be one, or the extra is not installed."""

    def __init__(self, url: str, which: Which, headers: Mapping[str, str] | None = None) -> None:
        """`headers`: for whoever asks who we are, e.g. Authorization."""
        try:
            import cramjam  # noqa: F401
            import google.protobuf  # type: ignore[import-untyped]  # noqa: F401
        except ImportError as error:
            raise UsageError("protobuf and cramjam are not installed", where="--remote-write", hint=EXTRA) from error
        self.name = "remote write"
        self._url = url
        self._common = (("instance", which.run), ("job", "surgectl"))
        self._session = requests.Session()
        self._session.headers.update({**(headers or {}), **HEADERS})
        self._over = threading.Event()

    def __repr__(self) -> str:
        return "<RemoteWrite>"

    def letter(self, everything: tuple[Measured, ...], at_epoch_s: float, *, last: bool) -> Letter:
        """One write of everything. The last one also says that all series but the verdict's end here."""
        at_ms = round(at_epoch_s * 1000)
        common = self._common

        def deliver() -> str:
            samples = [(labels, [(value, at_ms)]) for labels, value in series(everything, common).items()]
            if last:
                gone = series((each for each in everything if each.family.name not in VERDICT), common)
                samples = [
                    (labels, [*values, (STALE, at_ms + 1)] if labels in gone else values) for labels, values in samples
                ]
            return self._write(encoded(samples))

        return deliver

    def close(self) -> None:
        """A pause between two tries ends at once."""
        self._over.set()

    def _write(self, body: bytes) -> str:
        why = ""
        for tries in range(TRIES):
            if tries and self._over.wait(_FIRST_PAUSE_S * 2 ** (tries - 1)):
                break
            try:
                with self._session.post(
                    self._url, data=body, timeout=_TIMEOUT_S, allow_redirects=False, stream=True
                ) as reply:
                    if 200 <= reply.status_code < 300:
                        return ""
                    said = next(reply.iter_content(200), b"").decode("utf-8", "replace")
                    why = one_line(f"HTTP {reply.status_code} {said}", 200)
                    if reply.status_code < 500 and reply.status_code != 429:
                        return why
            except (requests.RequestException, OSError, ValueError) as error:
                why = _cause(error)
        return why


def series(everything: Iterable[Measured], common: tuple[tuple[str, str], ...]) -> Series:
    """Every series with its labels, as a scrape would have stored it. A label without a value is no label."""
    found: Series = {}

    def add(name: str, labels: Iterable[tuple[str, str]], value: float) -> None:
        pairs = [(key, text) for key, text in labels if text]
        found[tuple(sorted((("__name__", name), *common, *pairs)))] = value

    for each in everything:
        family, name = each.family, each.family.sample
        for point in each.points:
            labels = list(zip(family.labels, point.labels, strict=True))
            if not isinstance(point.value, Buckets):
                add(name, labels, float(point.value))
                continue
            ends = [*(str(bound) for bound in BOUNDS_S), "+Inf"]
            for end, count in zip(ends, cumulative(point.value.counts), strict=True):
                add(f"{name}_bucket", [*labels, ("le", end)], count)
            add(f"{name}_sum", labels, point.value.sum_s)
            add(f"{name}_count", labels, point.value.count)
    return found


def encoded(samples: Iterable[tuple[tuple[tuple[str, str], ...], list[tuple[float, int]]]]) -> bytes:
    """Series with their (value, milliseconds) → a request's body."""
    import cramjam

    request = _request()()
    for labels, values in samples:
        one = request.timeseries.add()
        for name, text in labels:
            one.labels.add(name=name, value=text)
        for value, at_ms in values:
            one.samples.add(value=value, timestamp=at_ms)
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))


@lru_cache(1)
def _request() -> Any:
    """The message type of prometheus/prompb/remote.proto, as far as we write it; its numbers are its contract."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="surgectl/remote_write.proto", package="prometheus", syntax="proto3")
    messages: dict[str, list[tuple[str, int, int, str]]] = {
        "Label": [("name", 1, kinds.TYPE_STRING, ""), ("value", 2, kinds.TYPE_STRING, "")],
        "Sample": [("value", 1, kinds.TYPE_DOUBLE, ""), ("timestamp", 2, kinds.TYPE_INT64, "")],
        "TimeSeries": [("labels", 1, kinds.TYPE_MESSAGE, "Label"), ("samples", 2, kinds.TYPE_MESSAGE, "Sample")],
        "WriteRequest": [("timeseries", 1, kinds.TYPE_MESSAGE, "TimeSeries")],
    }
    for message, fields in messages.items():
        made = file.message_type.add(name=message)
        for name, number, kind, of in fields:
            label = kinds.LABEL_REPEATED if of else kinds.LABEL_OPTIONAL
            named = {"type_name": f".prometheus.{of}"} if of else {}
            made.field.add(name=name, number=number, type=kind, label=label, **named)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("prometheus.WriteRequest"))


def _cause(error: BaseException) -> str:
    """What was at the root of it, without the URL: it may hold a password."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "nothing answers there"
    return type(error).__name__
