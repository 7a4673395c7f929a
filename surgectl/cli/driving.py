"""Which HTTP client carries the fans, set up as the target says."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from enum import StrEnum

from surgectl.clock import Clock
from surgectl.engine.drivers.aiohttp_driver import AiohttpDriver
from surgectl.engine.drivers.driver import Driver
from surgectl.engine.drivers.sources import spelled_out
from surgectl.engine.drivers.wire.trust import Trust, tls_context
from surgectl.engine.drivers.wire.wire_driver import WireDriver
from surgectl.errors import UsageError
from surgectl.profile.load import OpenTarget


class DriverName(StrEnum):
    """How bytes move."""

    WIRE = "wire"
    AIOHTTP = "aiohttp"


def driver_for(
    name: DriverName, target: OpenTarget, clock: Clock, start_ns: int, permits: Callable[[str], bool] | None
) -> Driver:
    """A driver, not yet opened. UsageError for certificates that cannot be used, and for what this driver cannot do."""
    context = tls_of(target)
    if name is DriverName.WIRE:
        own = target.target.connections == "per-fan"
        return WireDriver(
            clock, start_ns, permits=permits, tls=context, own_connections=own, sources=spelled_out(target.target.bind)
        )
    if target.target.connections != "shared":
        raise UsageError(
            "the aiohttp driver shares its connections among all fans",
            where="connections: per-fan",
            hint="leave out --driver aiohttp",
        )
    sources = spelled_out(target.target.bind)
    if len(sources) > 1:
        raise UsageError(
            "the aiohttp driver comes from one address alone", where="bind", hint="leave out --driver aiohttp"
        )
    return AiohttpDriver(clock, start_ns, permits=permits, tls=context, source="".join(sources))


def tls_of(target: OpenTarget) -> ssl.SSLContext | None:
    """What the target's `tls` says; None: as the system does. UsageError for files that cannot be used."""
    said = target.target.tls
    if not (said.ca or said.certificate or said.key):
        return None
    if said.key and not said.certificate:
        raise UsageError("a key without its certificate", where="tls.key", hint="add tls: {certificate: FILE, key: …}")
    ca, certificate, key = (target.folder / path if path else None for path in (said.ca, said.certificate, said.key))
    return tls_context(Trust(ca=ca, certificate=certificate, key=key))
