"""Lines in which somebody else's turn comes first, beside the right one."""

from __future__ import annotations

from surgectl.stage.boxoffice.defects import DEFECTS
from surgectl.stage.boxoffice.waiting_room import WaitingRoom
from surgectl.units import NS_PER_S

_FANS = [f"fan-{n}@example.org" for n in range(40)]


def _let_in(room: WaitingRoom) -> list[int]:
    """Forty join at once, and are let in one after the other → their places, in that order."""
    for email in _FANS:
        room.join(email, None, NS_PER_S)
    order: list[int] = []
    for step in range(200):
        admitted = room.admit(NS_PER_S + step * NS_PER_S // 10)
        if admitted:
            room.let_in(admitted, NS_PER_S)
            order += [place.seq for place in admitted]
    assert room.waiting == 0
    assert all(room.position(seq) == 0 for seq in order)
    return order


def _room(defect: str) -> WaitingRoom:
    return DEFECTS[defect].room(10.0, 0, NS_PER_S)


def test_the_right_line_lets_in_who_came_first() -> None:
    """The order of coming is the order of going in."""
    assert _let_in(WaitingRoom(10.0, 0, NS_PER_S)) == list(range(1, 41))


def test_the_stack_lets_in_who_came_last() -> None:
    """The reverse of it."""
    assert _let_in(_room("lifo")) == list(range(40, 0, -1))


def test_favourites_go_in_before_all_others() -> None:
    """Some come first whenever they came, the others in order behind them."""
    order = _let_in(_room("favourites"))
    first = next(n for n in range(1, 40) if order[n] < order[n - 1])  # behind the last favourite the others begin
    assert order[:first] == sorted(order[:first]) and order[first:] == sorted(order[first:])
    assert 0 < first < 20 and sorted(order) == list(range(1, 41))


def test_a_guessed_position_goes_up_and_down_while_the_turn_stays_true() -> None:
    """Only what is shown is wrong."""
    room = _room("position-jumps")
    for email in _FANS:
        room.join(email, None, NS_PER_S)
    shown = [room.shown(40, NS_PER_S + n) for n in range(20)]
    assert shown != sorted(shown, reverse=True) and room.position(40) == 40
    assert _let_in(_room("position-jumps")) == list(range(1, 41))
