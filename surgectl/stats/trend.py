"""Did it help to come early to a draw: the order of coming against the order of being let in, with those who gave up.

In a fair draw the two have nothing to do with each other. Who leaves before the end is not left out: early fans lose
patience first, so the early ones who remain are the lucky ones, and a fair draw would look bent. The score test of
Cox's proportional hazards (Cox 1972; for one covariate the log-rank trend test, with the hypergeometric variance for
ties) counts them for as long as they stood in line, and allows that the patient leave by their own clock.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """Positive `z`: who came earlier was let in earlier. `p` is two-sided; 1 where nothing can be told."""

    count: int
    z: float
    p: float
    tau: float
    """Kendall's tau-b over those who were let in: descriptive."""


def trend(came: NDArray[np.int64], until: NDArray[np.int64], let_in: NDArray[np.bool_]) -> Trend:
    """`came` and `until` in ns: when each joined, and was let in or (where not `let_in`) last stood in line."""
    from scipy.stats import kendalltau, norm, rankdata

    events = int(let_in.sum())
    nothing = Trend(count=events, z=0.0, p=1.0, tau=math.nan)
    if events < 2:
        return nothing
    score = rankdata(came) / len(came)
    latest_first = np.argsort(-until, kind="stable")
    score, when, happened = score[latest_first], until[latest_first], let_in[latest_first]
    at_risk = np.arange(1, len(when) + 1)
    total, squares = np.cumsum(score), np.cumsum(score * score)
    # Everybody with the same instant is in the same risk set: its sums stand at the last of them.
    last = np.flatnonzero(np.append(when[1:] != when[:-1], True))
    first = np.append(0, last[:-1] + 1)
    died = np.add.reduceat(happened.astype(np.int64), first)
    sum_died = np.add.reduceat(np.where(happened, score, 0.0), first)
    n, mean = at_risk[last], total[last] / at_risk[last]
    variance = np.maximum(squares[last] / n - mean * mean, 0.0)
    ties = np.where(n > 1, (n - died) / np.maximum(n - 1, 1), 0.0)
    information = float((died * variance * ties).sum())
    if information <= 0:
        return nothing
    # Early = small score; let in more often than the risk set's mean says = a negative sum.
    z = -float((sum_died - died * mean).sum()) / math.sqrt(information)
    tau = float(kendalltau(came[let_in], until[let_in]).statistic)
    return Trend(count=events, z=z, p=float(2 * norm.sf(abs(z))), tau=tau)
