"""RECOVERY: the fault is gone, and the shop is not itself again."""

from __future__ import annotations

from surgectl.profile.statistics import Recovery, Statistics
from surgectl.profile.values import Duration
from tests.histories.crowd import crowd, fault
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import Night, S

CHECKER = "RECOVERY"

SOON = {"statistics": Statistics(recovery=Recovery(within=Duration(10 * S)))}
SOONER = {"statistics": Statistics(recovery=Recovery(within=Duration(20 * S)))}
QUICK = {"payment_timeout_ns": S // 2}
"""A shop of short constants is looked at in steps of a quarter of a second."""


def _night(bad_s: float, load_s: float, *, role: str = "pay", end: str = "unknown", per_s: float = 2) -> Night:
    """A fault from 10 to 20 s; nobody is answered until `bad_s`, everybody after it, until the load ends."""
    night = fault(crowd(Night(), 0, 10, per_s, role=role), 10, 20)
    crowd(night, 10, bad_s, per_s, role=role, answer_s=None if end == "unknown" else 0.1, end=end)
    return crowd(night, bad_s, load_s, per_s, role=role)


def _only_holds() -> Night:
    """Baskets fill as ever, ten times as many as payments, and none of these gets through."""
    night = _night(70, 70)
    return crowd(night, 0, 70, 20, role="hold", end="again")


def _refusals(word: str, before: bool) -> Night:
    """After the fault two in ten payments are refused in a word of the shop's own; maybe as many were before it."""
    night = fault(crowd(Night(), 0, 10, 8), 10, 20)
    crowd(night, 0, 10, 2, end=word if before else "confirmed")
    crowd(night, 10, 60, 8)
    return crowd(night, 10, 60, 2, end=word)


def _some(share: float) -> Night:
    night = fault(crowd(Night(), 0, 10, 10), 10, 20)
    crowd(night, 10, 60, 10 * share)
    return crowd(night, 10, 60, 10 * (1 - share), answer_s=None)


def _stragglers() -> Night:
    """The load ends with the fault; a few who still try are not answered, for a minute."""
    return crowd(_night(20, 20), 20, 80, 0.1, answer_s=None)


def _few_payments() -> Night:
    """Baskets are filled as ever after the fault, but of the few payments none is answered."""
    return crowd(_stragglers(), 0, 60, 4, role="hold", end="next")


def _twice() -> Night:
    """The first fault is got over, the second is not."""
    night = fault(_night(20, 60), 60, 70, number="1", brownout="slow")
    return crowd(night, 60, 110, 2, answer_s=None)


GUILTY = [
    Guilty(_night(70, 70), says="not itself again"),
    Guilty(_night(56, 80), says="are allowed"),
    Guilty(_night(34, 60), changes=SOON, says="10s are allowed"),
    Guilty(_night(60, 60, role="hold"), says="not itself again"),
    Guilty(_only_holds(), says="not itself again"),
    Guilty(_night(60, 60, end="shed"), says="not itself again"),
    Guilty(_refusals("not-paid", before=False), says="not itself again"),
    Guilty(_some(0.7), says="not itself again"),
    Guilty(_twice(), says="slow on payments"),
]

INNOCENT = [
    Innocent(_night(20, 60)),
    Innocent(_night(40, 70)),
    Innocent(_night(34, 60), changes=SOONER),  # to the second what is allowed
    Innocent(_night(60, 60, end="sold-out")),
    Innocent(_refusals("no-such-card", before=True)),
    Innocent(_refusals("declined", before=False)),
    Innocent(_night(60, 60, end="again", role="hold")),
    Innocent(_night(22, 36, per_s=8), changes=SOON | QUICK),
]

DOUBTFUL = [
    Doubtful(_stragglers(), "only 6 payments were tried after the fault, 0 of them answered"),
    Doubtful(_few_payments(), "only 6 payments were tried after the fault, 0 of them answered"),
    Doubtful(_night(25, 36), "15s are needed"),
    Doubtful(_night(40, 40), "let the load last"),
    Doubtful(_night(40, 40), "let the load last", SOONER),
    Doubtful(_night(20, 20), "hardly anybody wanted anything after the fault"),
    Doubtful(crowd(Night(), 0, 60, 2), "no fault was applied", weighs=False),
    Doubtful(_night(40, 40), "let the load last", SOON | {"statistics": Statistics(recovery=Recovery())}, weighs=True),
    Doubtful(_night(70, 70), "off", {"statistics": Statistics(recovery="off")}, weighs=False),
]
