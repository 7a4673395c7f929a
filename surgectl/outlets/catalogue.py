"""Every number that leaves this house, with its name, its unit and what it means.

Names are OpenTelemetry's (dotted, the unit beside them); Prometheus' are made of them as OpenTelemetry prescribes
(https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/). Labels take their values from the
profile, the target and our own words, never from a fan or a reply: their number is bounded.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["counter", "gauge", "histogram"]

_UNITS = {"s": "seconds", "By": "bytes", "1": "ratio"}


class Family(msgspec.Struct, frozen=True):
    """One metric: all its points share name and unit, and differ by their labels."""

    name: str
    kind: Kind
    unit: str
    """UCUM: `s`, `By`, `1` for a share, `{fan}` for things that are counted."""
    about: str
    labels: tuple[str, ...] = ()

    @property
    def prometheus(self) -> str:
        """The name without `_total`, which a counter's samples end with."""
        name = self.name.replace(".", "_")
        unit = _UNITS.get(self.unit, "")
        return name if not unit or name.endswith(f"_{unit}") else f"{name}_{unit}"

    @property
    def sample(self) -> str:
        """What one asks for in PromQL (of a histogram: what its parts begin with)."""
        return f"{self.prometheus}_total" if self.kind == "counter" else self.prometheus


RUN = Family("surgectl.run.info", "gauge", "", "Always 1: which run this is.", ("run", "profile", "target", "seed"))
CLOCK = Family("surgectl.run.clock", "gauge", "s", "Time since the run's start.")
LOAD_ENDS = Family("surgectl.run.load_ends", "gauge", "s", "When the last arrival is due, on the run's clock.")
PHASE = Family("surgectl.phase.active", "gauge", "", "1 while this phase of the plan is on.", ("phase",))

PLANNED = Family("surgectl.arrivals.planned", "gauge", "{fan}", "Fans that are to come in the whole run.")
ARRIVALS = Family("surgectl.arrivals", "counter", "{fan}", "Fans let loose.")
DROPPED = Family("surgectl.arrivals.dropped", "counter", "{fan}", "Arrivals that this machine could not send in time.")
ON_SITE = Family("surgectl.fans.on_site", "gauge", "{fan}", "Fans with a tab open.")

REACHED = Family("surgectl.intents.reached", "counter", "{intent}", "Intents that came at least so far.", ("stage",))
RESOLVED = Family("surgectl.intents.resolved", "counter", "{intent}", "Intents that learnt their fate: yes, or no.")
CONFIRMED = Family("surgectl.intents.confirmed", "counter", "{intent}", "Intents with a ticket: goodput.")
ENDED = Family("surgectl.intents.ended", "gauge", "{intent}", "What became of those who left.", ("end",))
OPEN = Family(
    "surgectl.intents.open", "gauge", "{intent}", "Intents that may or may not have bought or held something."
)

SENDS = Family("surgectl.sends", "counter", "{request}", "Everything that fans sent, polls included.")
ATTEMPTS = Family(
    "surgectl.attempts", "counter", "{attempt}", "Attempts that came to an end, polls aside.", ("step", "outcome")
)
TRIED = Family("surgectl.attempts.sent", "counter", "{attempt}", "Attempts sent, polls and status reads aside.")
REPEATED = Family("surgectl.attempts.repeated", "counter", "{attempt}", "Retries and double clicks.")
DOUBTFUL = Family("surgectl.attempts.doubtful", "counter", "{attempt}", "Attempts without a definite reply.")
SHED = Family("surgectl.attempts.shed", "counter", "{attempt}", "Requests that the shop refused to protect itself.")
AMPLIFICATION = Family("surgectl.amplification", "gauge", "1", "Attempts per distinct (intent, step).")
LATENCY = Family(
    "surgectl.latency",
    "histogram",
    "s",
    "From when an attempt was due to its last byte, or to when the fan gave up (doubtful).",
    ("step", "outcome"),
)
CONFIRM = Family(
    "surgectl.confirm",
    "histogram",
    "s",
    "From when an intent's first payment was due to definite knowledge, or to leaving without (doubtful).",
    ("outcome",),
)
PROBE_LATENCY = Family(
    "surgectl.probe.latency", "histogram", "s", "How long the independent prober waited.", ("probe", "outcome")
)
PROBES = Family("surgectl.probes", "counter", "{request}", "Requests of the independent prober.", ("outcome",))

