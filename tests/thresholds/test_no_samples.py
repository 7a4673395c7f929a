"""No samples is never a pass, in whatever form a measure says so."""

from __future__ import annotations

import math

import pytest

from surgectl.thresholds.grammar import parse
from surgectl.thresholds.measure import Between, Number, Tally
from surgectl.thresholds.weighing import weigh


@pytest.mark.parametrize(
    "found",
    [
        Between(low=0.0, high=0.0, samples=0),
        Number(value=0.0, samples=0),
        Tally(good=0, total=0),
        None,
    ],
)
def test_nothing_was_seen(found: Between | Number | Tally | None) -> None:
    """A number that nobody counted keeps no demand, though it would lie within it."""
    judged = weigh(parse("error_rate(page) < 50%"), found)
    assert judged.verdict == "unknown"
    judged = weigh(parse("rate(sent) < 5/s"), found)
    assert judged.verdict == "unknown"


@pytest.mark.parametrize(("high", "verdict"), [(0.4, "pass"), (0.6, "unknown"), (math.nan, "unknown")])
def test_bounds_are_judged_where_all_between_them_agrees(high: float, verdict: str) -> None:
    """What is only known to lie between two values passes where both do."""
    assert weigh(parse("error_rate(page) < 50%"), Between(low=0.1, high=high, samples=9)).verdict == verdict
