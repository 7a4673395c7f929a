"""Does it shrink or grow: a slope that a few strange points cannot bend, and how sure one can be of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

_TWO_SIDED_95 = 1.959963984540054
"""The 97.5 % point of the normal distribution."""
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
    """The slope by Theil (1950) with the interval of Sen (JASA 1968, eq. 2.6); None for fewer than three points.

    As scipy.stats.theilslopes has it, to which the tests compare it: that import takes as long as a small audit.
    """
    if len(x) < 3 or len(set(x)) < 2:
        return None
    step = -(-len(x) // _MOST)
    across, up = np.asarray(x[::step], float), np.asarray(y[::step], float)
    run, rise = across[:, None] - across, up[:, None] - up
    slopes = np.sort(rise[run > 0] / run[run > 0])
    spread = (_pairs(np.array([len(up)])) - _pairs(_repeats(across)) - _pairs(_repeats(up))) / 18
    if spread < 0:
        return Slope(value=float(np.median(slopes)), low=math.nan, high=math.nan)
    wide = _TWO_SIDED_95 * math.sqrt(spread)
    low = max(round((len(slopes) - wide) / 2) - 1, 0)
    high = min(round((len(slopes) + wide) / 2), len(slopes) - 1)
    return Slope(value=float(np.median(slopes)), low=float(slopes[low]), high=float(slopes[high]))


def _repeats(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.unique(values, return_counts=True)[1]


def _pairs(sizes: NDArray[np.int64]) -> int:
    """What points that stand at one place take from the variance of Kendall's count."""
    return int((sizes * (sizes - 1) * (2 * sizes + 5)).sum())
