"""How many a second: counts in buckets along the run's clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from surgectl.units import NS_PER_S


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Counts per bucket from the run's start on; bucket n covers [n*bucket_ns, (n+1)*bucket_ns)."""

    counts: tuple[int, ...] = ()
    bucket_ns: int = NS_PER_S

    @staticmethod
    def of(instants_ns: Iterable[int], *, until_ns: int = 0, bucket_ns: int = NS_PER_S) -> Series:
        """Count instants, with empty buckets up to `until_ns`. What happened before the start counts in the first."""
        counts = [0] * -(-max(until_ns, 0) // bucket_ns)
        for at_ns in instants_ns:
            bucket = max(0, at_ns // bucket_ns)
            if bucket >= len(counts):
                counts.extend([0] * (bucket + 1 - len(counts)))
            counts[bucket] += 1
        return Series(counts=tuple(counts), bucket_ns=bucket_ns)

    @staticmethod
    def of_counts(counts: Mapping[int, int], *, until_ns: int = 0, bucket_ns: int = NS_PER_S) -> Series:
        """The same, counted already: bucket number → how many."""
        length = max(-(-max(until_ns, 0) // bucket_ns), max(counts, default=-1) + 1)
        filled = [0] * length
        for bucket, count in counts.items():
            filled[max(0, bucket)] += count
        return Series(counts=tuple(filled), bucket_ns=bucket_ns)

    @property
    def total(self) -> int:
        return sum(self.counts)

    def between(self, from_ns: int, to_ns: int) -> tuple[int, ...]:
        """The buckets that lie wholly inside a window."""
        first = -(-max(from_ns, 0) // self.bucket_ns)
        return self.counts[first : max(first, to_ns // self.bucket_ns)]

    def peak_per_s(self) -> float:
        """The fullest bucket, per second; 0 where there is none."""
        return max(self.counts, default=0) * NS_PER_S / self.bucket_ns

    def per_s(self) -> tuple[float, ...]:
        """The counts as rates per second."""
        return tuple(count * NS_PER_S / self.bucket_ns for count in self.counts)


def ewma(values: Iterable[float], weight: float = 0.3) -> list[float]:
    """The exponentially weighted moving average, starting at the first value."""
    smoothed: list[float] = []
    for value in values:
        smoothed.append(value if not smoothed else weight * value + (1 - weight) * smoothed[-1])
    return smoothed