FAULT = Family("surgectl.fault.active", "gauge", "", "1 while this fault is on.", ("fault", "link", "brownout"))
FAULT_SEEN = Family(
    "surgectl.fault.verified",
    "gauge",
    "",
    "1 while traffic is seen to suffer from it.",
    ("fault", "link", "brownout"),
)
LEDGER = Family(
    "surgectl.ledger", "gauge", "", "What the books say, as read now and then: never a verdict.", ("book", "counter")
)

WORKERS = Family("surgectl.generator.workers", "gauge", "{process}", "Processes that send.")
CPU = Family("surgectl.generator.cpu", "gauge", "1", "Share of one core: the busiest process of ours.")
MACHINE_CPU = Family("surgectl.generator.machine_cpu", "gauge", "1", "Share of the whole machine.")
LAG = Family("surgectl.generator.lag", "gauge", "s", "Worst delay of our own timer within the last second.")
ARRIVAL_LAG = Family(
    "surgectl.generator.arrival_lag", "gauge", "s", "Worst lateness of an arrival within the last second."
)
IN_FLIGHT = Family("surgectl.generator.in_flight", "gauge", "{request}", "Requests without a reply so far.")
SOCKETS = Family("surgectl.generator.sockets", "gauge", "{connection}", "Connections open.")
MEMORY = Family("surgectl.generator.memory", "gauge", "By", "Resident memory of all processes that send.")
UNSEEN = Family("surgectl.generator.unseen", "counter", "{row}", "Rows that were recorded, but not counted here.")

EXIT_CODE = Family("surgectl.exit_code", "gauge", "", "After the audit: the exit code of the run.")
FINDINGS = Family(
    "surgectl.findings", "gauge", "{finding}", "After the audit: invariants by verdict.", ("verdict", "kind")
)
THRESHOLDS = Family("surgectl.thresholds", "gauge", "{threshold}", "After the audit: thresholds.", ("verdict",))

HTTP_DURATION = Family(
    "http.client.request.duration",
    "histogram",
    "s",
    "Duration of HTTP client requests, from when each was due.",
    ("http.request.method", "server.address", "server.port", "error.type", "surgectl.step"),
)
"""OpenTelemetry's own name for LATENCY, sent by OTLP beside it, so that dashboards for any HTTP client show it:
https://opentelemetry.io/docs/specs/semconv/http/http-metrics/. Its first instant is ours: due, not sent."""

CATALOGUE: tuple[Family, ...] = (
    *(RUN, CLOCK, LOAD_ENDS, PHASE, PLANNED, ARRIVALS, DROPPED, ON_SITE),
    *(REACHED, RESOLVED, CONFIRMED, ENDED, OPEN),
    *(SENDS, ATTEMPTS, TRIED, REPEATED, DOUBTFUL, SHED, AMPLIFICATION, LATENCY, CONFIRM, PROBES, PROBE_LATENCY),
    *(FAULT, FAULT_SEEN, LEDGER),
    *(WORKERS, CPU, MACHINE_CPU, LAG, ARRIVAL_LAG, IN_FLIGHT, SOCKETS, MEMORY, UNSEEN),
    *(EXIT_CODE, FINDINGS, THRESHOLDS),
)
VERDICT = frozenset({EXIT_CODE.name, FINDINGS.name, THRESHOLDS.name})
"""Known only when all is over."""
