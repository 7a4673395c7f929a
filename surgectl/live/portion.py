"""What one shard's crowd did so far, in numbers that add up: the shards' portions together are the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest

import msgspec

from surgectl.live.crowd import STAGES
from surgectl.live.reading import Reading
from surgectl.live.reading import together as metered
from surgectl.recording.rows import VitalsRow


class Second(msgspec.Struct, array_like=True):
    """What happened within one second of the run."""

    sent: int = 0
    """Everything we sent, polls included."""
    resolved: int = 0
    """Intents that learnt their fate: confirmed, or told no for good."""
    confirmed: int = 0
    trouble: int = 0
    """Attempts without a definite reply, polls aside."""
    shed: int = 0
    arrived: int = 0
    slowest_ns: int = 0
    """The longest that an attempt took, polls aside, from when it was due."""


class Portion(msgspec.Struct, frozen=True, kw_only=True):
    """The counters of one shard, or of several: every fan belongs to one shard alone, so nothing counts twice."""

    reached: list[int]
    """Intents that came at least as far as each stage."""
    witnessed: frozenset[int] = frozenset({0})
    """Stages that this shop was seen to have."""
    ends: dict[str, int] = {}
    dropped: int = 0
    paused: int = 0
    """Arrivals that were due while somebody had paused them."""
    late: int = 0
    """Arrivals that were let loose later than the profile allows (`generator: {behind: late}`)."""
    first_drop_ns: int | None = None
    active: int = 0
    sent: int = 0
    """Attempts, polls and status reads aside."""
    retries: int = 0
    operations: int = 0
    """Distinct (intent, step)."""
    in_doubt: int = 0
    seconds: list[Second] = []
    answered: int = 0
    probed: int = 0
    lost: int = 0
    """Rows that were not counted here: the tap was full."""
    vitals: tuple[VitalsRow, ...] = ()
    """The newest of each process."""
    meter: Reading | None = None
    """What changed in the shard's meter since it was last told; None where nobody asked for one."""

    @property
    def funnel(self) -> dict[str, int]:
        """The stages without those that this shop skips; what nobody has come to yet is shown."""
        last = max(self.witnessed)
        shown = [i for i in range(len(STAGES)) if i in self.witnessed or i > last]
        return {STAGES[i]: self.reached[i] for i in shown}

    @property
    def amplification(self) -> float:
        """Attempts per distinct (intent, step)."""
        return self.sent / self.operations if self.operations else 1.0


def merged(portions: Sequence[Portion]) -> Portion:
    """The portions of several shards as one, as if one view had seen all their rows."""
    ends: Counter[str] = Counter()
    for portion in portions:
        ends.update(portion.ends)
    return Portion(
        reached=[sum(reached) for reached in zip(*(p.reached for p in portions), strict=True)],
        witnessed=frozenset().union(*(p.witnessed for p in portions)),
        ends=dict(ends),
        dropped=sum(p.dropped for p in portions),
        paused=sum(p.paused for p in portions),
        late=sum(p.late for p in portions),
        first_drop_ns=min((p.first_drop_ns for p in portions if p.first_drop_ns is not None), default=None),
        active=sum(p.active for p in portions),
        sent=sum(p.sent for p in portions),
        retries=sum(p.retries for p in portions),
        operations=sum(p.operations for p in portions),
        in_doubt=sum(p.in_doubt for p in portions),
        seconds=[_second(same) for same in zip_longest(*(p.seconds for p in portions))],
        answered=sum(p.answered for p in portions),
        probed=sum(p.probed for p in portions),
        lost=sum(p.lost for p in portions),
        vitals=tuple(row for p in portions for row in p.vitals),
        meter=metered([p.meter for p in portions if p.meter is not None]) if any(p.meter for p in portions) else None,
    )


def _second(same: Sequence[Second | None]) -> Second:
    seen = [second for second in same if second is not None]
    return Second(
        sent=sum(s.sent for s in seen),
        resolved=sum(s.resolved for s in seen),
        confirmed=sum(s.confirmed for s in seen),
        trouble=sum(s.trouble for s in seen),
        shed=sum(s.shed for s in seen),
        arrived=sum(s.arrived for s in seen),
        slowest_ns=max(s.slowest_ns for s in seen),
    )


def together(vitals: Sequence[VitalsRow]) -> VitalsRow | None:
    """The processes' pulses as one: what they hold is summed, how they do is as with the worst of them."""
    if not vitals:
        return None
    return VitalsRow(
        at_ns=max(row.at_ns for row in vitals),
        lag_ns=max(row.lag_ns for row in vitals),
        cpu=max(row.cpu for row in vitals),
        machine_cpu=max(row.machine_cpu for row in vitals),
        fans=sum(row.fans for row in vitals),
        in_flight=sum(row.in_flight for row in vitals),
        sockets=sum(row.sockets for row in vitals),
        rss_bytes=sum(row.rss_bytes for row in vitals),
        arrival_lag_ns=max(row.arrival_lag_ns for row in vitals),
    )
