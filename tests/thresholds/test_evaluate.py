"""A threshold fails, passes, or owns up that nobody can say."""

from __future__ import annotations

import math

import pytest

from surgectl.stats.percentile import Durations
from surgectl.thresholds.evaluate import evaluate
from surgectl.thresholds.grammar import parse
from surgectl.thresholds.measure import Measure, Number, Tally, Unmeasured

S = 10**9
TABLE: list[tuple[str, dict[str, Measure], str, str]] = [
    # guilty
    ("p99(confirm) < 3s", {"latency(confirm)": Durations.of([S] * 98 + [4 * S] * 2)}, "fail", "4s"),
    ("p99(confirm) < 3s", {"latency(confirm)": Durations.of([S] * 90, [9 * S] * 10)}, "fail", "10 never resolved"),
    ("availability(about) >= 99.9%", {"availability(about)": Tally(good=998, total=1000)}, "fail", "99.8%"),
    ("amplification(payments) <= 2", {"amplification(payments)": Number(value=2.1, samples=9)}, "fail", "2.1"),
    ("rate(confirmed) >= 20/s", {"rate(confirmed)": Number(value=3, samples=9)}, "fail", "3/s"),
    (
        "recovery(payments) < 30s",
        {"recovery(payments)": Number(value=60e9, samples=9, at_least=True)},
        "fail",
        "or more",
    ),
    # innocent
    ("p99(confirm) < 3s", {"latency(confirm)": Durations.of([S] * 99 + [4 * S])}, "pass", "1s"),
    ("p99(confirm) < 3s", {"latency(confirm)": Durations.of([S] * 99, [9 * S])}, "pass", "1 never resolved"),
    ("availability(about) >= 99.9%", {"availability(about)": Tally(good=999, total=1000)}, "pass", "99.9%"),
    ("error_rate(pay) <= 0.1%", {"error_rate(pay)": Tally(good=1, total=1000)}, "pass", "0.1%"),
    ("amplification(payments) <= 2", {"amplification(payments)": Number(value=2, samples=9)}, "pass", "2"),
    ("count(shed) <= 0", {"count(shed)": Number(value=0, samples=7)}, "pass", "0"),
    ("max(pay) < 2s during 0", {"latency(pay) during 0": Durations.of([S])}, "pass", "1s"),
    # doubtful
    (
        "p99(confirm) < 3s",
        {"latency(confirm)": Durations.of([S] * 90, [2 * S] * 10)},
        "unknown",
        "never resolved decides",
    ),
    ("p99(confirm) < 3s", {"latency(confirm)": Durations()}, "unknown", "no samples"),
    ("p99(confirm) < 3s", {}, "unknown", "nothing is called 'confirm'"),
    ("max(pay) < 2s during 0", {"latency(pay)": Durations.of([S])}, "unknown", "nothing is called"),
    ("availability(about) >= 99.9%", {"availability(about)": Tally(good=0, total=0)}, "unknown", "no samples"),
    (
        "amplification(payments) <= 2",
        {"amplification(payments)": Number(value=math.nan, samples=9)},
        "unknown",
        "not a number",
    ),
    ("amplification(payments) <= 2", {"amplification(payments)": Number(value=0, samples=0)}, "unknown", "no samples"),
    (
        "amplification(payments) <= 2",
        {"amplification(payments)": Unmeasured(why="no request log")},
        "unknown",
        "request log",
    ),
    (
        "recovery(payments) < 90s",
        {"recovery(payments)": Number(value=60e9, samples=9, at_least=True)},
        "unknown",
        "or more",
    ),
]


@pytest.mark.parametrize("text, measures, verdict, says", TABLE)
def test_verdicts(text: str, measures: dict[str, Measure], verdict: str, says: str) -> None:
    """Each demand has its verdict, and says the number it rests on."""
    result = evaluate(parse(text), measures)
    assert (result.verdict, result.expression) == (verdict, text)
    assert says in result.text


def test_unbounded_is_no_number_in_json() -> None:
    """An unbounded percentile leaves no number behind that JSON could not carry."""
    result = evaluate(parse("p99(confirm) < 3s"), {"latency(confirm)": Durations.of([S], [9 * S])})
    assert (result.observed, result.verdict) == (None, "fail")
