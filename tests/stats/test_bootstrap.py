"""Drawing a run's seconds again: every block, every stretch, and always the same."""

from __future__ import annotations

import numpy as np
import pytest

from surgectl import chance
from surgectl.stats.bootstrap import block_length, memory, times_drawn, unseen
from surgectl.stats.difference import holm, spread


def wavering(n: int, remembered: float, draw: int) -> np.ndarray:
    """AR(1) with variance 1."""
    rng = np.random.default_rng(draw)
    found = np.zeros(n)
    found[0] = rng.normal()
    for at in range(1, n):
        found[at] = remembered * found[at - 1] + np.sqrt(1 - remembered**2) * rng.normal()
    return found


def test_many_draws_are_those_of_chance() -> None:
    """A million draws at once are, to the last bit, the draws that chance gives one by one."""
    at_once = chance.units(7, "anything", 500)
    assert at_once.tolist() == [chance.unit(7, "anything", n) for n in range(500)]


def test_every_replicate_has_as_many_seconds_of_each_kind_as_the_run_had() -> None:
    """Each stretch is drawn from itself alone."""
    strata = [0] * 5 + [1] * 12 + [2] * 3
    drawn = times_drawn(3, strata, block=4, replicates=200)
    assert drawn.shape == (200, 20)
    for label, size in ((0, 5), (1, 12), (2, 3)):
        inside = [place for place, at in enumerate(strata) if at == label]
        assert set(drawn[:, inside].sum(axis=1)) == {size}
    assert drawn[:, 8].mean() == pytest.approx(1, abs=0.2)  # no second is drawn more often than another


def test_the_same_seed_draws_the_same() -> None:
    """Whoever compares two runs again gets the same bytes; another seed gives other draws."""
    first, again, other = (times_drawn(seed, [0] * 30, block=3, replicates=50) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_the_longer_the_memory_the_longer_the_blocks() -> None:
    """Seconds that know nothing of each other are drawn nearly one by one."""
    lengths = [np.median([block_length(wavering(200, r, draw)) for draw in range(20)]) for r in (0.0, 0.5, 0.9)]
    assert lengths[0] < 3 < lengths[1] < lengths[2]
    assert block_length(np.zeros(50)) == 1
    assert block_length(np.array([1.0, 2.0])) == 1


@pytest.mark.parametrize("remembered", [0.0, 0.6])
def test_the_spread_of_a_mean_is_found(remembered: float) -> None:
    """Blocks, and what they are known not to see, together give about the standard error that many runs really have."""
    n, told = 120, []
    for draw in range(60):
        series = wavering(n, remembered, draw)
        left = series - series.mean()
        block, kept = max(1.0, block_length(left)), memory(left)
        means = times_drawn(draw, [0] * n, block=block, replicates=300) @ series / n
        told.append(means.std() * np.sqrt(unseen(block, kept)))
    really = np.std([wavering(n, remembered, 1000 + draw).mean() for draw in range(2000)])
    assert np.median(told) == pytest.approx(really, rel=0.2)


def test_too_few_pieces_say_nothing() -> None:
    """Where time was too short the interval is everything, however far apart the two runs are."""
    replicates = np.random.default_rng(1).normal(5, 0.1, 500)
    short = spread(5, replicates, band=0.05, pieces=5.5, strata=1)
    assert (short.low, short.high, short.p) == (-np.inf, np.inf, 1)
    long = spread(5, replicates, band=0.05, pieces=60, strata=1)
    assert 4.5 < long.low < long.high < 5.5
    assert long.p < 1e-6


def test_replicates_that_often_know_nothing_say_nothing() -> None:
    """A percentile that falls into nothing in every tenth draw is not known."""
    replicates = np.where(np.arange(500) % 10 == 0, np.nan, 1.0)
    assert spread(1, replicates, band=0, pieces=60, strata=1).p == 1


def test_no_spread_is_no_doubt() -> None:
    """What is the same in every draw lies where it lies; a floor of the error widens it all the same."""
    exact = spread(0.2, np.full(100, 0.2), band=0.05, pieces=60, strata=1)
    assert (exact.low, exact.high, exact.p) == (0.2, 0.2, 0.0)
    floored = spread(0.0, np.zeros(100), band=0.05, pieces=60, strata=1, least=0.01)
    assert floored.low == pytest.approx(-0.02, abs=0.001)


def test_holm_believes_the_strongest_first() -> None:
    """Four chances, by hand after Holm 1979: 0.01 <= 0.05/4, 0.016 <= 0.05/3, 0.03 > 0.05/2, and then no more."""
    assert holm([0.03, 0.01, 0.04, 0.016]) == [False, True, False, True]
    assert holm([]) == []
    assert holm([0.04]) == [True]
