"""Each shape of rush brings the right number of people, in order, when its curve says."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgectl.plan.arrivals import Curve, Poisson, _log, curve, each_due_us
from surgectl.profile.curve import RecordedCurve
from surgectl.profile.rehearsal import Phase
from surgectl.profile.values import Duration, Rate

lasting = st.integers(10_000_000, 600 * 10**9).map(Duration)
rates = st.floats(0, 300).map(Rate)


def shape(phase: Phase, recorded: RecordedCurve | None = None, seed: int = 1) -> Curve:
    return curve(phase, seed=seed, number=0, recorded=recorded)


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
            at_s = rush.due_s(index)
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
    assert round(rush.due_s(17) * 1e6) == due[17]
    assert len(due) == pytest.approx(10_000, abs=400)  # four deviations
    gaps = [late - early for early, late in pairwise(due)]
    mean = sum(gaps) / len(gaps)
    spread = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert mean == pytest.approx(20_000, rel=0.05)
    assert spread == pytest.approx(mean, rel=0.08)  # the exponential's own mark


@given(st.floats(1e-300, 1e300))
def test_the_portable_logarithm_is_a_logarithm(x: float) -> None:
    """Computed from additions and multiplications alone, so that every machine agrees to the last bit."""
    assert _log(x) == pytest.approx(math.log(x), rel=1e-13, abs=1e-13)
