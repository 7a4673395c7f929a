"""How sure one can be of a count, and of how many there are of something for each of something else.

A few retries among a dozen payments are no proof of a habit: a limit is passed for certain only where the lower end of
an interval passes it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from surgectl.stats.percentile import Bounds


def poisson_interval(count: int) -> Bounds:
    """The exact 95 % interval of a Poisson mean of which `count` was seen (Garwood 1936)."""
    from scipy.special import gammaincinv

    return Bounds(float(gammaincinv(count, 0.025)) if count else 0.0, float(gammaincinv(count + 1, 0.975)))


class PerThing(msgspec.Struct, frozen=True, kw_only=True):
    """How many requests each thing took on average; `low` is the least that the average is for certain (97.5 %)."""

    things: int
    total: int
    value: float
    low: float


def per_thing(things_by_requests: Mapping[int, int]) -> PerThing:
    """`{requests: number of things that took so many}`, each at least 1 → the average, and its lower end.

    The lower end is the smaller of two: Garwood's for the requests beyond the first of each thing (exact for few), and
    Student's for the average (a single thing that was asked for forty times is one accident, not forty).
    """
    things = sum(things_by_requests.values())
    total = sum(requests * count for requests, count in things_by_requests.items())
    if not things:
        return PerThing(things=0, total=0, value=math.nan, low=math.nan)
    value = total / things
    low = 1 + poisson_interval(total - things).low / things
    if things == 1:
        return PerThing(things=things, total=total, value=value, low=1.0)
    from scipy.special import stdtrit

    spread = sum(count * (requests - value) ** 2 for requests, count in things_by_requests.items()) / (things - 1)
    student = value - float(stdtrit(things - 1, 0.975)) * math.sqrt(spread / things)
    return PerThing(things=things, total=total, value=value, low=max(1.0, min(low, student)))
