"""SHED: who is turned away for overload is turned away fast, and told when to come back."""

from __future__ import annotations

from typing import Any

import msgspec

from surgectl.profile.statistics import Shedding, Statistics
from surgectl.profile.values import Duration, Share
from surgectl.recording.rows import InvokeRow, VitalsRow
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import Night, S
from tests.histories.rush import asks, comes, times_out, turned_away

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


def pays(night: Night, fan: int, at_s: float, *, well: bool = True, **more: Any) -> Night:
    """Pays once, for an eighth of a second; served, or refused in some other way."""
    how: dict[str, Any] = (
        {"why": "confirmed", "then": "end"} if well else {"outcome": "fail", "why": "declined", "then": "end"}
    )
    given: dict[str, Any] = {"role": "pay", "poll": False, "took_s": 0.125} | how | more
    return asks(comes(night, fan, 1.0), fan, at_s, **given)


def too_many(night: Night, fan: int, at_s: float, wait_s: float | None = 2.0, **more: Any) -> Night:
    """Pays, and is turned away; told to come back after so long."""
    how: dict[str, Any] = {"outcome": "fail", "why": "shed", "then": "shed", "claims": {"wait_s": wait_s}}
    return pays(night, fan, at_s, **(how | more))


def came_back(early: int = 0) -> Night:
    """Twelve come back when they were told to, and one of them is turned away again; some may come a second early."""
    night = Night()
    words: list[dict[str, Any]] = [{"then": "end"}, {"why": "full"}, *[{}] * 8]
    for fan, how in enumerate(words):
        too_many(night, fan, 1.0, **how)
        # Meanwhile a poll, and a second click of the same finger.
        pays(night, fan, 1.5, poll=True)
        pays(night, fan, 1.5)
        row = night.ops[-2]
        assert isinstance(row, InvokeRow)
        night.ops[-2] = msgspec.structs.replace(row, double=True)
        pays(night, fan, 3.125)
    for fan in range(10, 10 + early):
        pays(too_many(night, fan, 1.0), fan, 2.125, well=fan < 12)
    pays(too_many(night, 20, 1.0), 20, 9.0, role="status")  # never came back; the shop was asked for him
    pays(pays(night, 21, 1.0, outcome="fail", why="in-baskets", then="again", claims={"wait_s": 2.0}), 21, 5.0)
    pays(too_many(too_many(night, 22, 1.0, claims={}), 22, 2.0), 22, 5.0)  # told to wait the second time only
    too_many(too_many(night, 23, 1.0), 23, 4.0, 3.0)
    pays(too_many(night, 24, 1.0, None), 24, 5.0)  # not told how long
    for fan in range(5):
        too_many(night, fan, 20.0, role="status", took_s=0.9)
    return night


def nobody_waited() -> Night:
    """Requests that never left, and looks at the shop after the sale, time out: nobody was turned away by that."""
    night = turned_away(Night(), range(20))
    for fan in range(60):
        comes(night, fan, 1.0)
        for how in ({"role": "pay", "sent": False}, {"role": "status"}):
            asks(night, fan, 30.0, outcome="info", why="timeout", then="unknown", took_s=10.0, poll=False, **how)
    return night


GENEROUS = {"statistics": Statistics(shed=Shedding(p99=Duration(S), parseable=Share(0.2), slow_failures=Share(0.9)))}

GUILTY = [
    Guilty(slowly(20), says="a refusal takes up to 900ms (p99), 250ms are allowed", severity="minor"),
    Guilty(turned_away(Night(), range(40), wait_s=[None, 1.0, 2.0]), says="26 of 40 refusals say when to come back"),
    Guilty(turned_away(Night(), range(40), wait_s=[None]), says="0 of 40"),
    Guilty(turned_away(Night(), range(40), wait_s=[-1.0, 86_401.0]), says="0 of 40"),
    Guilty(turned_away(Night(), range(30), wait_s=[2.0]), says="all 30 were told to come back after 2s"),
    Guilty(
        times_out(turned_away(Night(), range(20)), range(100, 160)),
        says="60 of 80 who were turned away got no answer at all, 50% may",
    ),
    Guilty(times_out(turned_away(Night(), range(40), took_ms=400.0, wait_s=[None]), range(100, 200)), 3),
]

INNOCENT = [
    Innocent(turned_away(Night(), range(40)), considered=40),
    Innocent(slowly(1), considered=100),
    Innocent(turned_away(Night(), range(29), wait_s=[2.0])),
    Innocent(times_out(turned_away(Night(), range(40)), range(100, 140))),
    Innocent(turned_away(Night(), range(40), took_ms=250.0)),
    Innocent(turned_away(Night(), range(40), wait_s=[0.0, 86_400.0])),
    Innocent(
        turned_away(Night(), range(40), wait_s=[None, *[1.0, 2.0, 3.0] * 3]),
        changes={"statistics": Statistics(shed=Shedding(parseable=Share(0.9)))},
    ),
    Innocent(times_out(turned_away(slowly(20), range(300, 340), wait_s=[None, 1.0, 2.0]), range(400, 460)), GENEROUS),
    Innocent(polls_refused(), considered=80),
    Innocent(nobody_waited(), considered=20),
]

DOUBTFUL = [
    Doubtful(Night().buys(1), "nobody was turned away for overload", weighs=False),
    Doubtful(times_out(Night(), range(40)), "nobody was turned away for overload"),
    Doubtful(slowly(2), "2 of 100 refusals took longer than 250ms: too few to say"),
    Doubtful(
        came_back(),
        "16 were turned away for overload, 99% within 125ms; 14 of 15 say when to come back; 12 came back when they"
        " were told to, 92% of them were served",
    ),
    Doubtful(came_back(early=5), "; 5 came back too early, 40% of them were served; 12 came back when they were told"),
    Doubtful(we_were_late(), "our own timers were late"),
    Doubtful(turned_away(Night(), range(40), looked=False), "add `hint: {header: Retry-After}`"),
    Doubtful(turned_away(turned_away(Night(), range(40)), range(40, 41), wait_s=[None]), "1 of 41 refusals do not say"),
    Doubtful(times_out(turned_away(Night(), range(4)), range(100, 106)), "too few to call it usual"),
    Doubtful(slowly(20), "SHED: off", changes={"statistics": Statistics(shed="off")}),
]


EQUIVALENT = {
    "_CAME_BACK: role <> 'status' AND [sent_ns IS NOT NULL → TRUE] WINDOW w AS (": (
        "what was never sent stands behind all that was, and is no coming back (next_ns is asked for below)"
    ),
    "_CAME_BACK: IS NOT NULL AND [done_ns IS NOT NULL → TRUE] GROUP BY waited": "who was refused had a reply",
}
