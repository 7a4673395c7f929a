"""Counts of how long things took, in a flat list: cheap enough to keep for every send.

The layout is HdrHistogram's (https://hdrhistogram.github.io/HdrHistogram) for nanoseconds from a microsecond to an hour
with three significant digits: values below 2048 units have a counter each, above that every doubling has 1024. Counting
here is two shifts and an addition, about a quarter of what the library's `record_value` costs; `encode` hands the
counts to the library for the standard V2 text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from hdrh.histogram import HdrHistogram

from surgectl.stats.percentile import nearest_rank

LOWEST_NS = 1_000
"""What can still be told from nothing."""
HIGHEST_NS = 3_600_000_000_000
"""An hour; what is longer is counted there, and in `clamped`."""
_UNIT_BITS = 9
"""A unit is 512 ns: HdrHistogram rounds the lowest value down to a power of two."""
_DIGITS = 3
_HALF_BITS = 10
_WHOLE = 1 << (_HALF_BITS + 1)

Nanoseconds = np.ndarray[Any, np.dtype[np.int64]]


def index_of(duration_ns: int) -> int:
    """The counter of a duration between nothing and `HIGHEST_NS`."""
    units = duration_ns >> _UNIT_BITS
    if units < _WHOLE:
        return units
    bucket = units.bit_length() - _HALF_BITS - 1
    return (bucket << _HALF_BITS) + (units >> bucket)


def indices_of(durations_ns: Nanoseconds) -> Nanoseconds:
    """The counters of many; what is out of bounds counts as the nearest that is not."""
    units = np.clip(durations_ns, 0, HIGHEST_NS) >> _UNIT_BITS
    bits = np.frexp(units.astype(np.float64))[1].astype(np.int64)  # exact: an hour is less than 2**53 units
    bucket = np.maximum(bits - _HALF_BITS - 1, 0)
    return np.where(units < _WHOLE, units, (bucket << _HALF_BITS) + (units >> bucket))


def highest_at(index: int) -> int:
    """The greatest duration in ns that shares this counter."""
    if index < _WHOLE:
        return ((index + 1) << _UNIT_BITS) - 1
    bucket = (index >> _HALF_BITS) - 1
    return (((index & ((1 << _HALF_BITS) - 1)) + (1 << _HALF_BITS) + 1) << (bucket + _UNIT_BITS)) - 1


def encoded(counters: Iterable[tuple[int, int]]) -> str:
    """The standard compressed, base64 HdrHistogram V2 text of (counter, count) in ascending order, none of them 0.

    Its values are nanoseconds, as the public tools take for granted.
    """
    library = HdrHistogram(LOWEST_NS, HIGHEST_NS, _DIGITS)
    least = most = total = 0
    for most, count in counters:
        library.counts[most] = count
        least = least or most  # the library leaves zero out of its minimum
        total += count
    if total:
        library.set_internal_tacking_values(least, most, total)
    text = library.encode()
    return text.decode("ascii") if isinstance(text, bytes) else str(text)


_LENGTH = index_of(HIGHEST_NS) + 1


class Histogram:
    """How many durations fell where. Durations in nanoseconds, kept to half a microsecond or 0.1 %."""

    __slots__ = ("clamped", "count", "counts", "sum_ns")

    def __init__(self) -> None:
        self.counts = [0] * _LENGTH
        self.count = 0
        self.sum_ns = 0
        self.clamped = 0

    @staticmethod
    def of(durations_ns: Iterable[int]) -> Histogram:
        histogram = Histogram()
        for duration_ns in durations_ns:
            histogram.record(duration_ns)
        return histogram

    @staticmethod
    def of_array(durations_ns: Nanoseconds) -> Histogram:
        """The same as `of`, for millions at once: whole numbers of 64 bits."""
        histogram = Histogram()
        durations_ns = durations_ns.astype(np.int64)
        histogram.clamped = int(((durations_ns < 0) | (durations_ns > HIGHEST_NS)).sum())
        histogram.counts = np.bincount(indices_of(durations_ns), minlength=_LENGTH).tolist()
        histogram.count = len(durations_ns)
        histogram.sum_ns = (int((durations_ns >> 20).sum()) << 20) + int((durations_ns & 0xFFFFF).sum())
        return histogram

    def __repr__(self) -> str:
        return f"<Histogram of {self.count}>"

    def record(self, duration_ns: int) -> None:
        """Count one duration; a negative one counts as zero, one beyond an hour as an hour (and as clamped)."""
        self.count += 1
        self.sum_ns += duration_ns
        if not 0 <= duration_ns <= HIGHEST_NS:
            self.clamped += 1
            duration_ns = 0 if duration_ns < 0 else HIGHEST_NS
        units = duration_ns >> _UNIT_BITS  # as index_of, without the price of a call
        if units >= _WHOLE:
            bucket = units.bit_length() - _HALF_BITS - 1
            units = (bucket << _HALF_BITS) + (units >> bucket)
        self.counts[units] += 1

    def add(self, other: Histogram) -> None:
        """Take in another histogram's counts: how shards become one."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.count += other.count
        self.sum_ns += other.sum_ns
        self.clamped += other.clamped

    def percentile_ns(self, percentile: float) -> float:
        """The nearest-rank percentile (0 < p <= 100) in ns, at most 0.1 % too high; NaN where nothing was counted."""
        if not self.count:
            return math.nan
        left = nearest_rank(self.count, percentile)
        for index, counted in enumerate(self.counts):
            left -= counted
            if left <= 0:
                return float(highest_at(index))
        raise AssertionError("the counters sum to less than the count")

    def mean_ns(self) -> float:
        """The exact mean in ns; NaN where nothing was counted."""
        return self.sum_ns / self.count if self.count else math.nan

    def encode(self) -> str:
        """The standard compressed, base64 HdrHistogram V2 text, in nanoseconds: any HdrHistogram tool reads it."""
        return encoded((index, count) for index, count in enumerate(self.counts) if count)
