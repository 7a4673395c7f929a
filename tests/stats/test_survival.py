"""How long did it take: the curve of Kaplan and Meier."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from surgectl.stats.percentile import Durations
from surgectl.stats.survival import percentiles

WANTED = (1, 50, 90, 95, 99)


def curve(ended: list[int], still: list[int]) -> list[tuple[int, Fraction]]:
    """Each duration that there was → the share that had ended by then, as the paper has it."""
    left, found = Fraction(1), []
    for at in sorted({*ended, *still}):
        watched = sum(one >= at for one in (*ended, *still))
        left *= Fraction(watched - ended.count(at), watched)
        found.append((at, 1 - left))
    return found


@settings(deadline=None)  # the first one pays for the import
@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=40),
    st.lists(st.integers(1, 30), max_size=40),
    st.integers(1, 10**9),
)
def test_those_who_still_wait_count_for_as_long_as_they_were_seen(
    ended: list[int], still: list[int], unit: int
) -> None:
    """The curve of Kaplan and Meier, to the last bit of its durations, whoever left at the instant of an end."""
    ended, still = [unit * one for one in ended], [unit * one for one in still]
    for wanted, value in zip(WANTED, percentiles(Durations.of(ended, still), WANTED), strict=True):
        reached = [at for at, done in curve(ended, still) if done >= Fraction(wanted, 100)]
        assert value == (reached[0] if reached else None)


def test_who_still_waits_is_not_left_out() -> None:
    """Freireich's 21 patients, of whom twelve were last seen well (1963): the median stay is 23 weeks."""
    ended = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    still = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    assert percentiles(Durations.of(ended, still), [50, 95]) == [23.0, None]
    assert percentiles(Durations.of([], still), [50]) == [None]
