"""What OpenTelemetry's metrics and traces have in common: where they go, who says them, and no noise on stderr."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import msgspec

from surgectl.errors import UsageError
from surgectl.outlets.measured import Which
from surgectl.text import one_line

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

EXTRA = "pip install 'surgectl[otel]'"
SCHEMA_URL = "https://opentelemetry.io/schemas/1.37.0"
Signal = Literal["metrics", "traces"]


class Server(msgspec.Struct, frozen=True):
    """Where a step's requests go, and how."""

    address: str
    port: int
    method: str


def endpoint_of(base: str | None, signal: Signal) -> str | None:
    """`--otlp URL` is the base of all signals, as OTEL_EXPORTER_OTLP_ENDPOINT is. None: as the environment says, which
    the exporter reads itself (https://opentelemetry.io/docs/specs/otel/protocol/exporter/)."""
    return None if base is None else f"{base.rstrip('/')}/v1/{signal}"


def wanted_by(environ: Mapping[str, str], signal: Signal) -> bool:
    """Whether the environment asks for this signal to be sent out, as it would of any program with an OpenTelemetry
    SDK; only an address counts as asking, for nobody expects a load tester to look for a collector by itself."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or unwanted_by(environ, signal):
        return False
    return bool(
        environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT")
    )


def unwanted_by(environ: Mapping[str, str], signal: Signal) -> bool:
    """Whether it forbids the signal by OTEL_METRICS_EXPORTER=none or OTEL_TRACES_EXPORTER=none."""
    return environ.get(f"OTEL_{signal.upper()}_EXPORTER", "").strip().lower() == "none"


@lru_cache(4)
def resource_of(which: Which) -> Resource:
    """Who speaks: `service.name` is surgectl, the instance is the run; OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME
    are heard. UsageError where the extra is not installed."""
    try:
        from opentelemetry.sdk.resources import Resource
    except ImportError as error:
        raise UsageError("OpenTelemetry is not installed", where="--otlp", hint=EXTRA) from error
    ours: dict[str, str | int] = {
        "service.name": os.environ.get("OTEL_SERVICE_NAME") or "surgectl",
        "service.version": which.version,
        "service.instance.id": which.run,
        "surgectl.run": which.run,
        "surgectl.profile": one_line(which.profile, 64),
        "surgectl.target": one_line(which.target, 64),
        "surgectl.seed": which.seed,
    }
    return Resource.create({**ours})


def scope_of(which: Which) -> InstrumentationScope:
    """Which library says it: ours."""
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    return InstrumentationScope("surgectl", which.version, SCHEMA_URL)


_ADDRESS = re.compile(r"https?://\S+")


class _Listener(logging.Handler):
    """Keeps what the exporter would have printed on a terminal that shows a dashboard."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._said = [*self._said[-9:], record.getMessage()]

    @property
    def why(self) -> str:
        """Why nothing arrived, in a few words; the address is left out: it may hold a password."""
        everything = " ".join(self._said)
        if any(
            sign in everything for sign in ("NewConnectionError", "refused", "NameResolutionError", "ConnectTimeout")
        ):
            return "nothing answers there"
        if found := re.search(r"code: (\d{3}), reason: ([\w ]{0,60})", everything):
            return f"HTTP {found[1]} {found[2]}".strip()
        return one_line(_ADDRESS.sub("…", self._said[-1]), 200) if self._said else "not delivered"


@contextmanager
def overheard() -> Iterator[_Listener]:
    """The exporters log their troubles; here they are heard by whoever can say them once."""
    logger, listener = logging.getLogger("opentelemetry"), _Listener()
    was = logger.propagate
    logger.addHandler(listener)
    logger.propagate = False
    try:
        yield listener
    finally:
        logger.removeHandler(listener)
        if not logger.handlers:
            logger.propagate = was
