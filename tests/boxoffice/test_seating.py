"""The hall on paper: every seat has one label, and every label one seat."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgectl.stage.boxoffice.seating import GeneralAdmission, SeatMap


@given(st.integers(1, 20_000), st.integers(1, 40))
def test_every_seat_has_one_label_and_every_label_one_seat(capacity: int, rows: int) -> None:
    """Labels are distinct, read back to their seat, and the blocks cover the hall once."""
    hall = SeatMap(capacity, rows)
    covered = [n for block in hall.blocks for row in hall.rows(block) for n in row]
    assert covered == list(range(1, capacity + 1))
    some = covered[:: max(1, capacity // 200)]
    assert [hall.number(hall.label(n)) for n in some] == some


@pytest.mark.parametrize(
    "label", ["", "A-1-7", "A-01-07", "A-1-21", "A-1-00", "A-0-01", "A-3-11", "B-1-01", "a-1-01", "A-1-07 ", "A-1-٠١"]
)
def test_what_is_no_seat_of_the_hall_is_none(label: str) -> None:
    """Block, row and seat must exist and be written as they are on the map."""
    assert SeatMap(50, 10).number(label) is None


def test_labels_are_those_of_the_map() -> None:
    """Twenty to a row, rows from 1, blocks by letter beyond Z."""
    assert [SeatMap(700, 10).label(n) for n in (1, 20, 21, 200, 201, 700)] == [
        *("A-1-01", "A-1-20", "A-2-01", "A-10-20", "B-1-01", "D-5-20")
    ]
    assert SeatMap(20_000, 10).blocks[26].name == "AA"
    assert GeneralAdmission("floor").label(42) == "floor-00042"
