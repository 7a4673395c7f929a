"""Counts of how long things took, in a flat list: cheap enough to keep for every send.

The layout is HdrHistogram's (https://hdrhistogram.github.io/HdrHistogram) with three significant digits: values below
2048 units have a counter each, above that every doubling has 1024. Counting here is two shifts and an addition, about a
tenth of what the library's `record_value` costs; `encode` hands the counts to the library for the standard V2 text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from hdrh.histogram import HdrHistogram

from surgectl.stats.percentile import nearest_rank

UNIT_NS = 1_000
"""One unit of the encoded form: a microsecond."""
HIGHEST_UNITS = 3_600_000_000
"""An hour; what is longer is counted there, and in `clamped`."""
_DIGITS = 3
_HALF_BITS = 10
_WHOLE = 1 << (_HALF_BITS + 1)


def index_of(units: int) -> int:
    """The counter of a value in units."""
    if units < _WHOLE:
        return units
    bucket = units.bit_length() - _HALF_BITS - 1
    return (bucket << _HALF_BITS) + (units >> bucket)


def highest_at(index: int) -> int:
    """The greatest value in units that shares this counter."""
    if index < _WHOLE:
        return index
    bucket = (index >> _HALF_BITS) - 1
    return (((index & ((1 << _HALF_BITS) - 1)) + (1 << _HALF_BITS) + 1) << bucket) - 1


_LENGTH = index_of(HIGHEST_UNITS) + 1


class Histogram:
    """How many durations fell where. Durations come and go in nanoseconds and are kept to a microsecond or 0.1 %."""

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
    def of_array(durations_ns: np.ndarray[Any, Any]) -> Histogram:
        """The same as `of`, for millions at once: whole numbers of 64 bits."""
        histogram = Histogram()
        units = durations_ns.astype(np.int64) // UNIT_NS
        histogram.clamped = int(((units < 0) | (units > HIGHEST_UNITS)).sum())
        units = np.clip(units, 0, HIGHEST_UNITS)
        bits = np.frexp(units.astype(np.float64))[1].astype(np.int64)  # exact: an hour is less than 2**53 units
        bucket = np.maximum(bits - _HALF_BITS - 1, 0)
        index = np.where(units < _WHOLE, units, (bucket << _HALF_BITS) + (units >> bucket))
        histogram.counts = np.bincount(index, minlength=_LENGTH).tolist()
        histogram.count = len(units)
        histogram.sum_ns = (int((durations_ns >> 20).sum()) << 20) + int((durations_ns & 0xFFFFF).sum())
        return histogram

    def __repr__(self) -> str:
        return f"<Histogram of {self.count}>"

    def record(self, duration_ns: int) -> None:
        """Count one duration; a negative one counts as zero, one beyond an hour as an hour (and as clamped)."""
        units = duration_ns // UNIT_NS
        if units < 0 or units > HIGHEST_UNITS:
            self.clamped += 1
            units = 0 if units < 0 else HIGHEST_UNITS
        self.counts[index_of(units)] += 1
        self.count += 1
        self.sum_ns += duration_ns

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
                return float(highest_at(index) * UNIT_NS)
        raise AssertionError("the counters sum to less than the count")

    def mean_ns(self) -> float:
        """The exact mean in ns; NaN where nothing was counted."""
        return self.sum_ns / self.count if self.count else math.nan

    def encode(self) -> str:
        """The standard compressed, base64 HdrHistogram V2 text, in microseconds: any HdrHistogram tool reads it."""
        library = HdrHistogram(1, HIGHEST_UNITS, _DIGITS)
        used = [index for index, counted in enumerate(self.counts) if counted]
        for index in used:
            library.counts[index] = self.counts[index]
        if used:
            least = next((index for index in used if index > 0), 0)  # the library leaves zero out of its minimum
            library.set_internal_tacking_values(least, used[-1], self.count)
        encoded = library.encode()
        return encoded.decode("ascii") if isinstance(encoded, bytes) else str(encoded)
