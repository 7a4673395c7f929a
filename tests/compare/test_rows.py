"""Same, better, worse or can't tell: what the words are worth, tried on runs whose truth is known."""

from __future__ import annotations

from collections import Counter

import pytest

from surgectl.report.compare.measured import measured
from surgectl.report.compare.model import Row
from surgectl.report.compare.rows import judged, lateness_ms
from surgectl.report.compare.seconds import OPEN, Seconds
from tests.compare.draws import run_of


def rows(a: Seconds, b: Seconds, *, seed: int = 1, replicates: int = 150, untold: str = "") -> dict[str, Row]:
    n = max(a.length, b.length)
    strata = [0] * (n // 2) + [1] * (n - n // 2)
    found = judged(measured(a, b, load_s=n), strata=strata, seed=seed, replicates=replicates, untold=untold)
    return {row.id: row for row in found}


def test_two_draws_of_the_same_shop_are_seldom_told_apart() -> None:
    """Of 40 comparisons of a shop with itself (AR(1) noise, twelve rows each) at most 5 % find it better or worse,
    and the 95 % intervals of its median cover the truth."""
    alarms, outside, tries = 0, 0, 40
    for draw in range(tries):
        found = rows(run_of(2 * draw, seconds=60), run_of(2 * draw + 1, seconds=60), seed=draw, replicates=100)
        alarms += any(row.said in ("better", "worse") for row in found.values())
        median = found["confirm p50"]
        outside += median.low is not None and median.high is not None and not median.low <= 0 <= median.high
    assert alarms <= 0.05 * tries
    assert outside <= 0.15 * tries  # 5 % are expected, and 7 of 40 would be chance less than once in two hundred times


def test_a_slowdown_of_a_third_is_found() -> None:
    """Three minutes of a shop that became 30 % slower say so, in nearly every draw, and in the right direction."""
    said = Counter(
        rows(run_of(draw, seconds=180), run_of(500 + draw, seconds=180, slower=1.3), seed=draw)["confirm p50"].said
        for draw in range(6)
    )
    assert said["worse"] >= 5
    assert said["better"] == 0
    faster = rows(run_of(1, seconds=180, slower=1.3), run_of(501, seconds=180))["confirm p50"]
    assert faster.said == "better"


def test_a_shop_that_gets_less_done_is_worse() -> None:
    """Less is worse where more is wanted: goodput and the confirmed share."""
    found = rows(run_of(1, seconds=180, noise=0.1), run_of(2, seconds=180, noise=0.1, fewer=0.6))
    assert found["goodput"].said == "worse"
    assert found["goodput"].difference == pytest.approx(-0.4, abs=0.08)
    assert found["confirmed"].said == "worse"
    assert found["confirmed"].scale == "points"


def test_a_short_run_cannot_tell() -> None:
    """Eight seconds prove nothing, even of a shop that became a third slower."""
    for draw in range(10):
        found = rows(run_of(draw, seconds=8), run_of(100 + draw, seconds=8, slower=1.3))
        assert {row.said for row in found.values()} == {"can't tell"}
        assert "too short" in found["confirm p50"].why


def test_a_run_compared_with_itself_is_the_same() -> None:
    """Nothing differs, and nothing wavers."""
    run = run_of(3, seconds=60)
    found = rows(run, run)
    assert {row.said for row in found.values() if not row.why.startswith(("too few", "nothing"))} == {"same"}
    assert found["goodput"].why == "the same in every second"


def test_the_same_comparison_gives_the_same_numbers() -> None:
    """All chance comes from the seed."""
    a, b = run_of(1, seconds=90), run_of(2, seconds=90)
    assert rows(a, b) == rows(a, b)
    assert rows(a, b, seed=2)["confirm p50"].low != rows(a, b)["confirm p50"].low


def test_a_percentile_needs_samples_beyond_it() -> None:
    """p99 of three hundred payments is three of them: nobody judges a shop by them."""
    a, b = run_of(1, seconds=12), run_of(2, seconds=12, slower=3)
    assert rows(a, b)["confirm p99"].why.startswith("too few samples")


def test_one_bad_second_is_one_piece_of_bad_luck() -> None:
    """Two hundred slow payments, all in one second, are no 95th percentile that anybody judges by."""
    a = run_of(1, seconds=60)
    slow = [{} if n != 30 else {max(second) + 4000: 200} for n, second in enumerate(a.durations["confirm"])]
    took = [{**second, **more} for second, more in zip(a.durations["confirm"], slow, strict=True)]
    b = Seconds(length=60, counts=a.counts, durations={"confirm": took, "pay": took})
    row = rows(a, b)["confirm p95"]
    assert row.said == "can't tell"
    assert row.why == "too few samples (those beyond it lie in 1 seconds)"


def test_what_never_ended_has_no_percentile() -> None:
    """Where one in ten never learnt what became of his money, p95 is unknown, not an hour."""
    a = run_of(1, seconds=60)
    lost = [{**second, OPEN: 1 + sum(second.values()) // 8} for second in a.durations["confirm"]]
    b = Seconds(length=60, counts=a.counts, durations={"confirm": lost, "pay": a.durations["pay"]})
    assert rows(a, b)["confirm p95"].why == "so many never came to a definite end"
    assert rows(a, b)["confirm p95"].said == "can't tell"
    assert rows(a, b)["confirm p95"].candidate is None


def test_nothing_against_nothing_is_not_yet_the_same() -> None:
    """No reply in doubt of forty proves little, of forty thousand much."""
    few = Seconds(length=40, counts={"sent": [1] * 40, "in_doubt": [0] * 40})
    many = Seconds(length=40, counts={"sent": [1000] * 40, "in_doubt": [0] * 40})
    said = {n: rows(run, msgless(run))["in_doubt"].said for n, run in (("few", few), ("many", many))}
    assert said == {"few": "can't tell", "many": "same"}


def msgless(run: Seconds) -> Seconds:
    """The same run with one send more, so that it is not the same in every second."""
    return Seconds(
        length=run.length, counts={**run.counts, "sent": [run.counts["sent"][0] + 1, *run.counts["sent"][1:]]}
    )


def test_a_difference_that_nobody_minds_is_none() -> None:
    """From one millisecond to two is twice as much, and below the floor."""
    a, b = run_of(1, seconds=120, slower=0.01), run_of(2, seconds=120, slower=0.02)
    assert rows(a, b)["confirm p50"].said == "same"


def test_what_our_own_lateness_explains_is_no_verdict_on_the_shop() -> None:
    """A latency runs from when it was due: 60 ms more say nothing of the shop where we were 80 ms late ourselves."""
    a, b = run_of(1, seconds=120), run_of(2, seconds=120, slower=1.6)
    found = judged(measured(a, b, load_s=120), strata=[0] * 120, seed=1, replicates=100, lateness_ms=80)
    row = next(row for row in found if row.id == "confirm p50")
    assert row.said == "can't tell"
    assert row.why.startswith("may be ours")
    assert lateness_ms(Seconds(length=4, levels={"lag": [1.0, None, 80.0, 2.0]}), Seconds(length=4)) == 80
    assert lateness_ms(Seconds(length=4)) == 0


def test_a_starved_run_tells_nothing() -> None:
    """Whatever the numbers look like: with a reason not to believe them every row is can't tell, and says why."""
    found = rows(run_of(1, seconds=60), run_of(2, seconds=60, slower=5), untold="the baseline starved")
    assert {row.said for row in found.values() if row.weighs} == {"can't tell"}
    assert found["confirm p50"].why == "the baseline starved"
    assert found["confirm p50"].candidate == pytest.approx(5 * found["confirm p50"].baseline, rel=0.2)  # type: ignore[operator]
