"""One look at the run, in the numbers that a person wants to see moving.

view.py makes it; the dashboard, the plain lines and the outlets read it. It informs and never judges.
"""

from __future__ import annotations

import msgspec

from surgectl.live.crowd import STAGES
from surgectl.live.portion import Second
from surgectl.plan.model import PlannedFault, PlannedPhase
from surgectl.recording.rows import VitalsRow

FUNNEL = STAGES


class FaultNow(msgspec.Struct, frozen=True):
    """A fault and how far its life has come; one by hand is planned from when it was switched on."""

    planned: PlannedFault
    state: str
    """planned · applied · verified · cleared · healed · failed"""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the run."""

    now_ns: int
    doing: str
    phases: tuple[PlannedPhase, ...]
    faults: tuple[FaultNow, ...]
    load_ends_ns: int
    planned: int
    funnel: dict[str, int]
    """Intents that came at least as far as each stage, in FUNNEL's order, without stages that this shop skips."""
    ends: dict[str, int]
    """What became of the intents whose tabs have all left, the most frequent first."""
    dropped: int
    paused: int
    """Arrivals that were due while somebody had paused them."""
    late: int
    active: int
    sent: int
    """Attempts, polls and status reads aside."""
    retries: int
    open_info: int
    """Intents that may or may not have bought or held something, as far as their fan knows."""
    amplification: float
    """Attempts per distinct (intent, step): what repetition, second tabs and double clicks add."""
    seconds: list[Second]
    ledger: dict[str, int]
    vitals: VitalsRow | None
    """Of all processes that send: what they hold is summed, the rest is the worst one's."""
    probes: tuple[int, int]
    """Answered, sent."""
    log: list[tuple[int, str]]
    """The newest events."""
    said: int
    """How many there were in all."""
    lost: int
    workers: int = 1
    """Processes that send."""
    pausing: bool = False
    """Has somebody paused the arrivals just now?"""
    links: tuple[str, ...] = ()
    """Every link that could be broken."""
