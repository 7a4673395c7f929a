"""TAB_ADV: more tabs are no more luck."""

from __future__ import annotations

import msgspec

from surgectl.profile.statistics import Statistics, TabAdvantage
from surgectl.recording.rows import InvokeRow
from surgectl.stats.intervals import TwoShares, ratio_of_shares
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import Night
from tests.histories.rush import asks, buys_with, comes

CHECKER = "TAB_ADV"


def crowd(
    wins: int,
    of: int,
    wins_of_one: int,
    of_one: int,
    *,
    profile: str = "tabs",
    profile_of_one: str = "tabs",
    night: Night | None = None,
    fewest: int = 1,
) -> Night:
    """So many fans with three tabs, so many with the fewest, and how many of each were confirmed."""
    night = night or Night()
    first = len(night.tries)
    for number in range(of):
        buys_with(night, first + number, 3, wins=number < wins, profile=profile)
    for number in range(of_one):
        buys_with(night, first + of + number, fewest, wins=number < wins_of_one, profile=profile_of_one)
    return night


def latecomers() -> Night:
    """After the last ticket nobody wins: those who came then with one tab prove nothing."""
    night = crowd(30, 40, 30, 40)
    night.clock = 5 * 10**9
    night.told(0, "hold", "fail", "sold-out")
    for fan in range(100, 160):
        buys_with(night, fan, 1, wins=False, at_s=8.0 if fan % 2 else night.clock / 10**9)
    return night


def turned_away_before() -> Night:
    """Who was refused before the line never had the choice of tabs."""
    night = crowd(30, 40, 30, 40)
    for fan in range(100, 160):
        comes(night, fan, 1.0, "tabs")
        asks(night, fan, 1.0, role="browse", outcome="fail", why="refused", then="end", poll=False)
        # That a second tab came further does not help: more of those with many tabs would count.
        asks(night, fan, 2.0, tab=1, poll=False)
    return night


def also_told() -> Night:
    """More tabs win more often; and everybody with one tab is told something besides that is no ticket."""
    night = Night().told(0, "hold", "ok", "next").told(0, "status", "fail", "sold-out", status_read=True)
    crowd(45, 60, 20, 60, night=night)
    for fan in range(60, 120):
        night.told(fan, "hold", "ok", "next").told(fan, "pay", "fail", "confirmed")
        night.told(fan, "status", "ok", "confirmed", status_read=True)
    return night


def without_a_line() -> Night:
    """A shop that lets everybody in at once."""
    night = crowd(25, 30, 8, 30)
    night.ops = [msgspec.structs.replace(row, role="hold") if isinstance(row, InvokeRow) else row for row in night.ops]
    return night


def so_much_at_most(factor: float) -> dict[str, object]:
    return {"statistics": Statistics(tab_adv=TabAdvantage(factor=factor))}


RATIO = ratio_of_shares([TwoShares(with_it=45, of=60, without_it=20, of_likes=60)])
assert RATIO is not None

GUILTY = [
    Guilty(crowd(45, 60, 20, 60), says="more tabs win 2.25 times as often, at least 1.53 times", severity="minor"),
    Guilty(crowd(45, 60, 20, 60, fewest=2), says="2.25 times"),
    Guilty(also_told(), says="2.25 times"),
    Guilty(without_a_line(), says="3.12 times"),
    # Two profiles, each compared with itself alone.
    Guilty(crowd(30, 40, 10, 40, profile="b", profile_of_one="b", night=crowd(20, 30, 5, 30)), says="at least"),
]

INNOCENT = [
    Innocent(crowd(45, 60, 45, 60), considered=60),
    Innocent(crowd(20, 60, 45, 60)),
    Innocent(crowd(45, 60, 20, 60), changes=so_much_at_most(2.5)),
    Innocent(crowd(45, 60, 20, 60), changes=so_much_at_most(RATIO.value)),
    Innocent(latecomers(), considered=40),
    Innocent(turned_away_before(), considered=40),
    # Simpson's paradox: a profile that wins often has many tabs, within each they make no difference.
    Innocent(crowd(6, 30, 18, 90, profile="b", profile_of_one="b", night=crowd(81, 90, 27, 30)), considered=120),
]

DOUBTFUL = [
    Doubtful(Night().buys(1), "nobody had several tabs", weighs=False),
    Doubtful(crowd(20, 20, 5, 60), "30 fans of each kind"),
    Doubtful(crowd(20, 60, 5, 20), "30 fans of each kind"),
    Doubtful(crowd(0, 40, 0, 40), "some of them who bought"),
    Doubtful(crowd(26, 40, 20, 40), "may be chance"),
    Doubtful(crowd(45, 60, 20, 60), "may be chance", changes=so_much_at_most(RATIO.low)),
    Doubtful(crowd(45, 60, 20, 60, profile_of_one="patient"), "no retry profile has fans with different numbers"),
    Doubtful(crowd(45, 60, 20, 60), "TAB_ADV: off", changes={"statistics": Statistics(tab_adv="off")}),
]
