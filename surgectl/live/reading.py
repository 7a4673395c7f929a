"""What was counted of the run second by second, in numbers that add up: a shard's, or those of all of them.

meter.py counts it; it travels with each pulse (portion.py), is kept in meters.py, and is asked as thresholds ask
(meter_samples.py). Durations are counts as stats/rough.py has them, to two digits.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from surgectl.stats.rough import Counts, add


class Cell(msgspec.Struct, array_like=True, gc=False):
    """What was due at one step (or began to run by one clock) within one second. It only ever grows."""

    step: str
    profile: str
    """The retry profile, where somebody asked for it by itself; else empty."""
    second: int
    begun: int = 0
    done: int = 0
    """Of those: an end was heard, whichever."""
    unsent: int = 0
    """Of those done: no byte ever left, so there is no latency."""
    bad: int = 0
    """Of those done: no definite answer. Of probes: not answered well."""
    first: int = 0
    """Of those begun: the first of their intent at this step."""
    vague: int = 0
    """Of those begun and not done: an end was heard that need not be the last word, so they may be short or long."""
    ended_ns: int = 0
    ended: Counts = msgspec.field(default_factory=dict)
    open: Counts = msgspec.field(default_factory=dict)
    """Of those done: the answer never came, this is how long it was waited for."""
    round: int = -1
    """The round of news in which it stands already: the meter's own."""

    @property
    def waiting(self) -> int:
        """Under way, with nothing heard yet."""
        return max(0, self.begun - self.done - self.vague)


class Tick(msgspec.Struct, array_like=True, gc=False):
    """How often something happened within one second."""

    event: str
    profile: str
    second: int
    count: int = 0
    round: int = -1


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What one shard's meter shows, or what of it has changed; a later cell takes the place of an earlier."""

    cells: tuple[Cell, ...] = ()
    ticks: tuple[Tick, ...] = ()
    seen_ns: int = -1
    """Everything up to here was counted; -1: nothing yet."""
    lost: int = 0
    """Rows that were never counted: the tap was full."""


def together(readings: Iterable[Reading]) -> Reading:
    """The readings of several shards as one."""
    readings = list(readings)
    if len(readings) == 1:
        return readings[0]
    cells: dict[tuple[str, str, int], Cell] = {}
    ticks: dict[tuple[str, str, int], Tick] = {}
    for reading in readings:
        for cell in reading.cells:
            key = (cell.step, cell.profile, cell.second)
            whole = cells.get(key)
            if whole is None:
                whole = cells[key] = Cell(*key)
            for name in ("begun", "done", "unsent", "bad", "first", "vague", "ended_ns"):
                setattr(whole, name, getattr(whole, name) + getattr(cell, name))
            add(whole.ended, cell.ended)
            add(whole.open, cell.open)
        for tick in reading.ticks:
            at = (tick.event, tick.profile, tick.second)
            if at not in ticks:
                ticks[at] = Tick(*at)
            ticks[at].count += tick.count
    return Reading(
        cells=tuple(cells.values()),
        ticks=tuple(ticks.values()),
        # What the slowest of them has not counted yet is not known of the whole.
        seen_ns=min((reading.seen_ns for reading in readings), default=-1),
        lost=sum(reading.lost for reading in readings),
    )
