"""What a threshold may say, and where the caret stands when it cannot be meant."""

from __future__ import annotations

import pytest

from surgectl.errors import UsageError
from surgectl.thresholds.grammar import ThresholdError, parse
from surgectl.thresholds.threshold import Scope

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
    ("p99(confirm) < 3s in doors now", 27, "is not a scope"),
    ("p99(confirm) < 3s of", 20, "a retry profile"),
    ("p99(confirm) < 3s of masher of patient", 28, "a second of"),
    ("p99(confirm) < 3s in doors during payments", 27, "a second scope"),
    ("p99(confirm) < 3s for 10s within 30s", 26, "a second window"),
    ("p99(confirm) < 3s for", 21, "a duration after for"),
    ("p99(confirm) < 3s for 10", 22, "has no unit"),
    ("p99(confirm) < 3s for 1500ms", 22, "not a window"),
    ("p99(confirm) < 3s for 0s", 22, "not a window"),
    ("p99(confirm) < 3s witin 30s", 18, 'did you mean "within"?'),
    ("p99(confirm) < 3s abort for 10s", 24, "nothing may follow abort"),
    ("p99(confirm) < 3s abor", 18, 'did you mean "abort"?'),
    ("recovery(payments) < 30s during payments", 25, "looks at the time after a fault"),
    ("recovery(payments) < 30s abort", 25, "only known at the end"),
    ("availability(about) >= 99% of masher", 27, "probes"),
    ("count(dropped) <= 0 of masher", 20, "never became anybody"),
    ("amplification(payments) <= 2 of masher", 29, "amplification(pay)"),
    ("amplification(fans) <= 2 abort", 25, "only known at the end"),
    ("count(confirmed) >= 10 abort", 23, "so many may still come"),
    ("rate(confirmed) >= 20/s abort", 24, "for 10s abort"),
    ("rate(sent) >= 20/s for 10s abort", 27, "once it is answered"),
    ("goodput(confirmd) >= 20/s", 8, 'did you mean "confirmed"?'),
    ("goodput(confirmed) >= 20", 22, "not a rate"),
]

WHOLE = [
    ("p95(confirm) < 20s of patient during payments", "patient", "during payments", "", False),
    ("p95(confirm) < 20s during payments of patient", "patient", "during payments", "", False),
    ("rate(confirmed) >= 20/s in on-sale for 10s abort", "", "in on-sale", "for 10s", True),
    ("error_rate(pay) <= 5% within 1m abort", "", "", "within 60s", True),
    ("p95(for) < 3s of within in abort for 2s abort", "within", "in abort", "for 2s", True),
]


@pytest.mark.parametrize("text, of, scope, span, abort", WHOLE)
def test_what_follows_the_bound(text: str, of: str, scope: str, span: str, abort: bool) -> None:
    """Whose, when, for how long and whether it stops the run, in any order but abort last; names may be any word."""
    found = parse(text)
    assert (found.of, str(found.scope or ""), str(found.span or ""), found.abort) == (of, scope, span, abort)


def test_goodput_is_a_rate_or_a_share() -> None:
    """The bound says whether a rate or a share is meant."""
    assert (parse("goodput(confirmed) >= 20/s").kind, parse("goodput(confirmed) >= 20/s").bound) == ("goodput", 20.0)
    share = parse("goodput(resolved) >= 80%")
    assert (share.kind, share.unit, share.bound) == ("goodput_share", "share", 0.8)


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
