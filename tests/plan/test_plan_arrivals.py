"""Each shape of rush brings the right number of people, in order, when its curve says."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgectl import chance
from surgectl.plan.arrivals import BLOCK, Constant, Curve, Poisson, Ramp, Recorded, Spike, Step, _log, curve, due_blocks
from surgectl.plan.mixing import mixed
from surgectl.profile.curve import RecordedCurve
from surgectl.profile.rehearsal import Phase
from surgectl.profile.values import Duration, Rate

lasting = st.integers(10_000_000, 600 * 10**9).map(Duration)
rates = st.floats(0, 300).map(Rate)


def shape(phase: Phase, recorded: RecordedCurve | None = None, seed: int = 1) -> Curve:
    return curve(phase, seed=seed, number=0, recorded=recorded)


def each_due_us(rush: Curve, first: int = 0, step: int = 1) -> Iterator[int]:
    for _, due_us in due_blocks(rush, first, step):
        yield from due_us.tolist()


constants = st.builds(lambda r, t: Phase(phase="a", rate=r, for_=t), rates, lasting)
counted = st.builds(lambda n, t: Phase(phase="a", fans=n, for_=t), st.integers(1, 3000), lasting)
ramps = st.builds(lambda a, b, t: Phase(phase="a", shape="ramp", from_=a, to=b, for_=t), rates, rates, lasting)
counted_ramps = st.builds(lambda n, t: Phase(phase="a", shape="ramp", fans=n, for_=t), st.integers(1, 3000), lasting)
steps = st.builds(
    lambda a, b, n, t: Phase(phase="a", shape="step", from_=a, to=b, steps=n, for_=t),
    rates,
    rates,
    st.integers(1, 12),
    lasting,
)
counted_steps = st.builds(
    lambda n, k, t: Phase(phase="a", shape="step", fans=n, steps=k, for_=t),
    st.integers(1, 3000),
    st.integers(1, 12),
    lasting,
)
spikes = st.builds(
    lambda n, h, t: Phase(phase="a", shape="spike", fans=n, half_life=h, for_=t), st.integers(1, 3000), lasting, lasting
)
exact = st.one_of(constants, counted, ramps, counted_ramps, steps, counted_steps, spikes)
points = st.lists(st.tuples(st.floats(0.01, 30), st.floats(0, 200)), min_size=2, max_size=12).map(
    lambda gaps: RecordedCurve(tuple((sum(gap for gap, _ in gaps[:n]), rate) for n, (_, rate) in enumerate(gaps)))
)
recorded = st.builds(
    lambda r, scale: shape(Phase(phase="a", shape="curve", file="x", scale=scale), r), points, st.floats(0.1, 5)
)
curves = st.one_of(exact.map(shape), recorded)


@settings(max_examples=150, deadline=None)
@given(curves)
def test_everybody_is_due_in_order_and_within_the_phase(rush: Curve) -> None:
    """Due times never go backwards, begin after the start and end by the phase's end."""
    due = list(each_due_us(rush))
    assert len(due) == rush.fans
    assert all(early <= late for early, late in pairwise(due))
    if due:
        assert due[0] >= 0
        assert due[-1] <= math.ceil(rush.duration_s * 1e6)


