"""Does it shrink or grow: a slope that a few strange points cannot bend, and how sure one can be of it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

_MOST = 400
"""Theil–Sen looks at every pair of points: of a longer series, so many are taken at even distances."""


class Slope(msgspec.Struct, frozen=True, kw_only=True):
    """The median slope of all pairs of points, with its 95 % interval; in y per x."""

    value: float
    low: float
    high: float

    @property
    def falls(self) -> bool:
        """It goes down for certain."""
        return self.high < 0


def theil_sen(x: Sequence[float], y: Sequence[float]) -> Slope | None:
    """The slope by Theil (1950) and Sen (1968), by scipy.stats.theilslopes; None for fewer than three points."""
    if len(x) < 3 or len(set(x)) < 2:
        return None
    from scipy import stats

    step = -(-len(x) // _MOST)
    found = stats.theilslopes(y[::step], x[::step], alpha=0.95)
    return Slope(value=float(found.slope), low=float(found.low_slope), high=float(found.high_slope))
