"""How long things took, told to two digits: small enough for every second of a run, honest about what it forgot.

The layout is log-linear as HdrHistogram's, but in decimal (Circllhist, Hartmann & Schlossnagle 2020,
https://arxiv.org/abs/2001.06561): every power of ten has 90 counters, from 1.0 to 9.9. So the durations that people
demand (3s, 250ms, 1.5s) are edges of counters, and "p99 < 3s" is decided by such counts as exactly as by the samples.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from surgectl.stats.percentile import Bounds, nearest_rank

EDGES: tuple[int, ...] = (0, *(digits * 10**power for power in range(3, 12) for digits in range(10, 100)), 10**13)
"""Counter i holds durations in ns from EDGES[i] up to, not with, EDGES[i + 1]: nothing to ten microseconds comes first,
what is longer than 10,000 s last."""
_ARRAY = np.array(EDGES, dtype=np.int64)

Counts = dict[int, int]
"""Counter → how many; only those that are not zero."""


def counter_of(duration_ns: int) -> int:
    """The counter of a duration; a negative one counts as zero."""
    return bisect_right(EDGES, duration_ns) - 1 if duration_ns > 0 else 0


def counters_of(durations_ns: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The counters of many."""
    return np.asarray(np.searchsorted(_ARRAY, np.maximum(durations_ns, 0), side="right") - 1, dtype=np.int64)


def low_of(counter: int) -> float:
    """The least duration in ns that a counter may hold."""
    return float(EDGES[counter])


def high_of(counter: int) -> float:
    """The greatest one, in whole ns; infinite for the last."""
    return float(EDGES[counter + 1] - 1) if counter + 1 < len(EDGES) else math.inf


def add(into: Counts, counts: Mapping[int, int]) -> None:
    """Take in further counts."""
    for counter, n in counts.items():
        into[counter] = into.get(counter, 0) + n


class Rough(msgspec.Struct, kw_only=True):
    """Durations as counts. A statistic of them is what it may be at least and at most (`Bounds`, ns).

    `open` never ended, or have not yet: of these the counter is only how long they had lasted. `unsure` may belong to
    what is asked or not, and so may `missing`, of which nothing is known at all.
    """

    ended: Counts = msgspec.field(default_factory=dict)
    ended_ns: int = 0
    """The sum of those that ended, exact."""
    open: Counts = msgspec.field(default_factory=dict)
    unsure_ended: Counts = msgspec.field(default_factory=dict)
    unsure_open: Counts = msgspec.field(default_factory=dict)
    missing: int = 0

    @property
    def count(self) -> int:
        """Samples that surely belong here."""
        return sum(self.ended.values()) + sum(self.open.values())

    @property
    def open_count(self) -> int:
        return sum(self.open.values())

    @property
    def unsure(self) -> int:
        return sum(self.unsure_ended.values()) + sum(self.unsure_open.values()) + self.missing

    def percentile(self, percentile: float) -> Bounds:
        """The nearest-rank percentile (0 < p < 100)."""
        if not self.count:
            return Bounds(math.nan, math.nan)
        return Bounds(self._low(percentile), self._high(percentile))

    def _low(self, percentile: float) -> float:
        """Were every doubtful sample up to here a real one, and each as short as it can be."""
        seen, rank = self.missing, nearest_rank(self.count + self.missing, percentile)
        if seen >= rank:
            return 0.0
        total = self.count + self.missing
        for counter in self._counters():
            seen += self.ended.get(counter, 0) + self.open.get(counter, 0)
            doubtful = self.unsure_ended.get(counter, 0) + self.unsure_open.get(counter, 0)
            if doubtful:
                seen, total = seen + doubtful, total + doubtful
                rank = nearest_rank(total, percentile)
            if seen >= rank:
                return low_of(counter)
        raise AssertionError("the counters sum to less than the count")

    def _high(self, percentile: float) -> float:
        """Were every doubtful sample beyond here a real one, and each as long as it can be."""
        seen, total = 0, self.count + self.unsure
        rank = nearest_rank(total, percentile)
        for counter in self._counters():
            seen += self.ended.get(counter, 0)
            if doubtful := self.unsure_ended.get(counter, 0):
                total -= doubtful
                rank = nearest_rank(total, percentile)
            if seen >= rank:
                return high_of(counter)
        return math.inf

    def _counters(self) -> Iterator[int]:
        return iter(sorted({*self.ended, *self.open, *self.unsure_ended, *self.unsure_open}))

    def mean(self) -> Bounds:
        """Unbounded as soon as one never ended; nothing is known of it where samples are in doubt."""
        if not self.count:
            return Bounds(math.nan, math.nan)
        if self.unsure:
            return Bounds(0.0, math.inf)
        low = (self.ended_ns + sum(low_of(counter) * n for counter, n in self.open.items())) / self.count
        return Bounds(low, math.inf if self.open else low)

    def smallest(self) -> Bounds:
        if not self.count:
            return Bounds(math.nan, math.nan)
        low = 0.0 if self.missing else low_of(next(self._counters()))
        return Bounds(low, high_of(min(self.ended)) if self.ended else math.inf)

    def largest(self) -> Bounds:
        if not self.count:
            return Bounds(math.nan, math.nan)
        unbounded = self.open or self.unsure_open or self.missing
        high = math.inf if unbounded else max(high_of(counter) for counter in self._counters())
        return Bounds(low_of(max({*self.ended, *self.open})), high)

    def statistic(self, which: str) -> Callable[[], Bounds]:
        """`mean`, `min` or `max` by its name in the grammar."""
        return {"mean": self.mean, "min": self.smallest, "max": self.largest}[which]
