"""What was measured for a threshold: durations, a share, a number, its bounds, or the reason why there is none."""

from __future__ import annotations

import msgspec

from surgectl.stats.percentile import Durations
from surgectl.stats.rough import Rough


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """So many good ones of so many."""

    good: int
    total: int


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """A number that was computed from `samples` things; `at_least` says that the true one may be greater still."""

    value: float
    samples: int
    at_least: bool = False


class Between(msgspec.Struct, frozen=True, kw_only=True):
    """A number of which only the bounds are known."""

    low: float
    high: float
    samples: int


class Unmeasured(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no number, and what to do about it."""

    why: str


Measure = Durations | Rough | Tally | Number | Between | Unmeasured
