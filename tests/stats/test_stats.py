"""Percentiles, histograms and series against slow and obvious computations of the same."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from surgectl.stats.histogram import HIGHEST_NS, LOWEST_NS, Histogram, highest_at, index_of
from surgectl.stats.percentile import Durations, nearest_rank, percentile_of, wilson
from surgectl.stats.series import Series, ewma


@pytest.mark.parametrize(
    "count, percentile, rank", [(1000, 99.9, 999), (100, 99, 99), (10, 99, 10), (1, 50, 1), (2, 50, 1), (3, 50, 2)]
)
def test_nearest_rank(count: int, percentile: float, rank: int) -> None:
    """The nearest rank is exact where floating point would slip to the next."""
    assert nearest_rank(count, percentile) == rank


def test_no_samples_is_not_a_number() -> None:
    """A percentile of nothing is not a number."""
    assert math.isnan(percentile_of([], 99))
    assert math.isnan(Durations().percentile(99).low)
    assert math.isnan(Histogram().percentile_ns(99))


def test_open_durations_bound_the_percentile() -> None:
    """What never ended pushes a percentile up to infinity only where it can reach it."""
    durations = Durations.of([10, 20, 30, 40], [25])
    assert durations.percentile(40).exact and durations.percentile(40).low == 20
    assert (durations.percentile(80).low, durations.percentile(80).high) == (30, 40)
    assert (durations.percentile(99).low, durations.percentile(99).high) == (40, math.inf)
    assert durations.largest().high == math.inf


@given(st.lists(st.integers(0, HIGHEST_NS), min_size=1, max_size=60), st.sampled_from([1, 50, 90, 99, 99.9]))
def test_histogram_is_within_a_thousandth(durations_ns: list[int], percentile: float) -> None:
    """A histogram's percentile is the true one, at most a thousandth (or a microsecond) too high."""
    exact = percentile_of(sorted(durations_ns), percentile)
    counted = Histogram.of(durations_ns).percentile_ns(percentile)
    assert exact - 1000 <= counted <= exact * 1.001 + 1000


@given(st.one_of(st.integers(0, HIGHEST_NS), st.integers(0, 3_000_000)))
def test_layout_is_hdrhistograms(duration_ns: int) -> None:
    """Every value has the counter that HdrHistogram itself would give it."""
    library = HdrHistogram(LOWEST_NS, HIGHEST_NS, 3)
    assert index_of(duration_ns) == library.get_counts_array_index(duration_ns)
    assert highest_at(index_of(duration_ns)) == library.get_highest_equivalent_value(duration_ns)


@pytest.mark.parametrize(
    "durations_ns",
    [[], [5_000], [0], [0, 7_000, 7_000], [1_000, 1_048_575, 1_048_576, 123_456_789, 2_000_000_000], [HIGHEST_NS]],
)
def test_encoding_is_read_back_by_the_library(durations_ns: list[int]) -> None:
    """The exported text is what the library would have written, and is read back with the same percentiles."""
    own = Histogram.of(durations_ns)
    library = HdrHistogram(LOWEST_NS, HIGHEST_NS, 3)
    for duration_ns in durations_ns:
        library.record_value(duration_ns)
    assert own.encode() == library.encode().decode()
    back = HdrHistogram.decode(own.encode())
    assert back.get_total_count() == len(durations_ns)
    assert back.get_value_at_percentile(99) == library.get_value_at_percentile(99)


def test_shards_add_up() -> None:
    """Two shards' histograms add up to the histogram of all."""
    left, right = Histogram.of([1_000_000, 5_000_000]), Histogram.of([7_000_000_000])
    left.add(right)
    assert left.encode() == Histogram.of([1_000_000, 5_000_000, 7_000_000_000]).encode()


def test_beyond_an_hour_is_counted_as_clamped() -> None:
    """A duration beyond the scale is never lost: it counts at the end and is owned up to."""
    histogram = Histogram.of([2 * 3600 * 10**9])
    assert (histogram.count, histogram.clamped) == (1, 1)


def test_series_has_its_empty_seconds() -> None:
    """Seconds in which nothing happened are zeros, not gaps."""
    series = Series.of([0, 5, 2_500_000_000], until_ns=4_000_000_000)
    assert series.counts == (2, 0, 1, 0)
    assert series.between(500_000_000, 3_000_000_000) == (0, 1)
    assert series.total == 3 and series.peak_per_s() == 2


def test_ewma_starts_at_the_first() -> None:
    """The moving average begins with the first value instead of zero."""
    assert ewma([10, 0], 0.5) == [10, 5]


def test_wilson_owns_up_to_few_samples() -> None:
    """Twenty good ones of twenty do not prove 99.9 %."""
    assert wilson(20, 20).low < 0.9 and wilson(20, 20).high == pytest.approx(1.0)
    assert wilson(0, 0).low == 0.0 and wilson(0, 0).high == 1.0


@given(st.lists(st.integers(-(10**9), 2 * 3600 * 10**9), max_size=50))
def test_arrays_are_counted_as_lists_are(durations_ns: list[int]) -> None:
    """Millions at once, or one by one: the same counters, percentiles and sums."""
    array = np.array(durations_ns, dtype=np.int64)
    one, all_at_once = Histogram.of(durations_ns), Histogram.of_array(array)
    assert all_at_once.counts == one.counts
    assert (all_at_once.count, all_at_once.sum_ns, all_at_once.clamped) == (one.count, one.sum_ns, one.clamped)
    assert Durations.of_arrays(array, array) == Durations.of(durations_ns, durations_ns)
    counts = Counter(at_ns // 10**9 for at_ns in durations_ns)
    assert Series.of_counts(counts, until_ns=10**10) == Series.of(durations_ns, until_ns=10**10)