@settings(max_examples=150, deadline=None)
@given(curves)
def test_a_due_time_is_the_inverse_of_the_cumulative(rush: Curve) -> None:
    """At the i-th due time, i + ½ fans are expected."""
    for index in {0, rush.fans // 3, rush.fans // 2, rush.fans - 1}:
        if 0 <= index < rush.fans:
            at_s = float(rush.due_s(np.array([index]))[0])
            # What the rounding of a float second brings, at the fastest rate there is.
            slack = 1e-6 + rush.peak_per_s * at_s * 1e-12
            assert rush.cumulative(at_s) == pytest.approx(index + 0.5, rel=1e-6, abs=slack + 1e-3)


@settings(max_examples=100, deadline=None)
@given(exact)
def test_the_count_is_the_area_under_the_curve(phase: Phase) -> None:
    """A number of fans is kept exactly; a rate brings its area, rounded to a whole fan."""
    rush = shape(phase)
    area = rush.cumulative(rush.duration_s)
    if phase.fans is not None:
        assert rush.fans == phase.fans
        assert area == pytest.approx(phase.fans, rel=1e-9)
    else:
        assert abs(rush.fans - area) <= 0.5 + 1e-6


@settings(max_examples=50, deadline=None)
@given(curves, st.integers(1, 9))
def test_shards_of_a_phase_are_its_fans_dealt_out(rush: Curve, of: int) -> None:
    """Dealt among n workers, every fan is due when it was due alone."""
    whole = list(each_due_us(rush))
    assert [list(each_due_us(rush, shard, of)) for shard in range(of)] == [whole[shard::of] for shard in range(of)]


def test_a_constant_rate_is_even() -> None:
    """20 a second for 5 seconds: 100 fans, 50 ms apart."""
    due = list(each_due_us(shape(Phase(phase="a", rate=Rate(20), for_=Duration(5 * 10**9)))))
    assert (len(due), due[0], due[-1]) == (100, 25_000, 4_975_000)
    assert {late - early for early, late in pairwise(due)} == {50_000}


def test_a_spike_halves_with_each_half_life() -> None:
    """The first half-life brings twice as many as the second."""
    rush = shape(Phase(phase="a", shape="spike", fans=3000, half_life=Duration(5 * 10**9), for_=Duration(10 * 10**9)))
    due = list(each_due_us(rush))
    assert sum(at < 5_000_000 for at in due) == 2000
    assert rush.peak_per_s == pytest.approx(3000 / 0.75 * math.log(2) / 5)


def test_stairs_rise_in_equal_parts() -> None:
    """From 10/s to 30/s in three steps of ten seconds: 100, 200, 300 fans."""
    rush = shape(Phase(phase="a", shape="step", from_=Rate(10), to=Rate(30), steps=3, for_=Duration(30 * 10**9)))
    due = list(each_due_us(rush))
    assert [sum(n * 10e6 <= at < (n + 1) * 10e6 for at in due) for n in range(3)] == [100, 200, 300]


def test_a_recorded_curve_is_played_again() -> None:
    """Straight lines between the points, silence where the recording is silent, scaled and cut as asked."""
    recording = RecordedCurve(((0, 0), (10, 20), (10.000001, 0), (20, 0), (20.000001, 5), (40, 5)))
    rush = shape(Phase(phase="a", shape="curve", file="x"), recording)
    due = list(each_due_us(rush))
    assert [sum(low <= at < high for at in due) for low, high in ((0, 10e6), (10e6, 20e6), (20e6, 40e6))] == [
        100,
        0,
        100,
    ]
    doubled = shape(Phase(phase="a", shape="curve", file="x", scale=2.0), recording)
    assert doubled.fans == 400
    cut = shape(Phase(phase="a", shape="curve", file="x", for_=Duration(30 * 10**9)), recording)
    assert (cut.fans, cut.duration_s) == (150, 30)


def test_poisson_arrivals_are_random_and_repeatable() -> None:
    """The seed decides; gaps have the exponential's mean and spread; other seeds give other times."""
    phase = Phase(phase="a", shape="poisson", rate=Rate(50), for_=Duration(200 * 10**9))
    rush = shape(phase, seed=7)
    due = list(each_due_us(rush))
    assert due == list(each_due_us(shape(phase, seed=7)))
    assert due != list(each_due_us(shape(phase, seed=8)))
    assert isinstance(rush, Poisson)
    assert round(float(rush.due_s(np.array([17]))[0]) * 1e6) == due[17]
    last = rush.fans - 1
    assert round(float(rush.due_s(np.array([last]))[0]) * 1e6) == due[last]
    assert len(due) == pytest.approx(10_000, abs=400)  # four deviations
    gaps = [late - early for early, late in pairwise(due)]
    mean = sum(gaps) / len(gaps)
    spread = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert mean == pytest.approx(20_000, rel=0.05)
    assert spread == pytest.approx(mean, rel=0.08)  # the exponential's own mark


def alone(rush: Curve, index: int) -> float:
    """Python's own floats, one fan after the other: what the arrays must equal to the last bit."""
    fans = index + 0.5
    if isinstance(rush, Constant):
        return fans / rush.rate_per_s
    if isinstance(rush, Ramp):
        slope = (rush.to_per_s - rush.from_per_s) / rush.duration_s
        return min(reach(fans, rush.from_per_s, slope), rush.duration_s)
    if isinstance(rush, Step):
        stair = min(bisect_left(rush.reached, fans), len(rush.rates_per_s)) - 1
        width_s = rush.duration_s / len(rush.rates_per_s)
        return stair * width_s + (fans - rush.reached[stair]) / rush.rates_per_s[stair]
    if isinstance(rush, Spike):
        left = 1.0 - fans / rush.fans * rush.whole
        return min(-rush.half_life_s * log(left) / 0.6931471805599453, rush.duration_s)
    assert isinstance(rush, Recorded)
    at = min(bisect_left(rush.reached, fans), len(rush.times_s) - 1) - 1
    width_s = rush.times_s[at + 1] - rush.times_s[at]
    slope = (rush.rates_per_s[at + 1] - rush.rates_per_s[at]) / width_s
    return rush.times_s[at] + min(reach(fans - rush.reached[at], rush.rates_per_s[at], slope), width_s)


def reach(fans: float, from_per_s: float, slope: float) -> float:
    root = math.sqrt(max(from_per_s * from_per_s + 2 * slope * fans, 0.0))
    return 2 * fans / (from_per_s + root) if from_per_s + root > 0 else 0.0


def log(x: float) -> float:
    m, e = math.frexp(x)
    if m < 0.7071067811865476:
        m, e = m * 2.0, e - 1
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    series = 1 / 19 + z / 21
    for odd in range(17, 0, -2):
        series = 1 / odd + z * series
    return e * 0.6931471805599453 + 2.0 * s * series


@settings(max_examples=150, deadline=None)
@given(curves)
def test_a_block_of_fans_is_due_when_each_alone_would_be(rush: Curve) -> None:
    """Many at once or one by one, every due time is the same float: a plan's digest needs no particular processor."""
    indices = np.arange(rush.fans)
    assert rush.due_s(indices).tolist() == [alone(rush, index) for index in range(rush.fans)]
    assert list(each_due_us(rush)) == [int(alone(rush, index) * 1e6 + 0.5) for index in range(rush.fans)]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**64 - 1), st.floats(1, 500), st.integers(1, 5))
