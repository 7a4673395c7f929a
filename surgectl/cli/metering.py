"""Whether the shards of a rehearsal count second by second: only where somebody judges or exports it, for it costs."""

from __future__ import annotations

from surgectl.live.meter import Meter
from surgectl.profile.rehearsal import Rehearsal
from surgectl.thresholds.grammar import parse
from surgectl.thresholds.threshold import Threshold


def aborts(rehearsal: Rehearsal) -> list[Threshold]:
    """The demands that stop a run."""
    return [threshold for threshold in map(parse, rehearsal.expect.thresholds) if threshold.abort]


def meter_for(rehearsal: Rehearsal, *, wanted: bool = False) -> Meter | None:
    """What a shard must meter, for the guard or because somebody else wants it; None where nobody does."""
    guarded = aborts(rehearsal)
    return Meter([t.of for t in guarded if t.of]) if guarded or wanted else None
