"""One of two runs that are held beside each other: its report, what was asked for, and its seconds."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from surgectl.report.compare.seconds import Seconds
from surgectl.report.summary import Summary


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """A run with all that a comparison looks at."""

    summary: Summary
    place: str
    """As the command line named it."""
    rehearsal: dict[str, Any] = {}
    """The whole effective profile as it was recorded; empty = the report is too old to hold it."""
    journey: str = ""
    """`journey_of` its target; empty = not known."""
    seconds: Seconds

    @property
    def untimed(self) -> str:
        """Why its timings say nothing of the shop; empty = they do."""
        if self.summary.run.status != "done":
            return f"it did not come to its end ({self.summary.run.status})"
        kept_up = next((f for f in self.summary.invariants if f.id == "GENERATOR"), None)
        if kept_up is None or kept_up.verdict == "unknown":
            said = f" ({kept_up.summary})" if kept_up is not None and kept_up.summary else ""
            return f"nobody can say whether its load generator kept up{said}"
        if kept_up.verdict == "fail":
            return f"its load generator did not keep up: {kept_up.summary}"
        if not self.seconds.length:
            return "its report holds no seconds"
        return ""


def journey_of(target_file: dict[str, Any]) -> str:
    """A name for how the shop was talked to: the same for the same journey, wherever the shop stands."""
    journey = target_file.get("journey")
    if not journey:
        return ""
    return hashlib.blake2b(msgspec.json.encode(journey, order="sorted"), digest_size=8).hexdigest()
