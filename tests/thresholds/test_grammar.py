"""What a threshold may say, and where the caret stands when it cannot be meant."""

from __future__ import annotations

import pytest

from surgectl.errors import UsageError
from surgectl.thresholds.grammar import Scope, ThresholdError, parse

READS = [
    ("p99(confirm) < 3s", "latency", 99.0, "confirm", "<", 3e9),
    ("p99.9(confirm)<=1.5s", "latency", 99.9, "confirm", "<=", 1.5e9),
    ("median(hold) < 250ms", "latency", 50.0, "hold", "<", 250e6),
    ("max(pay) < 1m30s", "latency", None, "pay", "<", 90e9),
    ("availability(about) >= 99.9%", "availability", None, "about", ">=", 999 / 1000),
    ("error_rate(pay) <= 0.1%", "error_rate", None, "pay", "<=", 1 / 1000),
    ("amplification(payments) <= 2", "amplification", None, "payments", "<=", 2.0),
    ("rate(confirmed) >= 300/m", "rate", None, "confirmed", ">=", 5.0),
    ("count(shed) > 0", "count", None, "shed", ">", 0.0),
    ("recovery(payments) < 30s", "recovery", None, "payments", "<", 30e9),
]


@pytest.mark.parametrize("text, kind, percentile, metric, comparison, bound", READS)
def test_reads(text: str, kind: str, percentile: float | None, metric: str, comparison: str, bound: float) -> None:
    """Each kind of demand is read with its own unit, exactly."""
    threshold = parse(text)
    assert (threshold.kind, threshold.percentile, threshold.metric) == (kind, percentile, metric)
    assert (threshold.comparison, threshold.bound, threshold.scope) == (comparison, bound, None)


@pytest.mark.parametrize("when", ["before", "during", "after", "in"])
def test_scope(when: str) -> None:
    """A threshold may look at a fault's window, at what came before or after it, or at a phase."""
    assert parse(f"p95(pay) < 2s {when} on-sale").scope == Scope(when=when, name="on-sale")  # type: ignore[arg-type]


REFUSED = [
    ("", 0, "expected a function"),
    ("p99", 3, "expected ("),
    ("p99(", 4, "what to measure"),
    ("p99(confirm < 3s", 12, "expected )"),
    ("p99(confirm) = 3s", 13, "a comparison"),
    ("p99(confirm) < 3", 15, "has no unit"),
    ("p99(confirm) < 99%", 15, "is not a duration"),
    ("p99(confirm) < -3s", 15, "never negative"),
    ("p100(confirm) < 3s", 0, "not a percentile"),
    ("p0(confirm) < 3s", 0, "not a percentile"),
    ("p99(confirm) < nan", 15, "expected a bound"),
    ("availabilty(about) >= 99%", 0, 'did you mean "availability"?'),
    ("availability(about) >= 0.999", 23, "not a share"),
    ("availability(about) >= 101%", 23, "more than the whole"),
    ("amplification(payments) <= 2s", 27, "not a plain number"),
    ("rate(confirmed) >= 20", 19, "not a rate"),
    ("p99(confirm) < 3s sometimes", 18, "is not a scope"),
    ("p99(confirm) < 3s durin x", 18, 'did you mean "during"?'),
    ("p99(confirm) < 3s during", 24, "a name after during"),
    ("p99(confirm) < 3s in doors now", 27, "nothing may follow"),
]


@pytest.mark.parametrize("text, at, says", REFUSED)
def test_points_at_the_character(text: str, at: int, says: str) -> None:
    """What cannot be meant is refused as bad usage, with the offset of the character and one plain line."""
    with pytest.raises(ThresholdError) as caught:
        parse(text)
    error = caught.value
    assert isinstance(error, UsageError) and error.exit_code == 2
    assert says in str(error) and "\n" not in str(error)
    assert error.at == at
    assert error.caret() == f"{text}\n{' ' * at}^"
