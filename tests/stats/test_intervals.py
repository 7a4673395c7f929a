"""How sure one can be with so many samples."""

from __future__ import annotations

import math
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgectl.stats.intervals import (
    TwoShares,
    percentile_bounds,
    ratio_of_shares,
    samples_without_fault,
    share_bounds,
)
from surgectl.stats.percentile import Durations
from surgectl.stats.survival import percentiles


def at_least(good: int, total: int, share: float) -> float:
    """How probable so many or more are among `total`."""
    return sum(math.comb(total, n) * share**n * (1 - share) ** (total - n) for n in range(good, total + 1))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 120).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_share_bounds_are_exact(counted: tuple[int, int]) -> None:
    """They lie around the share; were it one of them, what was seen (or stranger) would happen once in twenty."""
    good, total = counted
    found = share_bounds(good, total)
    if not total:
        assert (found.low, found.high) == (0.0, 1.0)
        return
    assert found.low <= good / total <= found.high
    assert at_least(good, total, found.low) == pytest.approx(0.05 if good else 1, abs=1e-7)
    assert at_least(good + 1, total, found.high) == pytest.approx(0.95 if good < total else 0, abs=1e-7)


@pytest.mark.parametrize("share, needed", [(0.999, 2995), (0.99, 299), (0.5, 5)])
def test_rule_of_three(share: float, needed: int) -> None:
    """So many samples without a failure show the share, one fewer do not."""
    assert samples_without_fault(share) == needed
    assert share_bounds(needed, needed).low >= share > share_bounds(needed - 1, needed - 1).low


@pytest.mark.parametrize("percentile, count", [(99, 100), (99, 298), (99, 400), (50, 40), (95, 60)])
def test_percentile_bounds_hold(percentile: float, count: int) -> None:
    """Each bound is wrong in at most one sample of twenty."""
    chance = np.random.default_rng(count)
    true = percentile / 100
    bounds = [percentile_bounds(np.sort(chance.random(count)).tolist(), percentile) for _ in range(500)]
    assert sum(bound.low > true for bound in bounds) / 500 <= 0.08
    assert sum(bound.high < true for bound in bounds) / 500 <= 0.08
    assert math.isinf(bounds[0].high) == (percentile == 99 and count < 299)


@pytest.mark.parametrize("percentile", [50, 90, 99])
@pytest.mark.parametrize("count", [1, 4, 5, 28, 29, 298, 299, 1000])
def test_percentile_bounds_are_order_statistics(percentile: float, count: int) -> None:
    """The nearest samples that are still right 19 times in 20, and nothing where there is none."""
    share = percentile / 100
    each = [math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(count + 1)]
    so_many = list(accumulate(reversed(each)))[::-1]
    sure_low = [k for k in range(1, count + 1) if so_many[k] >= 0.95]
    sure_high = [k for k in range(1, count + 1) if so_many[k] <= 0.05]
    found = percentile_bounds(range(1, count + 1), percentile)
    assert (found.low, found.high) == (max(sure_low, default=-math.inf), min(sure_high, default=math.inf))


def test_percentile_bounds_of_nothing() -> None:
    """Without samples anything may be."""
    assert percentile_bounds([], 99) == percentile_bounds([], 50)
    assert math.isinf(percentile_bounds([], 99).low)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 60), st.integers(0, 60))
def test_one_group_is_the_interval_of_katz(won: int, won_like: int, lost: int, lost_like: int) -> None:
    """Over one group of likes the common ratio and its interval are scipy's relative risk."""
    from scipy.stats.contingency import relative_risk

    group = TwoShares(with_it=won, of=won + lost, without_it=won_like, of_likes=won_like + lost_like)
    found = ratio_of_shares([group])
    risk = relative_risk(won, won + lost, won_like, won_like + lost_like)
    exact = risk.confidence_interval(0.95)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((risk.relative_risk, exact.low, exact.high))


def test_likes_are_compared_with_likes() -> None:
    """Where within each group nothing makes a difference, all together do not either, however the groups differ."""
    rich = TwoShares(with_it=81, of=90, without_it=27, of_likes=30)
    poor = TwoShares(with_it=6, of=30, without_it=18, of_likes=90)
    found = ratio_of_shares([rich, poor])
    assert found is not None
    assert found.value == pytest.approx(1.0)


@pytest.mark.parametrize(
    "groups",
    [
        [],
        [TwoShares(with_it=3, of=5, without_it=0, of_likes=5)],
        [TwoShares(with_it=3, of=5, without_it=0, of_likes=0)],
    ],
)
def test_no_ratio_without_a_like(groups: list[TwoShares]) -> None:
    """Nobody to compare with, or nobody of them to whom it happened: no ratio."""
    assert ratio_of_shares(groups) is None


@settings(deadline=None)  # the first one pays for the import
@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.integers(1, 99))
def test_survival_without_censoring_is_the_percentile(ended: list[int], percentile: int) -> None:
    """Where everybody came to an end the curve's percentile is the nearest rank."""
    waited = Durations.of(ended)
    assert percentiles(waited, [percentile]) == [waited.percentile(percentile).high]


@settings(deadline=None)  # the first one pays for the import
@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=20), st.lists(st.integers(1, 30), max_size=20), st.integers(1, 99)
)
def test_survival_lies_within_what_is_possible(ended: list[int], still: list[int], percentile: int) -> None:
    """Never below what it must be at least, and unknown where too many still waited."""
    waited = Durations.of(ended, still)
    (found,) = percentiles(waited, [percentile])
    bounds = waited.percentile(percentile)
    assert found is None or bounds.low <= found or found in ended
    if not still:
        assert found is not None
    if len(ended) < len(still) and min(still) > max(ended) and percentile > 50:
        assert found is None


def test_survival_of_the_textbook() -> None:
    """Of six, three seen to the end at 1, 3 and 4 and others for 2, 2 and 5: half are through at 4."""
    waited = Durations.of([1, 3, 4], [2, 2, 5])
    assert percentiles(waited, [15, 50, 60, 90]) == [1.0, 4.0, 4.0, None]
