"""Does it shrink or grow: a slope that a few strange points cannot bend, and how sure one can be of it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

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
    """The slope by Theil (1950) with the interval of Sen (JASA 1968, eq. 2.6), as scipy.stats.theilslopes has them.

    None for fewer than three points, or where all stand at one x. Where Sen's variance has nothing to go by the
    interval is not a number, so nothing falls.
    """
    step = max(1, -(-len(x) // _MOST))
    across, up = x[::step], y[::step]
    if len(across) < 3 or len(set(across)) < 2:
        return None
    from scipy.stats import theilslopes

    with np.errstate(invalid="ignore"):  # that variance: below zero where all stand at one place
        found = theilslopes(up, across, alpha=0.95)
    return Slope(value=float(found.slope), low=float(found.low_slope), high=float(found.high_slope))
