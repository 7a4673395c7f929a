"""How slow was it for the unlucky ones: percentiles that own up to what was never answered.

A percentile here is the nearest rank: a value that really occurred, never one in between (Hyndman & Fan 1996, type 1).
An operation that never came to an end has no duration, only a least one; leaving it out would flatter the shop
exactly when it is worst, so a percentile over such samples is a pair of bounds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np


def nearest_rank(count: int, percentile: float) -> int:
    """The 1-based rank of a percentile (0 < p <= 100) among `count` >= 1 samples."""
    # Fraction of the decimal text: 99.9 % of 1000 is rank 999, where floats would say 1000.
    return max(1, math.ceil(Fraction(repr(float(percentile))) * count / 100))


def percentile_of(ordered: Sequence[int], percentile: float) -> float:
    """The nearest-rank percentile of ascending samples; NaN where there are none."""
    if not ordered:
        return math.nan
    return float(ordered[nearest_rank(len(ordered), percentile) - 1])


class Bounds(msgspec.Struct, frozen=True):
    """What a statistic may be at least and at most; equal where everything is known."""

    low: float
    high: float

    @property
    def exact(self) -> bool:
        return self.low == self.high


class Durations(msgspec.Struct, frozen=True, kw_only=True):
    """Durations in ns: those that ended, ascending, and of those that never did how long they had lasted, ascending."""

    ended_ns: tuple[int, ...] = ()
    open_ns: tuple[int, ...] = ()

    @staticmethod
    def of(ended_ns: Iterable[int], open_ns: Iterable[int] = ()) -> Durations:
        return Durations(ended_ns=tuple(sorted(ended_ns)), open_ns=tuple(sorted(open_ns)))

    @staticmethod
    def of_arrays(ended_ns: np.ndarray[Any, Any], open_ns: np.ndarray[Any, Any]) -> Durations:
        """The same, of millions at once."""
        return Durations(ended_ns=tuple(np.sort(ended_ns).tolist()), open_ns=tuple(np.sort(open_ns).tolist()))

    @property
    def count(self) -> int:
        return len(self.ended_ns) + len(self.open_ns)

    @property
    def open_count(self) -> int:
        return len(self.open_ns)

    def percentile(self, percentile: float) -> Bounds:
        """Least and greatest value the percentile can have; `high` is infinite where it lies among the open ones."""
        if not self.count:
            return Bounds(math.nan, math.nan)
        rank = nearest_rank(self.count, percentile)
        high = float(self.ended_ns[rank - 1]) if rank <= len(self.ended_ns) else math.inf
        if not self.open_ns:
            return Bounds(high, high)
        return Bounds(float(sorted((*self.ended_ns, *self.open_ns))[rank - 1]), high)

    def mean(self) -> Bounds:
        """The mean: unbounded above as soon as one never ended."""
        if not self.count:
            return Bounds(math.nan, math.nan)
        low = (sum(self.ended_ns) + sum(self.open_ns)) / self.count
        return Bounds(low, math.inf if self.open_ns else low)

    def smallest(self) -> Bounds:
        """The least duration."""
        if not self.count:
            return Bounds(math.nan, math.nan)
        high = float(self.ended_ns[0]) if self.ended_ns else math.inf
        return Bounds(min(high, float(self.open_ns[0])) if self.open_ns else high, high)

    def largest(self) -> Bounds:
        """The greatest duration: unbounded as soon as one never ended."""
        if not self.count:
            return Bounds(math.nan, math.nan)
        low = float(max((*self.ended_ns[-1:], *self.open_ns[-1:])))
        return Bounds(low, math.inf if self.open_ns else low)


def wilson(good: int, total: int, z: float = 1.959963984540054) -> Bounds:
    """The 95 % interval of a share (Wilson 1927); the whole unit where there are no samples."""
    if total <= 0:
        return Bounds(0.0, 1.0)
    share = good / total
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    middle = share + z * z / (2 * total)
    scale = 1 + z * z / total
    return Bounds(max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale))
