"""DRAIN: what a fault left behind stays, or comes back as a second wave."""

from __future__ import annotations

import msgspec

from surgectl.profile.statistics import Drain, Statistics
from surgectl.profile.values import Duration
from surgectl.recording.evidence_rows import OrderRow
from surgectl.recording.rows import DoneRow, InvokeRow, Outcome, ToldRow
from tests.histories.crowd import crowd, fault
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import EPOCH, Night, S
from tests.histories.rush import asks

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


def _looked_up(night: Night, end: str, outcome: Outcome = "ok", fans: range = range(1020, 1040)) -> Night:
    """After the sale the shop is asked what became of these payments."""
    for fan in fans:
        night.ops.append(
            ToldRow(
                intent=f"run-i{fan}",
                op=1,
                step="pay",
                role="pay",
                outcome=outcome,
                end=end,
                at_ns=99 * S,
                status_read=True,
            )
        )
    return night


def _growing_but(end: str, outcome: Outcome = "ok") -> Night:
    """One learns the fate of his payment; of the others' the shop says so and so when asked, and newcomers wait."""
    return _looked_up(crowd(_growing(), 19, 20, 1, answer_s=5), end, outcome)


def _held_before() -> Night:
    """Whoever pays had a basket first; that they were given one says nothing of the payment."""
    night = _growing()
    for fan in range(1020, 1040):
        asks(night, fan, 5, role="hold", why="next", then="next", poll=False)
        night.ops.append(
            ToldRow(intent=f"run-i{fan}", op=0, step="hold", role="hold", outcome="ok", end="next", at_ns=6 * S)
        )
    return crowd(night, 19, 20, 1, answer_s=5)


def _to_the_instant() -> Night:
    """One gives up in the instant of the heal, one pays in it: neither waited at the heal. Newcomers wait for ever."""
    night = fault(crowd(Night(), 0, 10, 2), 10, 20)
    crowd(night, 14, 16, 0.5, answer_s=None, patience_s=5, leaves="unknown")
    crowd(night, 5, 10, 2, role="hold", end="next")
    return crowd(night, 19.75, 60, 2, answer_s=None, patience_s=60, leaves="unknown").without("orders", "tickets")


def _noise() -> Night:
    """All payments are answered; twenty seconds after the fault, baskets, polls and double clicks are not."""
    night = crowd(fault(crowd(Night(), 0, 10, 5), 10, 20), 10, 60, 5)
    crowd(night, 45, 53, 10, role="hold", answer_s=None)
    for number in range(80):
        fan, at_s = 1100 + number, 45 + number / 10
        asks(night, fan, at_s, role="pay", outcome="info", why="timeout", then="unknown", took_s=2)
        attempt, at_ns = f"run-i{fan}.double", round(at_s * S)
        night.ops.append(
            InvokeRow(
                attempt=attempt,
                intent=f"run-i{fan}",
                step="pay",
                role="pay",
                op=1,
                due_ns=at_ns,
                at_ns=at_ns,
                double=True,
            )
        )
        night.ops.append(DoneRow(attempt=attempt, outcome="info", why="timeout", sent_ns=at_ns, done_ns=at_ns + 2 * S))
    return night


def _one_learnt() -> Night:
    """The books know of everybody, but of the fans one learnt it and the others gave up: when, nobody knows."""
    return crowd(_books_know(), 19, 20, 1, answer_s=5)


def _unlisted() -> Night:
    """One learns the fate of his payment; the books know of nothing else, and newcomers wait."""
    return crowd(_night(None, after_s=None, leaves="unknown"), 19, 20, 1, answer_s=5)


GUILTY = [
    Guilty(_still_pending(), says="20 of 20 payments open at the heal are still pending"),
    Guilty(_growing(), says="do not shrink"),
    Guilty(_night(25), changes=SOON, says="10s are allowed"),
    Guilty(_second_wave(), says="second wave of payments without an answer"),
    Guilty(_asks_again(), says="second wave of retries at the provider"),
    Guilty(_growing_but("accepted"), says="do not shrink"),
    Guilty(_growing_but("unknown", "info"), says="do not shrink"),
    Guilty(_growing_but("not-sent", "fail"), says="do not shrink"),
    Guilty(_held_before(), says="do not shrink"),
]

INNOCENT = [
    Innocent(_night(0.2), considered=40),
    Innocent(_night(25)),
    Innocent(_night(12), changes={"statistics": Statistics(drain=Drain(within=Duration(30 * S)))}),
    Innocent(_books_know()),
    Innocent(_night(None, leaves="quit", waits_s=12)),
    Innocent(_slowly()),
    Innocent(_growing_but("confirmed")),
    Innocent(_looked_up(crowd(_still_pending(), 19, 20, 1, answer_s=5), "confirmed")),
    Innocent(_to_the_instant(), considered=21),
    Innocent(_noise()),
    Innocent(_one_learnt()),
    Innocent(_unlisted()),
]

DOUBTFUL = [
    Doubtful(_growing(), "let it last longer", {"payment_deadline_ns": 300 * S}),
    Doubtful(_heavier(), "more was wanted than before the fault"),
    Doubtful(_books_know(), "whether 10s were kept", SOON, weighs=True),
    # The shop's books were read too early to say that nothing became of the others.
    Doubtful(_unlisted(), "let it last longer", {"settled": False, "payment_deadline_ns": 300 * S}),
    Doubtful(_one_learnt(), "whether 10s were kept", SOON),
    Doubtful(_still_pending(), "let it last longer", {"settled": False, "payment_deadline_ns": 300 * S}),
    Doubtful(fault(crowd(Night(), 30, 40, 2), 10, 20), "nobody had paid before a fault ended"),
    Doubtful(crowd(Night(), 0, 60, 2), "no fault was applied", weighs=False),
    Doubtful(_night(25), "off", {"statistics": Statistics(drain="off")}, weighs=False),
]
