"""FAIR_ORDER: who came first is let in first."""

from __future__ import annotations

from random import Random

from surgectl.profile.statistics import FairOrder, Statistics
from surgectl.profile.values import Share
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import Night
from tests.histories.rush import EVERYBODY, asks, comes, evenly, in_turn, is_let_in, joins, line, polls

CHECKER = "FAIR_ORDER"

LOTTERY = {"order": "lottery"}


def first_come(order: list[int]) -> Night:
    return line(Night(), evenly(EVERYBODY), in_turn(order))


def favoured() -> list[int]:
    """One in ten is somebody's friend."""
    return [*range(9, 60, 10), *(fan for fan in EVERYBODY if fan % 10 != 9)]


def starved(*, let_in: bool) -> Night:
    """The fourth is forgotten until the end, or for ever."""
    order = [fan for fan in EVERYBODY if fan != 3]
    turns = in_turn(order)
    return line(Night(), evenly(EVERYBODY), turns | ({3: 40.0} if let_in else {}))


def drawn(
    order: list[int], *, late: dict[int, float] | None = None, late_turns: dict[int, float] | None = None
) -> Night:
    """Everybody joins a pre-queue, without a position until the draw; whoever comes late stands behind."""
    hidden = dict.fromkeys(EVERYBODY, 14.0)
    turns = in_turn(order) | (late_turns or {})
    return line(Night(), evenly(EVERYBODY) | (late or {}), turns, hidden_until_s=hidden, left_s=80.0)


def lots(seed: int = 5) -> list[int]:
    order = list(EVERYBODY)
    Random(seed).shuffle(order)
    return order


def fifty(order: list[int]) -> Night:
    """A draw of just as many as it takes to tell."""
    return line(Night(), evenly(range(50)), in_turn(order), hidden_until_s=dict.fromkeys(range(50), 14.0))


def impatient() -> Night:
    """A fair draw; the early ones lose patience first, so those of them who remain had the better lots."""
    turns = {fan: at_s for fan, at_s in in_turn(lots()).items() if at_s < 25.0 + fan * 0.15}
    hidden = dict.fromkeys(EVERYBODY, 14.0)
    night = Night()
    for fan, joined in evenly(EVERYBODY).items():
        some = {fan: turns[fan]} if fan in turns else {}
        line(night, {fan: joined}, some, hidden_until_s=hidden, left_s=25.0 + fan * 0.15)
    return night


def a_tab_left_behind() -> Night:
    """A shop that gives each tab a place: the first tab was closed, the second is let in at its own turn."""
    night = line(Night(), evenly(EVERYBODY), in_turn(EVERYBODY))
    joins(night, 99, 0.05, 1)
    joins(night, 99, 11.9, 60, tab=1)
    polls(night, 99, 20.0, 40, tab=1)
    return is_let_in(night, 99, 31.0, tab=1)


def two_tabs_one_place() -> Night:
    """A shop that gives one person one place: the second tab, opened late, finds the place of the first."""
    night = line(Night(), evenly(EVERYBODY), in_turn(EVERYBODY))
    joins(night, 99, 0.05, 1)
    joins(night, 99, 11.9, 1, tab=1)
    polls(night, 99, 12.5, 1)
    return is_let_in(night, 99, 15.1, tab=1)


def joined_again() -> Night:
    """The page was lost, and the fan had to join once more, at the end of the line."""
    night = line(Night(), evenly(EVERYBODY), in_turn(EVERYBODY))
    joins(night, 99, 0.05, 1)
    joins(night, 99, 11.9, 60)
    polls(night, 99, 20.0, 40)
    return is_let_in(night, 99, 31.0)


def nobody_waits() -> Night:
    night = Night()
    for fan in range(5):
        comes(night, fan, fan)
        is_let_in(night, fan, fan, poll=False)
    return night


def errors_say_nothing() -> Night:
    """A fan whose polls fail until the end was perhaps inside all the while."""
    night = line(Night(), evenly(EVERYBODY), in_turn(EVERYBODY))
    joins(night, 99, 0.05, 1)
    for at_s in range(2, 40, 2):
        asks(night, 99, at_s, outcome="info", why="unmatched")
    return is_let_in(night, 99, 41.0)


def already_in() -> Night:
    """Position 0 beside "not yet" may mean inside."""
    night = line(Night(), evenly(EVERYBODY), in_turn(EVERYBODY))
    joins(night, 99, 0.05, 0)
    for at_s in range(2, 40, 2):
        polls(night, 99, at_s, 0)
    return is_let_in(night, 99, 41.0)


