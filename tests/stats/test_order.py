"""Order among intervals: what is certain is counted, and nothing else."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgectl.stats.order import NEVER_NS, Overtaking, most_at_once, overtaking

Fan = tuple[int, int, int, int]
"""Joining from, to; let in from, to."""


def plainly(fans: list[Fan], epsilon: int, overtakes: list[bool]) -> tuple[int, int, int, list[int]]:
    """The definition, pair by pair."""
    pairs = inversions = apart = 0
    overtaken = [0] * len(fans)
    for number, x in enumerate(fans):
        for y, may in zip(fans, overtakes, strict=True):
            if y[3] == NEVER_NS or not may or not x[1] + epsilon < y[0]:
                continue
            pairs += 1
            inverted = y[3] + epsilon < x[2]
            inversions += inverted
            overtaken[number] += inverted
            apart += inverted or (x[3] != NEVER_NS and x[3] + epsilon < y[2])
    return pairs, inversions, apart, overtaken


def order(fans: list[Fan], epsilon: int = 0, overtakes: list[bool] | None = None) -> Overtaking:
    columns = [np.array(column, dtype=np.int64) for column in zip(*fans, strict=True)] or [np.array([], np.int64)] * 4
    who = None if overtakes is None else np.array(overtakes, dtype=np.bool_)
    return overtaking(*columns, epsilon_ns=epsilon, overtakes=who)


small = st.integers(0, 12)


@st.composite
def lives(draw: st.DrawFn) -> Fan:
    joined = draw(small)
    heard = joined + draw(st.integers(0, 4))
    outside = heard + draw(small)
    return (
        joined,
        heard,
        outside,
        draw(st.one_of(st.just(NEVER_NS), st.integers(0, 4).map(lambda late: outside + late))),
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(lives(), st.booleans()), max_size=25), st.integers(0, 3))
def test_counts_what_the_definition_counts(crowd: list[tuple[Fan, bool]], epsilon: int) -> None:
    """Pairs, inversions, overtaken fans and pairs that can be told apart are those of the definition, pair by pair."""
    fans, may = [fan for fan, _ in crowd], [may for _, may in crowd]
    found = order(fans, epsilon, may)
    counted = (found.pairs, found.inversions, found.told_apart, found.overtaken.tolist())
    assert counted == plainly(fans, epsilon, may)
    assert order(fans, epsilon).inversions == plainly(fans, epsilon, [True] * len(fans))[1]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=15))
def test_most_at_once(spans: list[tuple[int, int]]) -> None:
    """The most intervals that share an instant, each open where it begins and closed where it ends."""
    spans = [(min(span), max(span)) for span in spans if span[0] != span[1]]
    plain = max((sum(b < instant <= e for b, e in spans) for instant in range(22)), default=0)
    begin, end = (np.array([span[side] for span in spans], dtype=np.int64) for side in (0, 1))
    assert most_at_once(begin, end) == plain


def fair_shop(fans: int = 3000) -> list[Fan]:
    """Fifty let in each second, in order; every message up to 300 ms under way, every fan asking once a second."""
    chance = Random(7)
    joined = sorted(chance.randrange(30_000) for _ in range(fans))
    line = []
    for place, at in enumerate(joined):
        up, down, again = chance.randrange(300), chance.randrange(300), chance.randrange(1000)
        inside = 30_000 + place // 50 * 1000
        line.append((at - up, at + down, inside, inside + again + down))
    return line


def test_jitter_makes_no_inversion() -> None:
    """A shop that is perfectly fair has not one definite inversion, where naive instants would show thousands."""
    line = fair_shop()
    naive = [(joined, joined, inside, inside) for joined, _, _, inside in line]
    assert order(line).inversions == 0
    assert order(naive).inversions > 20_000


@pytest.mark.parametrize("fans", [60])
def test_a_few_who_starve_are_found_by_overtaking(fans: int) -> None:
    """Tau hides the two in a hundred who are left until the end; how many overtook them does not."""
    line = fair_shop()
    for place in Random(8).sample(range(len(line)), fans):
        line[place] = (*line[place][:2], 200_000, 200_500)
    found = order(line)
    assert found.tau > 0.94
    assert found.overtaken.max() > 2000
