"""METASTABLE: the fault is gone, and the crowd's retries keep the shop down."""

from __future__ import annotations

from surgectl.profile.statistics import Metastable, Statistics
from surgectl.profile.values import Duration
from tests.histories.crowd import crowd, fault
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import Night, S
from tests.histories.rush import asks, comes

CHECKER = "METASTABLE"

SHORT = {"statistics": Statistics(metastable=Metastable(grace=Duration(8 * S)))}


def _night(
    until_s: float,
    load_s: float = 80,
    *,
    sends: int = 4,
    per_s: float = 2,
    calm_per_s: float = 2,
    role: str = "pay",
    answer_s: float | None = None,
    end: str = "confirmed",
    patience_s: float = 2,
) -> Night:
    """A fault from 10 to 20 s; the crowd retries in vain until `until_s`, and is served from then on."""
    night = fault(crowd(Night(), 0, 10, calm_per_s, role=role), 10, 20)
    crowd(night, 10, until_s, per_s, role=role, answer_s=answer_s, end=end, sends=sends, patience_s=patience_s)
    return crowd(night, until_s, load_s, per_s, role=role)


def _payments_alone() -> Night:
    """Payments are stuck; the many who come for a basket are told to come back, which is an answer."""
    return crowd(_night(80), 0, 80, 8, role="hold", end="again")


def _retriggered(good_again_s: float | None) -> Night:
    """Good again for twenty seconds, then it falls without a fault; maybe it gets up once more."""
    night = crowd(fault(crowd(Night(), 0, 10, 2), 10, 20), 10, 45, 2)
    crowd(night, 45, good_again_s or 95, 2, answer_s=None, sends=4)
    return crowd(night, good_again_s, 95, 2) if good_again_s else night


def _storm_behind() -> Night:
    """The crowd only waits; it is the shop that asks its provider six times for each payment, and drowns it."""
    night = fault(crowd(Night(), 0, 10, 2), 10, 20)
    return crowd(night, 10, 80, 2, answer_s=None, patience_s=3, posts=6)


def _two_faults(second_until_s: float) -> Night:
    """Too little time between the faults to tell; after the second one everybody can see."""
    night = fault(_night(second_until_s, 110), 30, 40, number="1", brownout="slow")
    return night


def _long_waits() -> Night:
    """Fans give up a basket or a payment after two seconds; it is others who waited a minute for something."""
    night = comes(_night(80), 1, 1)
    asks(night, 1, 1, role="join", outcome="info", why="timeout", took_s=60, poll=False)
    asks(night, 1, 1, role="pay", outcome="info", why="timeout", took_s=60)
    asks(night, 1, 1, role="hold", why="next", took_s=60, poll=False)
    return night


GUILTY = [
    Guilty(_night(80), says="payments after down on payments: 0% of what could be expected"),
    Guilty(_night(80, role="hold"), says="holds after down"),
    Guilty(_payments_alone(), says="payments after down"),
    Guilty(_night(50, 50), changes=SHORT, says="4 requests for each want (1 before it)"),
    Guilty(_retriggered(None), says="poor without a fault"),
    Guilty(_two_faults(110), says="after slow on payments"),
    Guilty(_storm_behind(), says="6 at the provider (1 before it)"),
    Guilty(_long_waits(), says="0% of what could be expected"),
    Guilty(_night(80, end="shed", answer_s=0.1), says="0% of what could be expected"),
]

INNOCENT = [
    Innocent(_night(20, 60), considered=80),
    Innocent(_night(45)),
    Innocent(_night(80, sends=1)),  # poor, but nobody retries: RECOVERY's to say
    Innocent(_night(80, sends=4, answer_s=0.1, end="sold-out")),  # told the truth at last, in time
    Innocent(_night(80, sends=1, answer_s=0.1, end="sold-out")),
    Innocent(_night(80, sends=1, answer_s=0.1, end="again", role="hold")),
    Innocent(_two_faults(45)),
]

DOUBTFUL = [
    Doubtful(_night(40, 40), "35.0 s are needed"),
    Doubtful(_night(60, 60, sends=2, patience_s=15), "50.0 s are needed"),  # three times the fans' patience
    Doubtful(_night(80, per_s=6), "more was wanted than before the fault"),
    Doubtful(_retriggered(58), "poor without a fault"),
    Doubtful(_night(20, 20), "hardly anybody wanted anything after the fault"),
    Doubtful(_night(80, calm_per_s=0.9), "too little of a calm"),
    Doubtful(crowd(Night(), 0, 60, 2), "no fault was applied", weighs=False),
    Doubtful(_night(40, 40), "are needed", SHORT | {"statistics": Statistics(metastable=Metastable())}, weighs=True),
    Doubtful(_night(80), "off", {"statistics": Statistics(metastable="off")}, weighs=False),
]
