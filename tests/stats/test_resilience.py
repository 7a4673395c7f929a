"""What a shop does after a fault, told from counts alone: a queue that is really played, and shops drawn by lot."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgectl.stats.counts import per_thing, poisson_interval
from surgectl.stats.resilience import Course, diagnose, second_spike
from surgectl.stats.slope import theil_sen
from surgectl.units import NS_PER_S
from tests.stats.queueing import FAULT_S, Policy, play

BEGAN_NS, HEALED_NS = (round(at_s * NS_PER_S) for at_s in FAULT_S)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("rate", [60, 80, 90])
@pytest.mark.parametrize(
    "policy, limit, state",
    [
        ("immediate", None, "METASTABLE"),
        ("exponential", None, "METASTABLE"),
        ("budget", None, "RECOVERED"),
        ("immediate", 100, "RECOVERED"),
        ("exponential", 100, "RECOVERED"),
        ("budget", 100, "RECOVERED"),
    ],
)
def test_the_queue_of_the_books(policy: Policy, limit: int | None, state: str, rate: float, seed: int) -> None:
    """An unbounded queue that works on dead requests is stuck under retries, backoff or not; a retry budget lets it
    drain; a short queue that refuses fast is itself again within seconds."""
    unbounded_budget = policy == "budget" and limit is None
    course = play(rate, policy, limit=limit, seconds=200 if unbounded_budget else 130, seed=seed)
    found = diagnose(course, first_fault_ns=BEGAN_NS, healed_ns=HEALED_NS)
    if unbounded_budget and rate == 90:  # ten a second too few to be done while anybody watches
        assert found.state == "DRAINING" and found.backlog_slope is not None
        assert -15 < found.backlog_slope.value < -8 and found.amp_tail == pytest.approx(1, abs=0.1)
        return
    assert found.state == state
    if state == "METASTABLE":
        assert found.rel_tail == pytest.approx(0, abs=0.01) and found.amp_tail == pytest.approx(6, abs=0.2)
        return
    assert found.recovered_ns is not None
    least, most = {60: (25, 40), 80: (80, 105)}[int(rate)] if unbounded_budget else (2, 7)
    assert least <= found.recovered_ns / NS_PER_S <= most


def test_fresh_out_of_the_fault_nobody_can_say() -> None:
    """A shop that is down when the load ends ten seconds after the heal is unknown, and told how long it would take."""
    found = diagnose(
        play(80, "immediate", limit=None, seconds=70, seed=1), first_fault_ns=BEGAN_NS, healed_ns=HEALED_NS
    )
    assert found.state == "UNTOLD" and "35.0 s are needed" in found.why


def test_a_heavier_tail_is_no_proof() -> None:
    """Where more is wanted after the fault than before it, nobody can say that the fault is to blame."""
    course = play(80, "immediate", limit=None, seconds=130, seed=1)
    calm = tuple(count // 2 if n < FAULT_S[0] else count for n, count in enumerate(course.offered))
    course = msgspec.structs.replace(course, offered=calm, resolved=calm[:30] + course.resolved[30:], done=())
    found = diagnose(course, first_fault_ns=BEGAN_NS, healed_ns=HEALED_NS)
    assert found.state == "UNTOLD" and "more was wanted" in found.why


arrivals = st.lists(st.integers(0, 40), min_size=40, max_size=160)


@settings(max_examples=60, deadline=None)
@given(arrivals, st.data())
def test_who_answers_everything_is_never_stuck(offered: list[int], data: st.DataObject) -> None:
    """A shop that resolves everything in a second is never metastable, whatever comes and however often they try."""
    attempts = [count * data.draw(st.integers(1, 6)) for count in offered]
    course = Course(offered=tuple(offered), resolved=tuple(offered), done=(), attempts=tuple(attempts))
    began, healed = sorted((data.draw(st.integers(1, 30)), data.draw(st.integers(1, 35))))
    found = diagnose(course, first_fault_ns=began * NS_PER_S, healed_ns=healed * NS_PER_S, grace_ns=5 * NS_PER_S)
    assert found.state in ("STABLE", "RECOVERED", "UNTOLD", "DRAINING", "DEGRADED")
    assert not found.sustained


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(1, 5)), min_size=60, max_size=140),
    st.integers(1, 1000),
)
def test_time_is_a_unit(steps: list[tuple[int, int, int]], pace: int) -> None:
    """The same story told a thousand times faster has the same state, and everything in it is as much faster."""
    offered = tuple(offered for offered, _, _ in steps)
    course = Course(
        offered=offered,
        resolved=tuple(min(offered, resolved) for offered, resolved, _ in steps),
        attempts=tuple(offered * tries for offered, _, tries in steps),
        backlog=tuple(resolved for _, resolved, _ in steps),
    )
    fast = msgspec.structs.replace(course, bucket_ns=NS_PER_S // 1000 * pace)
    slow = diagnose(course, first_fault_ns=20 * NS_PER_S, healed_ns=25 * NS_PER_S, grace_ns=10 * NS_PER_S)
    step_ns = fast.bucket_ns
    told = diagnose(fast, first_fault_ns=20 * step_ns, healed_ns=25 * step_ns, grace_ns=10 * step_ns)
    assert (told.state, told.sustained, told.rel_tail) == (slow.state, slow.sustained, slow.rel_tail)
    if slow.recovered_ns is not None:
        assert told.recovered_ns == slow.recovered_ns // NS_PER_S * step_ns


@pytest.mark.parametrize("crowd", [3, 10])
def test_a_larger_crowd_is_the_same_story(crowd: int) -> None:
    """Ten times the crowd at a shop ten times as large ends in the same state."""
    for limit, state in ((None, "METASTABLE"), (100, "RECOVERED")):
        course = play(8, "immediate", limit=limit and limit // 10, seconds=130, seed=1, capacity=10)
        many = {
            name: tuple(count * crowd for count in getattr(course, name))
            for name in ("offered", "resolved", "done", "attempts", "backlog")
        }
        grown = msgspec.structs.replace(course, **many)
        found = [diagnose(one, first_fault_ns=BEGAN_NS, healed_ns=HEALED_NS) for one in (course, grown)]
        assert [one.state for one in found] == [state, state]


def test_a_second_wave_is_one_that_follows_quiet() -> None:
    """High from the beginning is the first wave; high again after five quiet steps is the second; gaps say nothing."""
    quiet: list[float | None] = [0.0] * 5
    high: list[float | None] = [0.9] * 5
    assert second_spike([*high, *high], calm=0.1, high=0.5) is None
    assert second_spike([*high, *quiet, None, *high], calm=0.1, high=0.5) == 11
    assert second_spike([*high, *quiet, *high[:4], *quiet], calm=0.1, high=0.5) is None
    assert second_spike([*high, 0.3, 0.3, 0.3, *quiet[:4], *high], calm=0.1, high=0.5) is None


def test_a_slope_is_not_bent_by_one_strange_point() -> None:
    """The Theil–Sen slope of a falling line stays what it is with a spike in it; two points have none."""
    x = [float(n) for n in range(20)]
    y = [100 - 3 * value for value in x]
    y[7] = 900
    found = theil_sen(x, y)
    assert found is not None and found.value == pytest.approx(-3, abs=0.1) and found.falls
    flat = theil_sen(x, [4.0] * 20)
    assert flat is not None and not flat.falls
    assert theil_sen([0, 1], [1, 0]) is None


def test_few_prove_little() -> None:
    """One retry among twelve proves nothing, thirty among a hundred do; one thing asked for forty times is one
    accident; Garwood's interval is that of the tables."""
    assert per_thing({1: 11, 2: 1}).value == pytest.approx(13 / 12) and per_thing({1: 11, 2: 1}).low < 1.01
    assert per_thing({1: 70, 2: 30}).low > 1.1
    assert per_thing({1: 59, 41: 1}).value > 1.6 and per_thing({1: 59, 41: 1}).low < 1.1
    assert per_thing({2: 1}).low == 1.0 and per_thing({}).things == 0
    bounds = poisson_interval(10)
    assert (round(bounds.low, 3), round(bounds.high, 3)) == (4.795, 18.390)
    assert (poisson_interval(0).low, round(poisson_interval(0).high, 3)) == (0.0, 3.689)
