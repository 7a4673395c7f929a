"""AMP_FAN: how often a crowd asks for one and the same thing."""

from __future__ import annotations

from surgectl.profile.statistics import FanAmplification, Statistics
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import Night
from tests.histories.rush import asks, joins, polls

CHECKER = "AMP_FAN"


def at_most(factor: float) -> dict[str, object]:
    return {"statistics": Statistics(amp_fan=FanAmplification(factor=factor))}


def insists(times: int = 9, *, sent: bool = True) -> Night:
    """One fan asks once, the other so many times more."""
    night = joins(Night(), 1, 1.0)
    joins(night, 2, 1.0)
    for number in range(times):
        polls(night, 2, 2.0 + number, sent=sent)
    return night


GUILTY = [
    Guilty(insists(), changes=at_most(5), says="5.50 requests for each thing wanted, 5 are allowed", severity="info")
]

INNOCENT = [
    Innocent(insists(), changes=at_most(5.5), considered=2),
    Innocent(insists(sent=False), changes=at_most(1), considered=2),
    # What is read after the end is our own curiosity.
    Innocent(asks(insists(1), 1, 50.0, role="status", poll=False), changes=at_most(1.5), considered=2),
]

DOUBTFUL = [
    Doubtful(insists(), "no limit is set", weighs=False),
    Doubtful(Night(), "nothing in this run could be measured", weighs=False),
    Doubtful(Night(), "nothing in this run could be measured", changes=at_most(5), weighs=True),
    Doubtful(insists(), "AMP_FAN: off", changes={"statistics": Statistics(amp_fan="off")}),
]
