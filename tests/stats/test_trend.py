"""Whether it helped to come early to a draw, with those who gave up."""

from __future__ import annotations

import numpy as np
import pytest

from surgectl.stats.trend import trend

SALES = 250


def draws(seed: int, fans: int = 80, *, patient: bool) -> list[float]:
    """p of many honest draws, let in three at a time; the impatient leave by their own clock, the early ones first."""
    chance = np.random.default_rng(seed)
    found = []
    for _ in range(SALES):
        came = np.sort(chance.integers(0, 5000, fans))
        turn = 5000 + chance.permutation(fans) // 3 * 100
        leaves = came + (10**6 if patient else chance.integers(3000, 9000, fans))
        found.append(trend(came, np.minimum(turn, leaves), turn <= leaves).p)
    return found


@pytest.mark.parametrize("patient", [True, False])
def test_honest_draws_are_believed(patient: bool) -> None:
    """One honest draw in twenty looks bent at 5 %, whoever loses patience; at 0.1 % next to none."""
    found = np.array(draws(3, patient=patient))
    assert 0.01 < (found < 0.05).mean() < 0.1
    assert (found < 0.001).mean() <= 0.01


@pytest.mark.parametrize("order, sign", [(1, 1), (-1, -1)])
def test_bent_draws_are_found(order: int, sign: int) -> None:
    """Who lets the early in first, or the late, is found among fifty."""
    came = np.arange(50)
    found = trend(came, 100 + came[::order], np.ones(50, dtype=np.bool_))
    assert found.p < 1e-6
    assert np.sign(found.z) == sign
    assert found.tau == pytest.approx(sign)


def test_leaving_out_who_gave_up_would_accuse() -> None:
    """Those who remain of an honest draw look as if the early had been favoured: they are counted while they stood."""
    chance = np.random.default_rng(1)
    came = np.arange(400)
    turn = 1000 + chance.permutation(400) * 10
    leaves = 1500 + came * 8
    inside = turn <= leaves
    assert trend(came[inside], turn[inside], np.ones(int(inside.sum()), dtype=np.bool_)).p < 0.001
    assert trend(came, np.minimum(turn, leaves), inside).p > 0.01


@pytest.mark.parametrize("let_in", [[], [True], [False, False], [True, True]])
def test_nothing_to_tell(let_in: list[bool]) -> None:
    """Nobody, one, none let in, all at one instant: no accusation."""
    count = len(let_in)
    assert trend(np.arange(count), np.full(count, 7), np.array(let_in, dtype=np.bool_)).p == 1.0
