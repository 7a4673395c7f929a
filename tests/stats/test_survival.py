"""How long did it take: the curve of Kaplan and Meier."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import CensoredData, ecdf

from surgectl.stats.percentile import Durations
from surgectl.stats.survival import percentiles

WANTED = (1, 50, 90, 95, 99)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40))
def test_who_was_seen_to_the_end_is_counted_as_scipy_counts(ended: list[int]) -> None:
    """Without anybody who still waits the curve is the plain distribution."""
    done = ecdf(ended).cdf
    told = percentiles(Durations.of(ended), WANTED)
    for wanted, value in zip(WANTED, told, strict=True):
        reached = [q for q, p in zip(done.quantiles, done.probabilities, strict=True) if p >= wanted / 100 - 1e-12]
        assert value == pytest.approx(reached[0])


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=40),
    st.lists(st.integers(1, 30), min_size=1, max_size=40),
    st.integers(1, 10**9),
)
def test_those_who_still_wait_are_counted_as_scipy_counts(ended: list[int], still: list[int], unit: int) -> None:
    """The curve of Kaplan and Meier, to the last bit of its durations, whoever left at the instant of an end."""
    ended, still = [unit * one for one in ended], [unit * one for one in still]
    curve = ecdf(CensoredData(uncensored=ended, right=still)).cdf
    for wanted, value in zip(WANTED, percentiles(Durations.of(ended, still), WANTED), strict=True):
        reached = [q for q, p in zip(curve.quantiles, curve.probabilities, strict=True) if p >= wanted / 100 - 1e-12]
        assert value == (reached[0] if reached else None)


def test_who_still_waits_is_not_left_out() -> None:
    """Freireich's 21 patients, of whom twelve were last seen well (1963): the median stay is 23 weeks."""
    ended = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    still = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    assert percentiles(Durations.of(ended, still), [50, 95]) == [23.0, None]
    assert percentiles(Durations.of([], still), [50]) == [None]
