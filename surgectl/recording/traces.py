"""Under which number a fan's visit stands in the shop's own traces: made of its name, so each is found from the other.

W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context-1/): `00-<trace>-<span>-<flags>`. A trace is an intent,
a span an attempt. SQL makes the same numbers: `substr(sha256(intent), 1, 32)`, `substr(sha256(attempt), 1, 16)`.
"""

from __future__ import annotations

import hashlib

from surgectl import chance

HEADER = "traceparent"


def trace_id(intent: str) -> str:
    """Of an intent: 16 bytes as 32 hex digits. Its name holds the run's own random part, so no two runs share one."""
    return hashlib.sha256(intent.encode()).hexdigest()[:32]


def visit_span_id(intent: str) -> str:
    """Of the span that holds all attempts of an intent: 8 bytes as 16 hex digits."""
    return hashlib.sha256(intent.encode()).hexdigest()[32:48]


def span_id(attempt: str) -> str:
    """Of an attempt: 8 bytes as 16 hex digits."""
    return hashlib.sha256(attempt.encode()).hexdigest()[:16]


def sampled(share: float, seed: int, fan: int) -> bool:
    """Whether this fan's traces are kept: the same fans in each run with that seed, and more of them for a greater
    share."""
    return chance.unit(seed, "trace", fan) < share


def head_of(intent: str) -> str:
    """What all of an intent's headers begin with."""
    return f"00-{trace_id(intent)}-"


def tail_of(*, kept: bool) -> str:
    """What they end with: where it says 00, a shop that follows its callers' decision keeps no trace either."""
    return "-01" if kept else "-00"
