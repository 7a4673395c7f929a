"""QUEUE_POS: a place in the line never gets worse, and is nobody else's."""

from __future__ import annotations

from surgectl.profile.statistics import Statistics
from surgectl.recording.rows import DoneRow, InvokeRow
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import Night, S
from tests.histories.rush import asks, evenly, in_turn, is_let_in, joins, line, polls

CHECKER = "QUEUE_POS"


def shown(fan: int, *positions: tuple[float, int], night: Night | None = None, tab: int = 0) -> Night:
    """A fan who is shown these positions at these seconds, the first of them on joining."""
    night = night or Night()
    (at_s, position), *later = positions
    joins(night, fan, at_s, position, tab=tab)
    for at_s, position in later:
        polls(night, fan, at_s, position, tab=tab)
    return night


def two(first: list[tuple[float, int]], second: list[tuple[float, int]], tab: int = 0) -> Night:
    """A correct neighbour shows that not all numbers are round."""
    night = shown(1, *first, night=shown(3, (0.0, 1), (0.5, 1)))
    return shown(2, *second, night=night, tab=tab)


def joined_again(*, tab: int) -> Night:
    """Further back than before, after joining once more."""
    night = shown(1, (1.0, 5), (2.0, 4))
    joins(night, 1, 3.0, 9, tab=tab)
    return polls(night, 1, 4.0, 8)


def overlapping() -> Night:
    """A second request that was answered before the first: which of them is older, nobody knows."""
    night = shown(1, (1.0, 5))
    polls(night, 1, 2.0, 4, took_s=3.0)
    return polls(night, 1, 2.5, 5, took_s=0.1)


def refused() -> Night:
    """A page that is no answer shows no position."""
    night = shown(1, (1.0, 5), (2.0, 4))
    return asks(night, 1, 3.0, outcome="info", why="unmatched", claims={"position": 9})


def one_person() -> Night:
    """One fan's two tabs stand at one place."""
    night = shown(1, (1.0, 5), (3.0, 5))
    return shown(1, (1.5, 5), (3.5, 5), night=night, tab=1)


def busy_with_tabs() -> Night:
    """Further back although nobody moved the place: whatever else was opened was another's, refused, or not between."""
    night = shown(1, (1.0, 5), (2.0, 6))
    joins(night, 1, 0.9, tab=1)  # answered as the first position was asked for
    polls(night, 1, 1.5, tab=1)
    joins(night, 1, 2.1, tab=2)  # asked for as the second was answered
    asks(night, 1, 1.6, tab=3, poll=False, outcome="fail", why="shed", then="end")
    return joins(night, 2, 1.5, tab=1)


def not_of_the_line() -> Night:
    """Numbers that another page shows, that a double click was shown, or that came for what was never sent."""
    night = shown(1, (1.0, 5), (2.0, 4))
    for at_s, position in ((3.0, 5), (4.0, 9)):
        asks(night, 1, at_s, role="hold", op=2, claims={"position": position})
    joins(night, 2, 1.0)
    night.ops += [
        InvokeRow(attempt="run-i2.d", intent="run-i2", step="join", role="join", op=1, due_ns=S, at_ns=S, double=True),
        DoneRow(attempt="run-i2.d", outcome="ok", why="poll", sent_ns=S, done_ns=2 * S, claims={"position": 7}),
    ]
    return polls(joins(night, 3, 1.0), 3, 2.0, 8, sent=False)


GUILTY = [
    Guilty(shown(1, (1.0, 5), (2.0, 6)), 1, "run-i1", says="at position 5 after 1.100 s, at 6 after 2.000 s"),
    Guilty(shown(1, (1.0, 5), (2.0, 3), (3.0, 4)), 1, "run-i1", says="at 4", severity="minor"),
    # Both stood there from the first reply to the last request.
    Guilty(two([(1.0, 5), (3.0, 5)], [(2.0, 5), (4.0, 5)]), 1, "run-i2", says="two fans stood at position 5"),
    # One stood there all the while that the other was told the same.
    Guilty(two([(1.0, 5), (3.0, 5)], [(2.0, 5), (4.0, 4)]), 1, "run-i2", says="1 times two fans"),
    Guilty(two([(1.0, 5), (3.0, 5), (4.0, 6)], [(2.0, 5), (4.0, 4)]), 2, "run-i1", says="at 6 after 4.000 s"),
    Guilty(busy_with_tabs(), 1, "run-i1", says="at 6 after 2.000 s"),
]

INNOCENT = [
    Innocent(line(Night(), evenly(range(12)), in_turn(range(12), 4.0)), considered=12),
    # The same number at two instants: the line has moved in between.
    Innocent(two([(1.0, 5), (2.0, 4)], [(2.0, 5), (3.0, 4)])),
    Innocent(two([(1.0, 5), (2.0, 4)], [(1.05, 5), (2.0, 3)])),
    Innocent(two([(1.0, 5), (1.95, 5)], [(1.96, 5), (4.0, 5)])),
    Innocent(two([(1.0, 5), (3.0, 5)], [(2.95, 5), (4.0, 4)])),
    Innocent(two([(1.0, 5), (3.0, 5)], [(2.9, 5), (4.0, 4)])),  # told the same in the instant of the last request
    Innocent(shown(1, (1.0, 5), (1.1, 6))),  # asked again in the instant of the reply: no later
    Innocent(not_of_the_line(), considered=1),
    # Inside, or nobody before them: 0 is no place of one's own.
    Innocent(shown(2, (1.0, 0), (3.0, 0), night=shown(1, (1.0, 0), (3.0, 0), night=shown(3, (1.0, 2), (2.0, 1))))),
    Innocent(joined_again(tab=0)),
    Innocent(joined_again(tab=1)),
    Innocent(overlapping()),
    Innocent(refused()),
    Innocent(one_person()),
]

DOUBTFUL = [
    Doubtful(Night().buys(1), "name it with `claims: {position: …}`", weighs=False),
    Doubtful(is_let_in(shown(1, (1.0, 5)), 1, 2.0), "nobody was shown a position twice"),
    Doubtful(shown(2, (2.0, 100), (4.0, 100), night=shown(1, (1.0, 100), (3.0, 100))), "in steps of 100"),
    Doubtful(shown(1, (1.0, 5), (2.0, 6)), "QUEUE_POS: off", changes={"statistics": Statistics(queue_pos="off")}),
]

EQUIVALENT = {
    "_SHOWN: position > 0 AND [done_ns IS NOT NULL → TRUE] )": "a position stands in a reply, which has its instant",
    "_SHARED: other_to_ns > covered_ns AND [other <> intent → TRUE] ORDER BY covered_ns ,": (
        "of one fan only one tab counts, whose stretches follow one another: none begins before the last one's end"
    ),
}
