"""What chosen fans did as spans, made of the recording when all is over, so that the shop's own spans hang below them.

From the recording and not while it happens: it has every attempt once, of all workers, with its true instants; what can
be seen live is lossy, and a trace with holes misleads. It works as well for a recording of last month.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from surgectl.errors import UsageError
from surgectl.outlets.measured import Which
from surgectl.outlets.otlp import EXTRA, Server, endpoint_of, overheard, resource_of, scope_of
from surgectl.recording import traces
from surgectl.recording.relations import Relations
from surgectl.text import one_line
from surgectl.units import NS_PER_S

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

AT_ONCE = 512
"""Spans in one request: OpenTelemetry's own default (OTEL_BSP_MAX_EXPORT_BATCH_SIZE)."""
_TIMEOUT_S = 5.0


class Sent(msgspec.Struct, frozen=True):
    """What became of an export."""

    visits: int
    spans: int
    why: str = ""
    """Why it ended early; empty: all were delivered."""


def chosen(relations: Relations, share: float, seed: int) -> list[str]:
    """The intents whose requests said that their trace is kept."""
    fans = relations.rows("SELECT intent, fan FROM intents ORDER BY fan, intent")
    return [intent for intent, fan in fans if traces.sampled(share, seed, fan)]


def export(
    relations: Relations,
    which: Which,
    share: float,
    base: str | None,
    *,
    servers: Mapping[str, Server],
    in_time: Callable[[], bool] = lambda: True,
) -> Sent:
    """Send the spans of the chosen fans to a collector; stops at the first batch that cannot be delivered, and once it
    is no longer `in_time`.

    `base`: as `--otlp` says; None: as OTEL_EXPORTER_OTLP_ENDPOINT says. `servers`: step → where it is sent to, where
    that is known. UsageError where the extra is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import SpanExportResult
    except ImportError as error:
        raise UsageError("OpenTelemetry is not installed", where="--otlp", hint=EXTRA) from error
    intents = chosen(relations, share, which.seed)
    sent = 0
    with overheard() as heard:
        exporter = OTLPSpanExporter(endpoint=endpoint_of(base, "traces"), timeout=_TIMEOUT_S)
        try:
            for batch in _batches(spans(relations, which, intents, servers)):
                if not in_time():
                    return Sent(len(intents), sent, "the collector is too slow")
                if exporter.export(batch) is not SpanExportResult.SUCCESS:
                    return Sent(len(intents), sent, heard.why)
                sent += len(batch)
        finally:
            exporter.shutdown()  # type: ignore[no-untyped-call]
    return Sent(len(intents), sent)


def spans(
    relations: Relations, which: Which, intents: Sequence[str], servers: Mapping[str, Server]
) -> Iterator[ReadableSpan]:
    """One span for each of these intents, and below it one for each of its attempts."""
    make = _Maker(which, servers)
    for some in _slices(intents, 200):
        marks = ", ".join("?" * len(some))
        visits = relations.dicts(
            "SELECT i.intent, i.fan, i.profile, i.phase, i.qty, i.at_ns, "
            "(SELECT max(l.at_ns) FROM lefts l WHERE l.intent = i.intent) AS left_ns, "
            '(SELECT arg_max(l."end", l.at_ns) FROM lefts l WHERE l.intent = i.intent) AS "end" '
            f"FROM intents i WHERE i.intent IN ({marks}) ORDER BY i.fan",
            some,
        )
        attempts: dict[str, list[dict[str, Any]]] = {}
        for row in relations.dicts(
            'SELECT attempt, intent, tab, step, role, "try", poll, double, method, due_ns, at_ns, sent_ns, done_ns, '
            f"outcome, why, status, size FROM attempts WHERE intent IN ({marks}) ORDER BY at_ns",
            some,
        ):
            attempts.setdefault(row["intent"], []).append(row)
        for visit in visits:
            made = [make.attempt(row) for row in attempts.get(visit["intent"], ())]
            yield make.visit(visit, max((span.end_time or 0 for span in made), default=0))
            yield from made


class _Maker:
    """Rows into spans of one run."""

    def __init__(self, which: Which, servers: Mapping[str, Server]) -> None:
        self._started_ns = round(which.started_epoch_s * NS_PER_S)
        self._servers = servers
        self._resource = resource_of(which)
        self._scope = scope_of(which)

    def visit(self, row: Mapping[str, Any], least_end_ns: int) -> ReadableSpan:
        """A fan from arriving to closing the last tab."""
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import SpanKind

        known = {
            "surgectl.intent": row["intent"],
            "surgectl.fan": row["fan"],
            "surgectl.retry_profile": row["profile"],
            "surgectl.phase": row["phase"],
            "surgectl.qty": row["qty"],
            "surgectl.end": row["end"],
        }
        begun = self._started_ns + row["at_ns"]
        left = begun if row["left_ns"] is None else self._started_ns + row["left_ns"]
        return ReadableSpan(
            name=f"visit {row['profile']}",
            context=self._context(row["intent"], traces.visit_span_id(row["intent"])),
            resource=self._resource,
            attributes=_said(known),
            kind=SpanKind.INTERNAL,
            start_time=begun,
            end_time=max(begun, left, least_end_ns),
            instrumentation_scope=self._scope,
        )

    def attempt(self, row: Mapping[str, Any]) -> ReadableSpan:
        """One send, from its first byte to the reply's last; named and filled as the conventions for HTTP clients say
        (https://opentelemetry.io/docs/specs/semconv/http/http-spans/). The URL is not in the recording."""
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import SpanKind, Status, StatusCode

        status, outcome = row["status"], row["outcome"]
        wrong = "" if outcome == "ok" or (status is not None and status < 400) else str(status or row["why"] or "lost")
        server = self._servers.get(row["step"])
        known = {
            "http.request.method": row["method"],
            "http.response.status_code": status,
            "http.request.resend_count": row["try"] - 1 or None,
            "server.address": server and server.address,
            "server.port": server and server.port,
            "error.type": wrong or None,
            "surgectl.attempt": row["attempt"],
            "surgectl.intent": row["intent"],
            "surgectl.step": row["step"],
            "surgectl.role": row["role"],
            "surgectl.tab": row["tab"],
            "surgectl.outcome": outcome or "none",
            "surgectl.why": row["why"],
            "surgectl.poll": row["poll"] or None,
            "surgectl.double": row["double"] or None,
            "surgectl.due_unix_nano": self._started_ns + row["due_ns"],
        }
        begun = row["at_ns"] if row["sent_ns"] is None else row["sent_ns"]
        done = begun if row["done_ns"] is None else row["done_ns"]
        return ReadableSpan(
            name=f"{row['method']} {one_line(row['step'], 64)}",
            context=self._context(row["intent"], traces.span_id(row["attempt"])),
            parent=self._context(row["intent"], traces.visit_span_id(row["intent"])),
            resource=self._resource,
            attributes=_said(known),
            kind=SpanKind.CLIENT,
            status=Status(StatusCode.ERROR, wrong) if wrong else Status(StatusCode.UNSET),
            start_time=self._started_ns + begun,
            end_time=self._started_ns + max(begun, done),
            instrumentation_scope=self._scope,
        )

    def _context(self, intent: str, span: str) -> Any:
        from opentelemetry.trace import SpanContext, TraceFlags

        return SpanContext(int(traces.trace_id(intent), 16), int(span, 16), False, TraceFlags(TraceFlags.SAMPLED))


def _said(known: Mapping[str, Any]) -> dict[str, Any]:
    heard = ((name, value) for name, value in known.items() if value is not None)
    return {name: one_line(value, 200) if isinstance(value, str) else value for name, value in heard}


def _batches(made: Iterator[ReadableSpan]) -> Iterator[list[ReadableSpan]]:
    batch: list[ReadableSpan] = []
    for span in made:
        batch.append(span)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _slices(names: Sequence[str], most: int) -> Iterator[list[str]]:
    for first in range(0, len(names), most):
        yield list(names[first : first + most])
