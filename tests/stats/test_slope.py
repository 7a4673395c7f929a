"""Does it shrink or grow: the slope of Theil and Sen."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import theilslopes

from surgectl.stats.slope import theil_sen

POINTS = st.lists(st.tuples(st.integers(0, 12), st.integers(-20, 20)), min_size=3, max_size=30)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # theirs, where all stand at one place
@given(POINTS.filter(lambda points: len({x for x, _ in points}) > 1))
def test_it_is_what_scipy_says(points: list[tuple[int, int]]) -> None:
    """Value and interval, with as many points at one place as may be."""
    x, y = [float(x) for x, _ in points], [float(y) for _, y in points]
    found, known = theil_sen(x, y), theilslopes(y, x, alpha=0.95)
    assert found is not None
    theirs = (known.slope, known.low_slope, known.high_slope)
    assert (found.value, found.low, found.high) == pytest.approx(theirs, nan_ok=True)


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
