"""How sure can one be of a share, a percentile or a ratio, with so many samples and no more.

Exact where the field has an exact answer (Clopper and Pearson 1934; order statistics for a percentile, Conover 1999,
3.2), the log-ratio interval of Katz et al. 1978 for two shares, over several groups after Mantel and Haenszel with the
variance of Greenland and Robins 1985. Of SciPy only its special functions, in whose terms these distributions are
written: all of scipy.stats takes a second to load, which every audit would pay.
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
    from scipy.special import betaincinv

    if total <= 0:
        return Bounds(0.0, 1.0)
    low = float(betaincinv(good, total - good + 1, 1 - sure)) if good else 0.0
    high = float(betaincinv(good + 1, total - good, sure)) if good < total else 1.0
    return Bounds(low, high)


def samples_without_fault(share: float, sure: float = SURE) -> int:
    """How many samples without one failure show that a share below 1 is kept: about 3 / (1 - share), rule of three."""
    return math.ceil(math.log(1 - sure) / math.log(share)) if 0 < share < 1 else 0


def percentile_bounds(ordered: Sequence[float], percentile: float, sure: float = SURE) -> Bounds:
    """Lower and upper bound of a percentile of ascending samples; infinite where there are too few to say."""
    from scipy.special import bdtr, bdtrik

    count, share = len(ordered), percentile / 100
    if not count:
        return Bounds(-math.inf, math.inf)
    # P(the k-th smallest exceeds the percentile) = P(fewer than k of n lie below it).
    least = min(count, math.ceil(bdtrik(1 - sure, count, share)))
    while least > 0 and bdtr(least - 1, count, share) > 1 - sure:
        least -= 1
    most = min(count, math.ceil(bdtrik(sure, count, share))) + 1
    low = ordered[least - 1] if least >= 1 else -math.inf
    high = ordered[most - 1] if most <= count else math.inf
    return Bounds(low, high)


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
