"""How long did it take, when some were never seen to come to an end: the curve of Kaplan and Meier.

Who was still waiting when we last looked counts for as long as we saw them wait: leaving them out would flatter the
shop exactly when it is worst (Kaplan and Meier, JASA 1958; scipy.stats.ecdf). Where everybody was seen to the end it is
the plain distribution of what was seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surgectl.stats.percentile import Durations, percentile_of


def percentiles(durations: Durations, wanted: Sequence[float]) -> list[float | None]:
    """Each wanted percentile (0 < p < 100) of the curve in ns; None where too many were still waiting to say.

    One that was last seen at the very instant at which others ended was still there for it.
    """
    if not durations.ended_ns:
        return [None for _ in wanted]
    if not durations.open_ns:
        return [percentile_of(durations.ended_ns, p) for p in wanted]
    from scipy.stats import CensoredData, ecdf

    done = ecdf(CensoredData(uncensored=durations.ended_ns, right=durations.open_ns)).cdf
    # A hair's breadth for the rounding of the product: 0.95 must not become 0.9499999.
    reached = np.searchsorted(done.probabilities, [p / 100 - 1e-12 for p in wanted], side="left")
    return [float(done.quantiles[at]) if at < len(done.quantiles) else None for at in reached]
