"""How sure can one be of a share, a percentile or a ratio, with so many samples and no more.

Exact where the field has an exact answer, as scipy.stats has it (Clopper and Pearson 1934; order statistics for a
percentile, Conover 1999, 3.2); the log-ratio interval of Katz et al. 1978 for two shares, over several groups after
Mantel and Haenszel with the variance of Greenland and Robins 1985, which it does not have.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec

from surgectl.stats.percentile import Bounds

SURE = 0.95
"""Of one side: the share of honest samples that a bound at its own limit does not accuse."""


def share_bounds(good: int, total: int, sure: float = SURE) -> Bounds:
    """Lower and upper bound of a share, each right with probability `sure` (exact); the whole unit without samples."""
    if total <= 0:
        return Bounds(0.0, 1.0)
    from scipy.stats import binomtest

    both = binomtest(good, total).proportion_ci(2 * sure - 1, method="exact")
    return Bounds(float(both.low), float(both.high))


def samples_without_fault(share: float, sure: float = SURE) -> int:
    """How many samples without one failure show that a share below 1 is kept: about 3 / (1 - share), rule of three."""
    return math.ceil(math.log(1 - sure) / math.log(share)) if 0 < share < 1 else 0


def percentile_bounds(ordered: Sequence[float], percentile: float, sure: float = SURE) -> Bounds:
    """Lower and upper bound of a percentile of ascending samples; infinite where there are too few to say."""
    if not ordered:
        return Bounds(-math.inf, math.inf)
    from scipy.stats import quantile_test

    found = quantile_test(ordered, p=percentile / 100).confidence_interval(2 * sure - 1)
    low, high = float(found.low), float(found.high)
    return Bounds(-math.inf if math.isnan(low) else low, math.inf if math.isnan(high) else high)


class TwoShares(msgspec.Struct, frozen=True, kw_only=True):
    """How often something happened in one group and in its like."""

    with_it: int
    of: int
    without_it: int
    of_likes: int


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """How many times as often, with its 95 % interval."""

    value: float
    low: float
    high: float


def ratio_of_shares(groups: Iterable[TwoShares], z: float = 1.959963984540054) -> Ratio | None:
    """The common ratio of with_it/of to without_it/of_likes over like groups; None where it cannot be told."""
    above = below = information = 0.0
    for group in groups:
        everybody = group.of + group.of_likes
        if not group.of or not group.of_likes:
            continue
        above += group.with_it * group.of_likes / everybody
        below += group.without_it * group.of / everybody
        happened = group.with_it + group.without_it
        each = happened * group.of * group.of_likes - group.with_it * group.without_it * everybody
        information += each / everybody**2
    if not above or not below:
        return None
    value, spread = above / below, z * math.sqrt(max(0.0, information / (above * below)))
    return Ratio(value=value, low=value * math.exp(-spread), high=value * math.exp(spread))
