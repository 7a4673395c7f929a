"""Counts to two digits never say more than the samples themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgectl.stats.percentile import Durations
from surgectl.stats.rough import EDGES, Rough, counter_of, counters_of, high_of, low_of

LASTED = st.lists(st.integers(0, 2 * 10**13), max_size=30)


def rough(ended: list[int], still_open: list[int]) -> Rough:
    found = Rough(ended_ns=sum(ended))
    for counts, durations in ((found.ended, ended), (found.open, still_open)):
        for ns in durations:
            counts[counter_of(ns)] = counts.get(counter_of(ns), 0) + 1
    return found


@pytest.mark.parametrize("ns", [0, 9_999, 10_000, 99_999_999, 3 * 10**9, 3 * 10**9 - 1, 10**13, 5 * 10**13])
def test_a_counter_holds_its_durations(ns: int) -> None:
    """Each duration lies between the least and the greatest of its counter."""
    assert low_of(counter_of(ns)) <= ns <= high_of(counter_of(ns))
    assert counters_of(np.array([ns], dtype=np.int64))[0] == counter_of(ns)


@pytest.mark.parametrize("ns", [3 * 10**9, 250 * 10**6, 1_500_000_000, 10 * 10**9])
def test_what_people_demand_is_an_edge(ns: int) -> None:
    """A bound of two digits lies between two counters, so nothing is rounded across it."""
    assert ns in EDGES


@given(LASTED, LASTED)
def test_the_truth_lies_within_the_bounds(ended: list[int], still_open: list[int]) -> None:
    """Every statistic of the counts encloses that of the samples."""
    exact, counted = Durations.of(ended, still_open), rough(ended, still_open)
    for p in (1.0, 50.0, 95.0, 99.9):
        encloses(counted.percentile(p), exact.percentile(p))
    encloses(counted.smallest(), exact.smallest())
    encloses(counted.largest(), exact.largest())
    encloses(counted.mean(), exact.mean())


@given(LASTED.filter(len), LASTED, st.lists(st.tuples(st.integers(0, 10**12), st.booleans()), max_size=8))
def test_doubtful_samples_widen_the_bounds(ended: list[int], still_open: list[int], doubtful: list[object]) -> None:
    """Whichever of the doubtful samples belong here, and whatever the missing one was, the truth is enclosed."""
    counted = rough(ended, still_open)
    counted.missing = 1
    for ns, _ in doubtful:  # type: ignore[misc]
        at = counter_of(ns)
        counted.unsure_ended[at] = counted.unsure_ended.get(at, 0) + 1
    real = [ns for ns, belongs in doubtful if belongs]  # type: ignore[misc]
    for lost in ([], [0], [10**13]):
        exact = Durations.of([*ended, *real, *lost], still_open)
        for p in (50.0, 95.0):
            encloses(counted.percentile(p), exact.percentile(p))
        encloses(counted.smallest(), exact.smallest())
        encloses(counted.largest(), exact.largest())


def encloses(bounds: object, truth: object) -> None:
    low, high = bounds.low, bounds.high  # type: ignore[attr-defined]
    if math.isnan(truth.low):  # type: ignore[attr-defined]
        assert math.isnan(low) and math.isnan(high)
        return
    assert low <= truth.low * (1 + 1e-12) and truth.high <= high * (1 + 1e-12)  # type: ignore[attr-defined]
