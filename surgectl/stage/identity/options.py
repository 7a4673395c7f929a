"""How the identity check is set up."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from surgectl.errors import UsageError


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """0 as a rate means no limit; port 0 means any free one. Durations in nanoseconds."""

    listen: Annotated[str, Meta(description="HOST:PORT; port 0 takes any free one.")] = "127.0.0.1:0"
    latency_ns: Annotated[int, Meta(description="How long one check takes.")] = 0
    rate_per_s: Annotated[
        float, Meta(description="Checks a second before it answers 429; 0 = no limit.", extra={"flag": "rate"})
    ] = 0.0
    deny_share: Annotated[float, Meta(description="Share of the people it turns down, 0 to 1.")] = 0.0
    seed: Annotated[int, Meta(description="Decides who is turned down.")] = 1

    def __post_init__(self) -> None:
        if not 0 <= self.deny_share <= 1:
            raise UsageError(f"a share of {self.deny_share} cannot be", where="--deny-share", hint="between 0 and 1")
        if not 0 <= self.rate_per_s < float("inf"):
            raise UsageError(f"{self.rate_per_s} checks a second cannot be", where="--rate", hint="0 means no limit")
        if self.latency_ns < 0:
            raise UsageError("a check cannot take less than no time", where="--latency")
