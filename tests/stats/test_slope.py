"""Does it shrink or grow: the slope of Theil and Sen."""

from __future__ import annotations

import math
from itertools import combinations
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgectl.stats.slope import theil_sen

POINTS = st.lists(st.tuples(st.integers(0, 12), st.integers(-20, 20)), min_size=3, max_size=30)


@settings(deadline=None)  # the first one pays for the import
@given(POINTS.filter(lambda points: len({x for x, _ in points}) > 1))
def test_it_is_the_median_of_all_pairs(points: list[tuple[int, int]]) -> None:
    """With as many points at one place as may be; the interval, where there is one, lies around it."""
    x, y = [float(x) for x, _ in points], [float(y) for _, y in points]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(points, 2) if a[0] != b[0]]
    found = theil_sen(x, y)
    assert found is not None and found.value == pytest.approx(median(slopes))
    assert math.isnan(found.low) or found.low <= found.value <= found.high


def test_its_interval_is_that_of_sen() -> None:
    """Of ten points without ties the 12th and the 34th of 45 slopes: (45 - 21.9) / 2, and (45 + 21.9) / 2 + 1."""
    x, y = range(10), [3, 1, 8, 4, 13, 9, 7, 20, 15, 18]
    slopes = sorted((y[b] - y[a]) / (b - a) for a, b in combinations(x, 2))
    found = theil_sen(x, y)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((slopes[11], slopes[33]))


def test_a_long_series_is_looked_at_here_and_there() -> None:
    """Every pair of many thousand points is too many: a steady slope is the same by some of them."""
    found = theil_sen(range(50_000), [-3 * x for x in range(50_000)])
    assert found is not None and (found.low, found.value, found.high) == (-3, -3, -3)
    assert theil_sen([0] * 799 + [1], range(800)) is None, "of those looked at, all stand at one x"


def test_it_falls_only_for_certain() -> None:
    """A steady fall is one; a flat line, three strange points and too few points are none."""
    steady = theil_sen(range(10), [20 - 2 * x for x in range(10)])
    assert steady is not None and steady.falls and steady.value == -2
    strange = theil_sen(range(10), [5, 5, 5, 900, 5, 5, 5, 5, -900, 5])
    assert strange is not None and not strange.falls and strange.value == 0
    assert theil_sen([1, 2], [1, 2]) is None and theil_sen([3, 3, 3], [1, 2, 3]) is None


def test_nothing_is_sure_where_all_stand_at_one_place() -> None:
    """Sen's variance has nothing to go by: the interval is nothing, so nothing falls."""
    flat = theil_sen([0, 0, 1], [5, 5, 5])
    assert flat is not None and math.isnan(flat.high) and not flat.falls