GUILTY = [
    Guilty(first_come([*reversed(EVERYBODY)]), 2, "run-i3", says="overtaken by"),
    Guilty(first_come(lots()), 2, says="the wrong way round"),
    Guilty(first_come(favoured()), says="of the pairs were let in the wrong way round"),
    Guilty(starved(let_in=True), 2, "run-i3", says="overtaken by 5"),
    Guilty(starved(let_in=False), 2, "run-i3", says="never let in", severity="major"),
    Guilty(
        first_come(favoured()),
        changes={"statistics": Statistics(fair_order=FairOrder(inversions=Share(1), overtaken=4))},
        says="one fan was overtaken by 5 who came later, 4 are allowed",
    ),
    # A draw that rewards the early, one that rewards the late, and an early crowd that is neither drawn nor in turn.
    Guilty(drawn([*EVERYBODY]), changes=LOTTERY, says="who came earlier was let in earlier"),
    Guilty(drawn([*reversed(EVERYBODY)]), changes=LOTTERY, says="who came later was let in earlier"),
    Guilty(drawn([*reversed(EVERYBODY)]), says="that is no lot", intent=None),
    Guilty(fifty([*range(50)]), changes=LOTTERY, says="that is no lot"),
    Guilty(
        drawn(lots(), late=evenly(range(100, 130), 14.5), late_turns=in_turn(reversed(range(100, 130)), 45.0)),
        says="the wrong way round",
    ),
    Guilty(
        line(Night(), evenly(EVERYBODY), in_turn(EVERYBODY), numbered=False), changes=LOTTERY, says="that is no lot"
    ),
]

INNOCENT = [
    Innocent(first_come([*EVERYBODY]), considered=60),
    Innocent(
        line(Night(), evenly(EVERYBODY), {fan: at for fan, at in in_turn(EVERYBODY).items() if fan % 20}, left_s=17)
    ),
    # Batches of ten, each let in in any order.
    Innocent(line(Night(), evenly(EVERYBODY), {fan: 15.0 + fan // 10 * 3 + fan % 3 * 0.1 for fan in EVERYBODY})),
    Innocent(first_come([1, 0, 2, 5, 3, 4, *range(6, 60)])),
    Innocent(
        first_come(favoured()),
        changes={"statistics": Statistics(fair_order=FairOrder(inversions=Share(0.5), overtaken=6))},
    ),
    # Each limit kept to the last pair that it allows.
    Innocent(
        line(Night(), evenly(range(20)), in_turn([1, 2, 0, *range(3, 20)], each_s=3.0)),
        changes={"statistics": Statistics(fair_order=FairOrder(inversions=Share(0.006), overtaken=2))},
    ),
    Innocent(
        line(Night(), evenly(range(20)), in_turn(reversed(range(20)), 30.0, 6.0), left_s=200.0),
        changes={"statistics": Statistics(fair_order=FairOrder(inversions=Share(1), overtaken=20))},
    ),
    Innocent(drawn(lots()), changes=LOTTERY, considered=60),
    Innocent(drawn(lots())),
    Innocent(fifty([fan for fan in lots() if fan < 50]), changes=LOTTERY, considered=50),
    Innocent(drawn([*EVERYBODY])),
    Innocent(drawn(lots(), late=evenly(range(100, 130), 14.5), late_turns=in_turn(range(100, 130), 45.0))),
    Innocent(impatient(), changes=LOTTERY),
    Innocent(line(Night(), evenly(EVERYBODY), in_turn(lots()), numbered=False), changes=LOTTERY),
    Innocent(a_tab_left_behind()),
    Innocent(two_tabs_one_place()),
    Innocent(joined_again()),
    Innocent(errors_say_nothing()),
    Innocent(already_in()),
]

DOUBTFUL = [
    Doubtful(Night().buys(1), "nobody joined a line", weighs=False),
    Doubtful(nobody_waits(), "nobody had to wait in line"),
    Doubtful(line(Night(), evenly(range(10)), in_turn(range(10))), "can be told apart"),
    Doubtful(line(Night(), evenly(EVERYBODY), in_turn(EVERYBODY, each_s=0.01), every_s=9.0), "can be told apart"),
    Doubtful(
        line(Night(), evenly(range(30)), in_turn(range(30)), hidden_until_s=dict.fromkeys(range(30), 14.0)),
        "30 fans of the draw were let in",
        changes=LOTTERY,
    ),
    Doubtful(
        first_come([*reversed(EVERYBODY)]), "FAIR_ORDER: off", changes={"statistics": Statistics(fair_order="off")}
    ),
]
