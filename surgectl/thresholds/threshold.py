"""One demand on a run, as it is held against the run: of what, how much, when, of whom, and for how long.

How it is written is grammar.py's; whether it was kept is evaluate.py's.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from surgectl.units import show_duration, show_rate

Kind = Literal[
    "latency",
    "availability",
    "error_rate",
    "amplification",
    "rate",
    "goodput",
    "goodput_share",
    "count",
    "recovery",
    "drain",
]
Statistic = Literal["percentile", "mean", "min", "max", "value"]
Comparison = Literal["<", "<=", ">", ">="]
Unit = Literal["ns", "share", "factor", "per_s", "count"]
When = Literal["before", "during", "after", "in"]
How = Literal["for", "within"]

EVENTS = (
    "arrived",
    "dropped",
    "sent",
    "info",
    "not-sent",
    "shed",
    "joined",
    "held",
    "paid",
    "confirmed",
    "resolved",
)
"""What can be counted in any shop; the ends that its target names come on top."""
FATES = ("confirmed", "declined", "sold-out", "limit")
"""Ends that tell a fan their fate: what goodput counts, by one of them or by `resolved` for all."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the run that a threshold looks at."""

    when: When
    name: str

    def __str__(self) -> str:
        return f"{self.when} {self.name}"


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """How long a demand must be broken before it has failed."""

    how: How
    lasting_ns: int

    def __str__(self) -> str:
        return f"{self.how} {show_duration(self.lasting_ns)}"


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """One demand, parsed. `bound` is in `unit`: ns, share 0..1, factor, per second, or a count."""

    text: str
    kind: Kind
    statistic: Statistic
    metric: str
    comparison: Comparison
    bound: float
    unit: Unit
    percentile: float | None = None
    """0..100, where the statistic is a percentile."""
    scope: Scope | None = None
    of: str = ""
    """A retry profile: only its fans are looked at."""
    span: Span | None = None
    abort: bool = False
    """The run is stopped when the demand is broken while it runs."""
    at: dict[str, int] = {}
    """Where in the text the metric, the scope's name and the retry profile stand."""

    def holds(self, observed: float) -> bool:
        """Whether an observed number satisfies the demand; NaN never does."""
        if math.isnan(observed):
            return False
        if self.comparison == "<":
            return observed < self.bound
        if self.comparison == "<=":
            return observed <= self.bound
        if self.comparison == ">":
            return observed > self.bound
        return observed >= self.bound

    def show(self, value: float) -> str:
        """A number of this threshold's unit as a person writes it."""
        return show(value, self.unit)


def show(value: float, unit: Unit) -> str:
    """A number with its unit: `2.4s`, `99.95%`, `1.3`, `20/s`, `12`."""
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "unbounded"
    if unit == "ns":
        return show_duration(value)
    if unit == "share":
        return f"{value * 100:.5g}%"
    if unit == "per_s":
        return show_rate(value)
    if unit == "count":
        return f"{value:.0f}"
    return f"{value:.4g}"
