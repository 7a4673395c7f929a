"""DRAIN: what a fault left behind stays, or comes back as a second wave."""

from __future__ import annotations

import msgspec

from surgectl.profile.statistics import Drain, Statistics
from surgectl.profile.values import Duration
from surgectl.recording.evidence_rows import OrderRow
from tests.histories.crowd import crowd, fault
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import EPOCH, Night, S

CHECKER = "DRAIN"

SOON = {"statistics": Statistics(drain=Drain(within=Duration(10 * S)))}


def _night(
    takes_s: float | None,
    load_s: float = 60,
    *,
    leaves: str | None = None,
    after_s: float | None = 0.2,
    waits_s: float = 60,
) -> Night:
    """A fault from 10 to 20 s; the payments begun in it take so long (None: for ever), those begun later `after_s`."""
    night = fault(crowd(Night(), 0, 10, 2), 10, 20)
    crowd(night, 10, 20, 2, answer_s=takes_s, patience_s=waits_s, leaves=leaves)
    return crowd(night, 20, load_s, 2, answer_s=after_s, patience_s=waits_s, leaves=leaves if after_s is None else None)


def _still_pending() -> Night:
    night = _night(None, leaves="unknown")
    for number in range(20, 40):
        row = OrderRow(order=f"o{number}", state="pending", qty=1, keys=[f"run-i{1000 + number}"], at_s=EPOCH + 30)
        night.orders.append(row)
    return night


def _growing() -> Night:
    """Nobody learns anything any more, and everybody keeps waiting."""
    return _night(None, after_s=None, leaves="unknown").without("orders", "tickets")


def _second_wave() -> Night:
    """The fault is over, all is well; twenty seconds later nobody is answered any more, without a fault."""
    night = crowd(fault(crowd(Night(), 0, 10, 5), 10, 20), 10, 45, 5)
    crowd(night, 45, 53, 5, answer_s=None)
    return crowd(night, 53, 60, 5)


def _asks_again() -> Night:
    """The fault is over; twenty seconds later the shop asks its provider for all of them once more, and once more."""
    night = crowd(fault(crowd(Night(), 0, 10, 5), 10, 20), 10, 60, 5)
    old = night.requests[50:100]
    for again in range(2):
        for number, row in enumerate(old):
            night.requests.append(msgspec.structs.replace(row, at_s=EPOCH + 45 + number / 5 + again / 10))
    return night


def _slowly() -> Night:
    """Fans wait to the end of the load for what the fault left, but fewer and fewer; who came later is served."""
    night = fault(crowd(Night(), 0, 10, 2), 10, 20)
    for second in range(10, 20):
        crowd(night, second, second + 1, 2, answer_s=None, patience_s=3 * (second - 9) + 8, leaves="unknown")
    return crowd(night, 20, 45, 2).without("orders", "tickets")


def _books_know() -> Night:
    """Fans gave up waiting twelve seconds after they had paid; the books have what became of it."""
    night = _night(None, leaves="unknown", waits_s=12)
    for number in range(20, 40):
        night.order(1000 + number)
    return night


def _heavier() -> Night:
    """More come after the fault than before it, and those who waited in it never learn."""
    night = fault(crowd(Night(), 0, 10, 2), 10, 20)
    crowd(night, 10, 20, 2, answer_s=None, patience_s=2, leaves="quit")
    crowd(night, 19, 20, 2, answer_s=None, patience_s=60, leaves="quit")
    return crowd(night, 20, 70, 8, answer_s=2).without("orders", "tickets")


GUILTY = [
    Guilty(_still_pending(), says="20 of 20 payments open at the heal are still pending"),
    Guilty(_growing(), says="do not shrink"),
    Guilty(_night(25), changes=SOON, says="10s are allowed"),
    Guilty(_second_wave(), says="second wave of payments without an answer"),
    Guilty(_asks_again(), says="second wave of retries at the provider"),
]

INNOCENT = [
    Innocent(_night(0.2), considered=40),
    Innocent(_night(25)),
    Innocent(_night(12), changes={"statistics": Statistics(drain=Drain(within=Duration(30 * S)))}),
    Innocent(_books_know()),
    Innocent(_night(None, leaves="quit", waits_s=12)),
    Innocent(_slowly()),
]

DOUBTFUL = [
    Doubtful(_growing(), "let it last longer", {"payment_deadline_ns": 300 * S}),
    Doubtful(_heavier(), "more was wanted than before the fault"),
    Doubtful(_books_know(), "whether 10s were kept", SOON, weighs=True),
    Doubtful(_still_pending(), "let it last longer", {"settled": False, "payment_deadline_ns": 300 * S}),
    Doubtful(fault(crowd(Night(), 30, 40, 2), 10, 20), "nobody had paid before a fault ended"),
    Doubtful(crowd(Night(), 0, 60, 2), "no fault was applied", weighs=False),
    Doubtful(_night(25), "off", {"statistics": Statistics(drain="off")}, weighs=False),
]
