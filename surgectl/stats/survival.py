"""How long did it take, when some were never seen to come to an end: the curve of Kaplan and Meier.

Who was still waiting when we last looked counts for as long as we saw them wait: leaving them out would flatter the
shop exactly when it is worst (Kaplan and Meier, JASA 1958). Where everybody was seen to the end it is the plain
distribution of what was seen. Every audit asks for it, so it is written out: to import scipy.stats, which tells the
same (scipy.stats.ecdf, in the tests), takes as long as the rest of a small audit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from surgectl.stats.percentile import Durations, percentile_of


def percentiles(durations: Durations, wanted: Sequence[float]) -> list[float | None]:
    """Each wanted percentile (0 < p < 100) of the curve in ns; None where too many were still waiting to say."""
    if not durations.ended_ns:
        return [None for _ in wanted]
    if not durations.open_ns:
        return [percentile_of(durations.ended_ns, p) for p in wanted]
    after_ns, done = _curve(np.asarray(durations.ended_ns, float), np.asarray(durations.open_ns, float))
    # A hair's breadth for the rounding of the product: 0.95 must not become 0.9499999.
    reached = np.searchsorted(done, [p / 100 - 1e-12 for p in wanted], side="left")
    return [float(after_ns[at]) if at < len(after_ns) else None for at in reached]


def _curve(ended: NDArray[np.float64], still: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each duration that there was → the share that had come to an end by then. One that was last seen at the very
    instant at which others ended was still there for it."""
    times, at = np.unique(np.concatenate((ended, still)), return_inverse=True)
    ends = np.bincount(at[: len(ended)], minlength=len(times))
    leaves = np.bincount(at, minlength=len(times))
    watched = np.cumsum(leaves[::-1])[::-1]
    return times, np.asarray(1 - np.cumprod((watched - ends) / watched), np.float64)
