"""SHED: who is turned away for overload is turned away fast, and told when to come back."""

from __future__ import annotations

from surgectl.profile.statistics import Shedding, Statistics
from surgectl.profile.values import Duration, Share
from surgectl.recording.rows import VitalsRow
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import Night, S
from tests.histories.rush import asks, times_out, turned_away

CHECKER = "SHED"


def slowly(slow: int, of: int = 100) -> Night:
    return turned_away(turned_away(Night(), range(slow), took_ms=900.0), range(slow, of))


def we_were_late() -> Night:
    """Our own timers were late by more than the refusals took too long."""
    night = slowly(20)
    night.vitals = [VitalsRow(at_ns=second * S, lag_ns=800_000_000, cpu=0.5) for second in range(1, 12)]
    return night


def polls_refused() -> Night:
    """A refused poll says nothing of the operation, and where its rule looks for a wait is not recorded."""
    night = turned_away(Night(), range(40))
    for fan in range(40):
        asks(night, fan, 20.0, role="pay", outcome="fail", why="shed", then="poll", took_s=0.01)
    return night


GENEROUS = {"statistics": Statistics(shed=Shedding(p99=Duration(S), parseable=Share(0.2), slow_failures=Share(0.9)))}

GUILTY = [
    Guilty(slowly(20), says="a refusal takes up to 900ms (p99), 250ms are allowed", severity="minor"),
    Guilty(turned_away(Night(), range(40), wait_s=[None, 1.0, 2.0]), says="26 of 40 refusals say when to come back"),
    Guilty(turned_away(Night(), range(40), wait_s=[None]), says="0 of 40"),
    Guilty(turned_away(Night(), range(40), wait_s=[2.0]), says="all 40 were told to come back after 2s"),
    Guilty(
        times_out(turned_away(Night(), range(20)), range(100, 160)),
        says="60 of 80 who were turned away got no answer at all, 50% may",
    ),
    Guilty(times_out(turned_away(Night(), range(40), took_ms=400.0, wait_s=[None]), range(100, 200)), 3),
]

INNOCENT = [
    Innocent(turned_away(Night(), range(40)), considered=40),
    Innocent(slowly(1), considered=100),
    Innocent(turned_away(Night(), range(20), wait_s=[2.0])),
    Innocent(times_out(turned_away(Night(), range(40)), range(100, 120))),
    Innocent(times_out(turned_away(slowly(20), range(300, 340), wait_s=[None, 1.0, 2.0]), range(400, 460)), GENEROUS),
    Innocent(polls_refused(), considered=80),
]

DOUBTFUL = [
    Doubtful(Night().buys(1), "nobody was turned away for overload", weighs=False),
    Doubtful(times_out(Night(), range(40)), "nobody was turned away for overload"),
    Doubtful(slowly(2), "2 of 100 refusals took longer than 250ms: too few to say"),
    Doubtful(we_were_late(), "our own timers were late"),
    Doubtful(turned_away(Night(), range(40), looked=False), "add `hint: {header: Retry-After}`"),
    Doubtful(turned_away(turned_away(Night(), range(40)), range(40, 41), wait_s=[None]), "1 of 41 refusals do not say"),
    Doubtful(times_out(turned_away(Night(), range(4)), range(100, 106)), "too few to call it usual"),
    Doubtful(slowly(20), "SHED: off", changes={"statistics": Statistics(shed="off")}),
]
