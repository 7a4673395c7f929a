"""Every checker before three histories: guilty, innocent, doubtful, in that order."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from surgectl.audit.checkers.registry import CHECKERS
from surgectl.audit.finding import Finding
from tests.histories.night import EPOCH, PRICE, Night


def judge(name: str, night: Night, **changes: object) -> Finding:
    with night.relations() as relations:
        return CHECKERS[name](relations, night.expectations(**changes))


def usual() -> Night:
    """Three buyers, one of two tickets; one refused."""
    return Night().buys(1, seat="A1").buys(2, 2, seat="B").buys(3, seat="C1").refused(4)


def later(night: Night, change: Callable[[Night], object]) -> Night:
    change(night)
    return night


def void_order(night: Night, order: str) -> None:
    night.orders = [msgspec.structs.replace(o, state="void") if o.order == order else o for o in night.orders]
    night.tickets = [msgspec.structs.replace(t, state="void") if t.order == order else t for t in night.tickets]


def twice_charged() -> Night:
    return usual().charge(1, charge="ch1b")


def charged_for_nothing() -> Night:
    return usual().loses_reply(5).order(5, state="void").charge(5)


def charged_yesterday() -> Night:
    """A charge of an earlier evening that no fan of this one explains."""
    night = usual().charge(9, linked=False)
    night.charges[-1] = msgspec.structs.replace(night.charges[-1], at_s=EPOCH - 86400)
    return night


def free_ticket() -> Night:
    return usual().loses_reply(5).order(5)


GUILTY: list[tuple[str, Night, dict[str, object], int, str | None]] = [
    ("OVERSELL", usual(), {"capacity": 3}, 1, "run-i3"),
    ("OVERSELL", usual().without("tickets"), {"capacity": 3}, 1, "run-i3"),
    ("OVERSELL", usual().without("tickets", "orders"), {"capacity": 3}, 1, "run-i3"),
    ("OVERSELL", usual().flaw("tickets", complete=False), {"capacity": 3}, 1, "run-i3"),
    ("SEAT2", usual().buys(5, seat="A1"), {}, 1, "run-i5"),
    (
        "SEAT2",
        Night()
        .buys(1)
        .buys(2)
        .told(1, "pay", "ok", "confirmed", claims={"order": "o1", "seats": ["A1"]})
        .told(2, "pay", "ok", "confirmed", claims={"order": "o2", "seats": ["A1"]}),
        {},
        1,
        "run-i2",
    ),
    (
        "CONSERVE",
        usual().stands(available=5, held=0, sold=4),
        {},
        1,
        None,
    ),
    (
        "CONSERVE",
        usual().stands(available=-1, held=7, sold=4),
        {},
        1,
        None,
    ),
    ("LEAK", usual().abandons(5).stands(available=5, held=1, sold=4), {}, 1, "run-i5"),
    ("LEAK", usual().stands(available=4, held=2, sold=4), {}, 2, None),
    ("DUPCHARGE", twice_charged(), {}, 1, "run-i1"),
    ("DUPCHARGE", twice_charged().refund("ch1b", PRICE // 2), {}, 1, "run-i1"),
    ("DUPCHARGE", twice_charged().refund("ch1b", state="pending"), {}, 1, "run-i1"),
    ("CHARGED_NO_TICKET", charged_for_nothing(), {}, 1, "run-i5"),
    ("CHARGED_NO_TICKET", usual().loses_reply(5).charge(5), {}, 1, "run-i5"),
    ("CHARGED_NO_TICKET", usual().loses_reply(5).order(5, state="pending").charge(5), {}, 1, "run-i5"),
    ("CHARGED_NO_TICKET", charged_for_nothing().order(9, order="stray", linked=False), {}, 1, "run-i5"),
    ("TICKET_NO_CHARGE", free_ticket(), {}, 1, "run-i5"),
    ("TICKET_NO_CHARGE", usual().refund("ch1"), {}, 1, "run-i1"),
    ("LOST_TICKET", later(usual(), lambda n: void_order(n, "o1")), {}, 1, "run-i1"),
    ("LOST_TICKET", later(usual(), lambda n: n.tickets.pop(1)), {}, 1, "run-i2"),
    ("LOST_TICKET", later(usual(), lambda n: (n.orders.pop(0), n.tickets.pop(0))), {}, 1, "run-i1"),
    ("LOST_TICKET", usual().told(1, "pay", "ok", "confirmed", claims={"order": "o1", "qty": 2}), {}, 1, "run-i1"),
    (
        "LOST_TICKET",
        usual().told(1, "pay", "ok", "confirmed", claims={"order": "o1", "tickets": ["x"]}),
        {},
        1,
        "run-i1",
    ),
    ("LOST_TICKET", usual().told(3, "pay", "ok", "confirmed", claims={"order": "o1"}), {}, 2, "run-i1"),
    ("GHOST", usual().charge(4), {}, 1, "run-i4"),
    ("GHOST", usual().order(4), {}, 1, "run-i4"),
    ("AMOUNT", later(usual(), lambda n: n.charges.pop(0)).charge(1, amount=PRICE + 1), {}, 1, "run-i1"),
    ("AMOUNT", later(usual(), lambda n: n.charges.pop(0)).charge(1, currency="usd"), {}, 1, "run-i1"),
    ("REFUND", usual().refund("ch1", PRICE).refund("ch1", 1), {}, 2, "run-i1"),
    ("AUTH_LEFT", usual().loses_reply(5).charge(5, amount=0, authorised=PRICE, state="authorised"), {}, 1, "run-i5"),
    ("PHANTOM", usual().charge(9, linked=False), {"exclusive": True}, 1, None),
    (
        "DUPORDER",
        usual().order(1, order="o1b").charge(1, charge="ch1b", order="o1b"),
        {"one_order_per": "intent"},
        1,
        "run-i1",
    ),
    ("LIMIT", usual(), {"limit": 1}, 1, "run-i2"),
    ("IDEM_REPLAY", usual().charge(1, charge="ch1b", key="shop-key-1"), {}, 1, "run-i1"),
    (
        "IDEM_REPLAY",
        usual().send(1, "pay", "ok", "confirmed", key="key-000001", claims={"order": "o99"}),
        {},
        1,
        "run-i1",
    ),
    ("REGRESS", usual().told(1, "status", "fail", "declined", op=9, status_read=True), {}, 1, "run-i1"),
    (
        "LIMBO",
        usual().loses_reply(5).told(5, "status", "ok", "accepted", op=9, status_read=True),
        {},
        1,
        "run-i5",
    ),
]


@pytest.mark.parametrize("name, night, changes, violations, intent", GUILTY)
def test_guilty(name: str, night: Night, changes: dict[str, object], violations: int, intent: str | None) -> None:
    """A shop that did it is convicted, and the fan to whom it was done is named with the lines that prove it."""
    found = judge(name, night, **changes)
    assert (found.id, found.verdict, found.violations) == (name, "fail", violations), found
    assert found.configured and found.kind == "ledger"
    example = found.examples[0]
    assert intent is None or example.intent == intent
    if example.intent:
        assert example.fan == int(example.intent.removeprefix("run-i"))
        assert {moment.lane for moment in example.timeline} >= {"fan"}
        assert all(moment.where for moment in example.timeline)


INNOCENT: list[tuple[str, Night, dict[str, object]]] = [
    *[
        (name, usual(), {"limit": 2, "exclusive": True})
        for name in CHECKERS
        if name not in ("AUTH_LEFT", "REGRESS", "LIMBO")
    ],
    ("OVERSELL", usual(), {"capacity": 4}),
    (
        "CONSERVE",
        usual().stands(available=4, held=2, sold=4),
        {},
    ),
    ("LEAK", usual().stands(available=5, held=1, sold=4, at_s=100.0).still_holds("h9", expires_s=101.0), {}),
    ("DUPCHARGE", twice_charged().refund("ch1b"), {}),
    ("DUPCHARGE", usual().order(1, order="o1b").charge(1, charge="ch1b", order="o1b"), {}),
    (
        "DUPCHARGE",
        later(usual(), lambda n: n.charges.pop(0)).charge(1, amount=900, charge="a").charge(1, amount=8000, charge="b"),
        {},
    ),
    (
        "AMOUNT",
        later(usual(), lambda n: n.charges.pop(0)).charge(1, amount=900, charge="a").charge(1, amount=8000, charge="b"),
        {},
    ),
    ("CHARGED_NO_TICKET", charged_for_nothing().refund("ch5"), {}),
    ("CHARGED_NO_TICKET", usual().loses_reply(5).order(5).charge(5), {}),
    ("TICKET_NO_CHARGE", usual().loses_reply(5).order(5, amount=0), {}),
    ("GHOST", usual().loses_reply(5).order(5).charge(5), {}),
    ("GHOST", usual().charge(4).refund("ch4"), {}),
    ("LOST_TICKET", usual().loses_reply(5), {}),
    ("LOST_TICKET", usual().told(1, "pay", "ok", "confirmed", claims={"order": "o1", "tickets": ["o1-t0"]}), {}),
    ("LOST_TICKET", usual().told(1, "pay", "ok", "confirmed", claims={"order": "another-name-for-o1"}), {}),
    ("REFUND", charged_for_nothing().refund("ch5"), {}),
    ("AUTH_LEFT", usual().loses_reply(5).charge(5, amount=0, authorised=PRICE, state="voided"), {}),
    ("DUPORDER", usual().order(1, order="o1b").charge(1, charge="ch1b", order="o1b"), {}),
    ("REGRESS", usual().told(1, "status", "ok", "confirmed", op=9, status_read=True), {}),
    ("REGRESS", usual().told(1, "status", "ok", "accepted", op=9, status_read=True), {}),
    ("LIMBO", usual().loses_reply(5).told(5, "status", "fail", "declined", op=9, status_read=True), {}),
    ("PHANTOM", charged_yesterday(), {"exclusive": True}),
]


@pytest.mark.parametrize("name, night, changes", INNOCENT)
def test_innocent(name: str, night: Night, changes: dict[str, object]) -> None:
    """A shop that did nothing wrong passes, on the strength of something it could have done wrong."""
    found = judge(name, night, **changes)
    assert (found.verdict, found.violations, found.examples) == ("pass", 0, []), found
    assert found.considered > 0


NOT_SETTLED = {"settled": False}
DOUBTFUL: list[tuple[str, Night, dict[str, object], str]] = [
    # nothing was tried
    *[
        (name, Night(), {"require": (name,), "limit": 2, "exclusive": True}, "")
        for name in CHECKERS
        if name != "CONSERVE"
    ],
    # the books are missing
    ("OVERSELL", usual().without("orders", "tickets"), {}, "gives no orders"),
    ("CONSERVE", usual().without("stock"), {}, "gives no stock"),
    ("LEAK", usual().without("stock"), {}, "gives no stock"),
    ("DUPCHARGE", twice_charged().without("charges"), {}, "gives no charges"),
    ("CHARGED_NO_TICKET", charged_for_nothing().without("orders"), {}, "gives no orders"),
    ("TICKET_NO_CHARGE", free_ticket().without("charges"), {}, "gives no charges"),
    ("LOST_TICKET", usual().without("orders"), {}, "gives no orders"),
    ("GHOST", usual().charge(4).without("orders"), {}, "gives no orders"),
    # the books are not whole, or moved while they were read
    ("CHARGED_NO_TICKET", charged_for_nothing().flaw("orders", complete=False), {}, "not read completely"),
    ("CHARGED_NO_TICKET", charged_for_nothing().flaw("orders", declared=99), {}, "not read completely"),
    ("LOST_TICKET", later(usual(), lambda n: void_order(n, "o1")).flaw("orders", stable=False), {}, "still changed"),
    ("DUPCHARGE", twice_charged().flaw("charges", error="HTTP 500"), {}, "HTTP 500"),
    ("OVERSELL", usual().flaw("tickets", complete=False), {}, "not read completely"),
    ("OVERSELL", free_ticket().flaw("tickets", stable=False), {"capacity": 4}, "still changed"),
    # it may still put itself right
    (
        "LEAK",
        usual().stands(available=5, held=1, sold=4),
        NOT_SETTLED,
        "settle",
    ),
    ("DUPCHARGE", twice_charged(), NOT_SETTLED, "settle"),
    ("CHARGED_NO_TICKET", charged_for_nothing(), NOT_SETTLED, "settle"),
    ("TICKET_NO_CHARGE", free_ticket(), NOT_SETTLED, "settle"),
    ("AMOUNT", later(usual(), lambda n: n.charges.pop(0)).charge(1, amount=1), NOT_SETTLED, "settle"),
    ("GHOST", usual().charge(4), NOT_SETTLED, "settle"),
    ("AUTH_LEFT", usual().loses_reply(5).charge(5, amount=0, authorised=1, state="authorised"), NOT_SETTLED, "settle"),
    # it may be somebody else's
    ("OVERSELL", usual().order(9, order="stray", linked=False), {"capacity": 4}, "link to no intent"),
    (
        "CHARGED_NO_TICKET",
        usual().loses_reply(5).charge(5).order(9, order="stray", linked=False),
        {},
        "may be the tickets",
    ),
    ("TICKET_NO_CHARGE", free_ticket().charge(9, linked=False), {}, "may have paid"),
    ("DUPCHARGE", usual().charge(9, linked=False), {}, "find their intent"),
    ("PHANTOM", usual().charge(9, linked=False), {}, "one of its own"),
    # the books do not say enough
    ("CHARGED_NO_TICKET", charged_for_nothing().without("refunds"), {}, "refunds"),
    ("TICKET_NO_CHARGE", usual().loses_reply(5).order(5).charge(5, amount=0, state="processing"), {}, "processing"),
    ("LIMIT", usual(), {}, "no limit"),
    ("SEAT2", Night().buys(1), {}, "no ticket carries a seat"),
    ("LIMBO", usual().loses_reply(5), {}, "no status was read"),
]


@pytest.mark.parametrize("name, night, changes, says", DOUBTFUL)
def test_doubtful(name: str, night: Night, changes: dict[str, object], says: str) -> None:
    """What nobody can tell is unknown, with the reason and what to do; never a pass and never a conviction."""
    found = judge(name, night, **changes)
    assert (found.verdict, found.violations, found.examples) == ("unknown", 0, []), found
    assert says in found.reason and found.reason
