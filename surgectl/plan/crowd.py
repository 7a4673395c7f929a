"""Who comes: each fan's character and how many tickets they want, drawn from the seed and the fan's number alone."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

import msgspec
import numpy as np

from surgectl import chance
from surgectl.plan.mixing import Whole, drawn, top

_ONE = 1 << 53


class Crowd(msgspec.Struct, frozen=True, kw_only=True):
    """Shares as cuts of [0, 2⁵³): a draw is one hash and one search."""

    profiles: tuple[str, ...]
    profile_cuts: tuple[int, ...]
    profile_stream: int
    wants: tuple[int, ...]
    want_cuts: tuple[int, ...]
    want_stream: int

    def profile(self, fan: int) -> str:
        """The retry profile of a fan: where chance.unit(seed, "profile", fan) falls among the shares."""
        return self.profiles[bisect_right(self.profile_cuts, chance.mix(self.profile_stream ^ fan) >> 11)]

    def qty(self, fan: int) -> int:
        """How many tickets a fan wants: chance.unit(seed, "qty", fan) among the shares of `sale.wants`."""
        return self.wants[bisect_right(self.want_cuts, chance.mix(self.want_stream ^ fan) >> 11)]

    def draw(self, fans: Whole) -> tuple[Whole, Whole, Whole]:
        """For many fans at once: the indices of their profiles and of their wants, and each one's own random number."""
        draws = drawn(self.profile_stream, fans)
        return _among(self.profile_cuts, draws), _among(self.want_cuts, drawn(self.want_stream, fans)), draws


def crowd(fans: Mapping[str, float], wants: Mapping[int, float], seed: int) -> Crowd:
    """The crowd of a profile's shares, in the profile's order."""
    return Crowd(
        profiles=tuple(fans),
        profile_cuts=_cuts(list(fans.values())),
        profile_stream=chance.bits(seed, "profile"),
        wants=tuple(wants),
        want_cuts=_cuts(list(wants.values())),
        want_stream=chance.bits(seed, "qty"),
    )


def _cuts(shares: list[float]) -> tuple[int, ...]:
    """Where one share ends and the next begins; the last one takes what rounding left."""
    cuts, total = [], 0.0
    for share in shares[:-1]:
        total += share
        cuts.append(round(total * _ONE))
    return tuple(cuts)


def _among(cuts: tuple[int, ...], draws: Whole) -> Whole:
    """Which share each draw falls into."""
    found = np.searchsorted(np.array(cuts, dtype=np.uint64), top(draws), side="right")
    return found.astype(np.uint64)
