"""How one provider is set up."""

from __future__ import annotations

from pathlib import Path

import msgspec

from surgectl.units import NS_PER_S


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """0 as a limit means none; port 0 means any free one. Durations in nanoseconds.

    `queue_ns` is how long a request beyond the capacity waits in line before it is sent away with 429.
    A GET takes a quarter of `latency_ns`, and each request its own seeded share of it (log-normal, σ 0.25).
    """

    host: str = "127.0.0.1"
    port: int = 0
    control_host: str = "127.0.0.1"
    control_port: int = 0
    rate_per_s: float = 0.0
    endpoint_rate_per_s: float = 0.0
    concurrency: int = 0
    queue_ns: int = NS_PER_S
    lock_wait_ns: int = 2 * NS_PER_S
    latency_ns: int = 0
    key_ttl_ns: int = 24 * 3600 * NS_PER_S
    seed: int = 0
    data: Path | None = None
    defect: str | None = None
    until_stdin_closes: bool = False
