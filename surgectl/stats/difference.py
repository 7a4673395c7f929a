"""Is the second really worse than the first, or is that chance?

A difference is given its 95 % interval by the spread of its bootstrap replicates and Student's t: few independent
pieces of time make a wide interval. "Same" has to be shown as much as "worse" has: it is what lies wholly inside a band
of indifference (equivalence after Schuirmann, J. Pharmacokinet. Biopharm. 1987), never what merely was not shown to
differ. Where many rows are looked at together, some would look guilty by chance: Holm (Scand. J. Stat. 1979) keeps the
chance of a single false accusation among all of them below 5 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from surgectl.stats.bootstrap import Floats

ALPHA = 0.05
LEAST_PIECES = 5.0
"""Independent pieces of time, beyond one for each stretch, below which a spread is only a guess."""


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """A difference with its 95 % interval; `p` is the chance of one so far beyond the band where there is none."""

    value: float
    low: float
    high: float
    p: float


def spread(
    value: float,
    replicates: Floats,
    *,
    band: float,
    pieces: float,
    strata: int,
    unseen: float = 1.0,
    least: float = 0.0,
) -> Spread:
    """The interval of a difference on a scale on which 0 is none and `band` (>= 0) is still nobody's business.

    `pieces`: the independent stretches of time that the replicates' seconds are worth; each stratum costs one degree of
    freedom. `unseen`: by what factor the replicates' variance is known to be too small. `least`: a standard error below
    which it cannot be (what counting so few events leaves open). Where nothing can be said the interval is everything
    and p is 1.
    """
    from scipy.special import stdtr, stdtrit

    freedom = pieces - strata
    known = replicates[np.isfinite(replicates)]
    # A percentile that falls into nothing in every fortieth draw is not known well enough to speak of.
    if freedom < LEAST_PIECES or len(known) < 0.975 * len(replicates) or not math.isfinite(value):
        return Spread(value=value, low=-math.inf, high=math.inf, p=1.0)
    # Drawing from so few pieces shows less than the whole spread: the factor of a sample's variance mends it.
    error = max(float(known.std()) * math.sqrt(unseen * pieces / freedom), least)
    if error <= 1e-12 * (1 + abs(value)):  # the same in every draw
        return Spread(value=value, low=value, high=value, p=0.0 if abs(value) > band else 1.0)
    reach = float(stdtrit(freedom, 1 - ALPHA / 2)) * error
    p = 2 * float(stdtr(freedom, -(abs(value) - band) / error)) if abs(value) > band else 1.0
    return Spread(value=value, low=value - reach, high=value + reach, p=min(1.0, p))


def holm(chances: Sequence[float], alpha: float = ALPHA) -> list[bool]:
    """Which of them stand when all are looked at together (Holm's step-down): in the order given."""
    stands = [False] * len(chances)
    for turn, place in enumerate(sorted(range(len(chances)), key=lambda n: chances[n])):
        if chances[place] > alpha / (len(chances) - turn):
            break
        stands[place] = True
    return stands
