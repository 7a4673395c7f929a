"""GOODPUT: too little gets done while a fault is on."""

from __future__ import annotations

from surgectl.profile.statistics import Goodput, Statistics
from surgectl.profile.values import Share
from tests.histories.crowd import crowd, fault
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import Night

CHECKER = "GOODPUT"

HALF = {"statistics": Statistics(goodput=Goodput(in_fault=Share(0.5)))}


def _night(served_per_s: float, lost_per_s: float, calm_per_s: float = 5, end: str = "confirmed") -> Night:
    """Ten seconds of calm, ten of a fault in which so many are served, and so many are not."""
    night = fault(crowd(Night(), 0, 10, calm_per_s), 10, 20)
    crowd(night, 10, 20, served_per_s, end=end)
    return crowd(night, 10, 20, lost_per_s, answer_s=None)


GUILTY = [
    Guilty(_night(0.4, 5), changes=HALF, says="50% is demanded"),
    Guilty(_night(0, 5), changes=HALF, says="2% got done"),
    Guilty(_night(5, 0, end="shed"), changes=HALF, says="2% got done"),  # too busy is nothing done
    Guilty(_night(5, 0, end="gone"), changes=HALF, says="2% got done"),  # nor is a basket that ran out
]

INNOCENT = [
    Innocent(_night(5, 0), changes=HALF, considered=50),
    Innocent(_night(5, 0, end="sold-out"), changes=HALF),
    Innocent(_night(5, 0, end="declined"), changes=HALF),
    Innocent(_night(5, 15), changes=HALF),  # more than it ever bore was wanted; it did what it can
    Innocent(_night(1.2, 1), changes=HALF),  # fewer came: what was wanted is the measure
]

DOUBTFUL = [
    Doubtful(_night(0, 5), "no limit was set", weighs=False),
    Doubtful(_night(2, 3), "chance may explain it", HALF),
    Doubtful(_night(0, 0.9), "only 9 wanted anything", HALF, weighs=True),
    Doubtful(_night(0, 5, calm_per_s=0.9), "too little got done before the first fault", HALF),
    Doubtful(crowd(Night(), 0, 10, 5), "no fault was applied", HALF, weighs=True),
    Doubtful(_night(0, 5), "off", {"statistics": Statistics(goodput="off")}, weighs=False),
]
