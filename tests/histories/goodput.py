"""GOODPUT: too little gets done while a fault is on."""

from __future__ import annotations

import msgspec

from surgectl.profile.statistics import Goodput, Statistics
from surgectl.profile.values import Share
from surgectl.recording.rows import ToldRow
from surgectl.stats.counts import poisson_interval
from tests.histories.crowd import crowd, fault
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import Night, S

CHECKER = "GOODPUT"

HALF = {"statistics": Statistics(goodput=Goodput(in_fault=Share(0.5)))}


def _night(served_per_s: float, lost_per_s: float, calm_per_s: float = 5, end: str = "confirmed") -> Night:
    """Ten seconds of calm, ten of a fault in which so many are served, and so many are not."""
    night = fault(crowd(Night(), 0, 10, calm_per_s), 10, 20)
    crowd(night, 10, 20, served_per_s, end=end)
    return crowd(night, 10, 20, lost_per_s, answer_s=None)


def _slow(answer_s: float) -> Night:
    """A fault of half a minute; who pays in its first half is answered while it is on, after so long."""
    return crowd(fault(crowd(Night(), 0, 10, 5), 10, 40), 10, 25, 5, answer_s=answer_s)


def _other_words() -> Night:
    """All are refused in a word that resolves nothing; what is said of another want, tab or time is no answer to it."""
    night = _night(5, 0, end="refused")
    for row in [row for row in night.ops if isinstance(row, ToldRow) and row.end == "refused"]:
        said = msgspec.structs.replace(row, outcome="ok", end="confirmed")
        night.ops += [
            msgspec.structs.replace(said, status_read=True),
            msgspec.structs.replace(said, tab=1),
            msgspec.structs.replace(said, op=2, at_ns=row.at_ns + 15 * S),
            msgspec.structs.replace(row, op=0, step="hold", role="hold", end="sold-out"),
        ]
    return night


GUILTY = [
    Guilty(_night(0.4, 5), changes=HALF, says="50% is demanded"),
    Guilty(_night(0, 5), changes=HALF, says="2% got done"),
    Guilty(_night(5, 0, end="shed"), changes=HALF, says="2% got done"),  # too busy is nothing done
    Guilty(_night(5, 0, end="gone"), changes=HALF, says="2% got done"),  # nor is a basket that ran out
    Guilty(_other_words(), changes=HALF, says="2% got done"),
    # In the instant in which one in five is refused, another one is served.
    Guilty(crowd(_night(5, 0, end="refused"), 10, 20, 1), changes=HALF, says="22% got done"),
    Guilty(_slow(10.1), changes=HALF, says="1% got done"),
]

INNOCENT = [
    Innocent(_night(5, 0), changes=HALF, considered=50),
    Innocent(_night(5, 0, end="sold-out"), changes=HALF),
    Innocent(_night(5, 0, end="declined"), changes=HALF),
    Innocent(_night(1, 0, calm_per_s=1), changes=HALF, considered=10),
    Innocent(_slow(10), changes=HALF),  # just in time
    Innocent(_night(1.9, 2.1), changes=HALF),  # twenty of forty are half
    Innocent(_night(5, 15), changes=HALF),  # more than it ever bore was wanted; it did what it can
    Innocent(_night(1.2, 1), changes=HALF),  # fewer came: what was wanted is the measure
]

DOUBTFUL = [
    Doubtful(_night(0, 5), "no limit was set", weighs=False),
    Doubtful(_night(2, 3), "chance may explain it", HALF),
    Doubtful(
        _night(1.9, 2.1),
        "chance may explain it",  # what is demanded is just as likely as that
        {"statistics": Statistics(goodput=Goodput(in_fault=Share(poisson_interval(20).high / 40)))},
    ),
    Doubtful(_night(0, 0.9), "only 9 wanted anything", HALF, weighs=True),
    Doubtful(_night(0, 5, calm_per_s=0.9), "too little got done before the first fault", HALF),
    Doubtful(crowd(Night(), 0, 10, 5), "no fault was applied", HALF, weighs=True),
    Doubtful(_night(0, 5), "off", {"statistics": Statistics(goodput="off")}, weighs=False),
]

_NO_SHARE = "demand is not None and share is not None and (not doubts) and (share < demand)"

EQUIVALENT = {
    f"check: {_NO_SHARE} → {_NO_SHARE.replace('share is not None', 'True')}": (
        "there is no share only where nobody wanted anything, which is a doubt"
    ),
}
