"""What strange shops taught the auditor: each a history that once was passed in silence, and its innocent neighbour."""

from __future__ import annotations

import msgspec
import pytest

from surgectl.audit.checkers.registry import CHECKERS
from surgectl.audit.finding import Finding
from surgectl.recording.evidence_rows import StockRow
from tests.histories.night import PRICE, Night


def judge(name: str, night: Night, **changes: object) -> Finding:
    with night.relations() as relations:
        return CHECKERS[name](relations, night.expectations(**changes))


def usual() -> Night:
    return Night().buys(1).buys(2, qty=2).refused(4)


def short() -> Night:
    """The shop says "confirmed" and no more, and issues one ticket of the two that were paid."""
    night = Night().buys(1)
    night.fan(2, 2)
    night.hold(2, 2).send(2, "pay", "ok", "confirmed").told(2, "pay", "ok", "confirmed", claims={"order": "o2"})
    night.order(2, 2).charge(2, 2)
    night.tickets.pop()
    return night


def twice_in_its_books() -> Night:
    """Charged twice, and the shop's own order says the double sum."""
    return Night().buys(1).loses_reply(5).order(5, amount=2 * PRICE).charge(5).charge(5, charge="ch5b")


def acknowledged() -> Night:
    """Told "we have your order", and nobody ever read a status page."""
    night = usual()
    night.fan(5)
    night.hold(5).send(5, "pay", "ok", "accepted")
    return night.told(5, "pay", "ok", "accepted", claims={"order": "o5"}).left(5, "accepted", "ok")


def fewer_for_the_same() -> Night:
    """Two were held and shown; the order is for one, and the card pays for two."""
    return Night().buys(1).loses_reply(5, qty=2).order(5).charge(5, 2)


def nameless() -> Night:
    night = usual()
    night.orders[1] = msgspec.structs.replace(night.orders[1], identity=None)
    return night


def written_differently() -> Night:
    """One person, whose address the shop keeps as it was typed."""
    night = usual().order(2, 2, order="o2b").charge(2, 2, charge="ch2b", order="o2b")
    night.orders[-1] = msgspec.structs.replace(night.orders[-1], identity="Fan-2@Example.org")
    return night


def two_kinds(leaked: int) -> Night:
    """Two kinds of ticket, a stock row each; what is missing is missing in the first."""
    night = usual()
    first = StockRow(capacity=5, available=4 - leaked, held=0, sold=1, pending=0)
    night.stock = [first, StockRow(capacity=5, available=3, held=0, sold=2, pending=0)]
    return night


def half_ours() -> Night:
    """A seat on a ticket of this run and on one that nobody can link."""
    return Night().buys(1, seat="A1").order(7, order="elsewhere", seat="A1", linked=False)


def unanswered() -> Night:
    """The status page is asked at the end, and gives no answer."""
    return usual().loses_reply(5).told(5, "status", "info", "unknown", op=9, status_read=True)


@pytest.mark.parametrize(
    "name, night, intent",
    [
        ("CHARGED_NO_TICKET", short(), "run-i2"),
        ("DUPCHARGE", twice_in_its_books(), "run-i5"),
        ("LIMBO", acknowledged().order(5, state="pending"), "run-i5"),
        ("LIMIT", written_differently(), "run-i2"),
        ("LEAK", two_kinds(leaked=1), None),
        ("AMOUNT", fewer_for_the_same(), "run-i5"),
        ("AMOUNT", usual().loses_reply(5).order(5, 2).charge(5, 2), "run-i5"),  # one was held, two are sold
    ],
)
def test_guilty(name: str, night: Night, intent: str | None) -> None:
    """What a strange shop did wrong is found, and its fan is named."""
    found = judge(name, night, limit=2)
    assert (found.verdict, found.violations) == ("fail", 1), found
    assert intent is None or found.examples[0].intent == intent


@pytest.mark.parametrize(
    "name, night",
    [
        ("CHARGED_NO_TICKET", short().refund("ch2", PRICE)),  # one ticket cancelled, and its half of the money back
        ("DUPCHARGE", usual().loses_reply(5).order(5).charge(5, amount=900).charge(5, amount=8000, charge="rest")),
        ("LIMBO", acknowledged().order(5).charge(5)),
        ("LIMBO", acknowledged().order(5, state="void")),
        # A basket that was left alone beside the order that counts.
        ("LIMBO", acknowledged().order(5).charge(5).order(5, order="basket", state="pending")),
        ("LEAK", two_kinds(leaked=0)),
        ("AMOUNT", fewer_for_the_same().refund("ch5", PRICE)),
        (
            "AMOUNT",
            Night().buys(1).loses_reply(5, qty=2).charge(5, 2),
        ),  # no order yet: what was wanted and shown counts
    ],
)
def test_innocent(name: str, night: Night) -> None:
    """The same, done rightly, passes."""
    found = judge(name, night, limit=2)
    assert found.verdict == "pass", found


def test_a_page_without_a_number_is_no_second_order() -> None:
    """The status page says "confirmed" and names no order: it is the one that was confirmed before, counted once."""
    night = Night().buys(1).told(1, "status", "ok", "confirmed", op=9, status_read=True)
    assert judge("LOST_TICKET", night).considered == 1


@pytest.mark.parametrize(
    "name, night, reason",
    [
        ("LIMIT", nameless(), "map `identity`"),
        ("LIMIT", usual().order(9, linked=False), "find their intent"),
        ("REFUND", usual().without("refunds"), "do not tell of refunds"),
        ("SEAT2", half_ours(), "links to no intent"),
        ("LIMBO", unanswered(), "gave no answer"),
        ("LIMBO", acknowledged(), "do not know 1 orders that were acknowledged"),
        ("CHARGED_NO_TICKET", short().without("refunds"), "do not tell of refunds"),
    ],
)
def test_doubtful(name: str, night: Night, reason: str) -> None:
    """Where the books leave it open, it is unknown, with what to configure."""
    found = judge(name, night, limit=2)
    assert (found.verdict, found.violations) == ("unknown", 0), found
    assert reason in found.reason