def test_a_poisson_walk_is_the_same_in_blocks(seed: int, rate: float, of: int) -> None:
    """Gaps added one after the other, across the blocks' borders and for every share of the fans."""
    rush = shape(Phase(phase="a", shape="poisson", rate=Rate(rate), for_=Duration(20 * 10**9)), seed=seed)
    assert isinstance(rush, Poisson)
    walked: list[int] = []
    at_s = 0.0
    while True:
        at_s -= log(1.0 - (chance.mix(rush.stream ^ len(walked)) >> 11) * (1.0 / (1 << 53))) * (1.0 / rush.rate_per_s)
        if at_s >= 20:
            break
        walked.append(int(at_s * 1e6 + 0.5))
    assert rush.fans == len(walked)
    assert [list(each_due_us(rush, share, of)) for share in range(of)] == [walked[share::of] for share in range(of)]


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=50))
def test_chance_is_the_same_for_many_at_once(numbers: list[int]) -> None:
    """The mixer of arrays is chance.mix, bit for bit."""
    assert mixed(np.array(numbers, dtype=np.uint64)).tolist() == [chance.mix(number) for number in numbers]


def test_no_more_than_a_block_is_computed_before_it_is_asked_for() -> None:
    """Two million fans: the first block is there at once, and every block is of bearable size."""
    rush = shape(Phase(phase="a", shape="spike", fans=2_000_000, half_life=Duration(10**10), for_=Duration(10**11)))
    blocks = due_blocks(rush)
    assert iter(blocks) is blocks
    sizes = [len(due_us) for (_, due_us), _ in zip(blocks, range(3), strict=False)]
    assert sizes == [BLOCK] * 3 and BLOCK <= 4_096


@given(st.floats(1e-300, 1e300))
def test_the_portable_logarithm_is_a_logarithm(x: float) -> None:
    """Computed from additions and multiplications alone, so that every machine agrees to the last bit."""
    assert float(_log(np.array([x]))[0]) == log(x) == pytest.approx(math.log(x), rel=1e-13, abs=1e-13)
