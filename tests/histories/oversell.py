"""More tickets than places: by the books, by what fans were told, and how it only looks so."""

from __future__ import annotations

from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.usual import ALONE, PRICE, Night, bent, free_ticket, later, stray_order, usual, void_order


def told_twice() -> Night:
    """Confirmed without a number, and again on the status page with one."""
    return Night().loses_reply(1).told(1, "pay", "ok", "confirmed").told(1, "status", "ok", "confirmed", op=9)


def two_names() -> Night:
    """The payment's answer names the order one way, the status page another."""
    night = Night().loses_reply(1).told(1, "pay", "ok", "confirmed", claims={"order": "o1"})
    return night.told(1, "status", "ok", "confirmed", op=9, claims={"order": "ORD-1"}).order(1).charge(1)


def sold_on(state: str = "void", back: int = PRICE) -> Night:
    """Confirmed under a name of its own, cancelled, paid back; the place goes to somebody else."""
    night = Night().loses_reply(1).told(1, "pay", "ok", "confirmed", claims={"order": "ORD-1"})
    if state:
        night.order(1, state=state)
    return night.charge(1).refund("ch1", back).buys(2)


def one_of_two() -> Night:
    """Wanted two, was confirmed without a number, and the books say one."""
    return Night().loses_reply(1, 2).told(1, "pay", "ok", "confirmed", claims={"order": "o1"}).order(1).charge(1)


def fewer(hold: bool = False) -> Night:
    """Wanted two, took the last one, and was confirmed without a number; nobody has books of it."""
    night = Night()
    night.fan(1, 2)
    if hold:
        night.hold(1, 1)
    night.send(1, "pay", "ok", "confirmed").told(1, "pay", "ok", "confirmed").left(1, "confirmed", "ok")
    return night.without("orders", "tickets")


def shared() -> Night:
    """One order is confirmed to two fans, and the books are not there."""
    night = Night().buys(1).loses_reply(2).told(2, "pay", "ok", "confirmed", claims={"order": "o1"})
    return night.without("orders", "tickets")


def renamed_promises() -> Night:
    night = Night()
    for fan in (1, 2):
        night.loses_reply(fan).told(fan, "pay", "ok", "confirmed", claims={"order": f"ORD-{fan}"}).order(fan).charge(
            fan
        )
    return night


CHECKER = "OVERSELL"
GUILTY = [
    Guilty(usual(), intent="run-i3", changes={"capacity": 3}, says="number 4 where 3 exist", severity="critical"),
    Guilty(usual().without("tickets"), intent="run-i3", changes={"capacity": 3}),
    Guilty(usual().without("tickets", "orders"), intent="run-i3", changes={"capacity": 3}, says="promised of 3"),
    Guilty(usual().flaw("tickets", complete=False), intent="run-i3", changes={"capacity": 3}),
    Guilty(usual(), 3, "run-i2", {"capacity": 1}),
    # The books moved while they were read; what was promised stands all the same.
    Guilty(usual().flaw("tickets", stable=False), 1, "run-i3", {"capacity": 3}, says="promised of 3"),
    Guilty(usual().flaw("orders", stable=False), 1, "run-i3", {"capacity": 3}, says="promised of 3"),
    # Nobody was told, and yet they are valid.
    Guilty(free_ticket(), 1, "run-i5", {"capacity": 4}, says="order o5"),
    Guilty(free_ticket().flaw("stock", stable=False), 1, "run-i5", {"capacity": 4}),
    Guilty(stray_order(), 1, None, {"capacity": 4, **ALONE}, says="order stray"),
    # An order that is void by its own words keeps a valid ticket.
    Guilty(bent(usual(), "orders", state="void"), 1, "run-i3", {"capacity": 3}),
    Guilty(Night().buys(1).buys(2).without("orders", "tickets"), 1, "run-i2", {"capacity": 1}),
    Guilty(
        Night().loses_reply(1).told(1, "pay", "ok", "confirmed").buys(2).without("orders", "tickets"),
        1,
        "run-i2",
        {"capacity": 1},
    ),
    Guilty(Night().buys(1, 2).without("orders", "tickets"), 1, "run-i1", {"capacity": 1}, says="2 tickets"),
    # Two were held and confirmed without a number, and nobody has books: what was held was promised.
    Guilty(
        Night().loses_reply(1, 2).told(1, "pay", "ok", "confirmed").without("orders", "tickets"),
        1,
        "run-i1",
        {"capacity": 1},
    ),
    # A promise that the books do not know, of somebody who never got the money back.
    Guilty(sold_on("").without("refunds"), 1, "run-i2", {"capacity": 1}, says="promised of 1"),
    Guilty(usual(), 2, None, {"capacity": 2}),
    # Promised under names that the books do not have, beside orders that they do.
    Guilty(renamed_promises().flaw("tickets", stable=False), 1, "run-i2", {"capacity": 1}, says="promised of 1"),
    # The tickets are gone, the promises stand.
    Guilty(later(Night().buys(1).buys(2), lambda night: night.tickets.clear()), 1, "run-i2", {"capacity": 1}),
    Guilty(sold_on("", back=PRICE - 1), 1, "run-i2", {"capacity": 1}),
    Guilty(usual().loses_reply(5).order(5, state="void"), 1, "run-i3", {"capacity": 3}),
    Guilty(stray_order(usual()), 1, "run-i3", {"capacity": 3}, unattributed=1),
]
INNOCENT = [
    Innocent(usual(), considered=4),
    Innocent(usual(), {"capacity": 4}),
    Innocent(usual().without("tickets"), {"capacity": 4}, considered=4),
    Innocent(void_order(usual(), "o3"), {"capacity": 3}, considered=3),
    Innocent(void_order(usual(), "o3").without("tickets"), {"capacity": 3}),
    Innocent(stray_order(), {"capacity": 5}, considered=4),
    Innocent(stray_order(), {"capacity": 5, **ALONE}, considered=5),
    Innocent(told_twice().told(1, "status", "ok", "confirmed", op=9, claims={"order": "o1"}).order(1), {"capacity": 1}),
    Innocent(told_twice().without("tickets").order(1), {"capacity": 1}, considered=1),
    Innocent(two_names(), {"capacity": 1}, considered=1),
    Innocent(sold_on(), {"capacity": 1}, considered=1),
    Innocent(sold_on(""), {"capacity": 1}, considered=1),
    Innocent(one_of_two(), {"capacity": 1}, considered=1),
    Innocent(one_of_two().without("tickets"), {"capacity": 1}),
    # Somebody is still told "it is being worked on", or was refused: no promise.
    Innocent(usual().loses_reply(5).told(5, "pay", "ok", "accepted", claims={"order": "o5"}), {"capacity": 4}),
    Innocent(usual().told(4, "pay", "fail", "confirmed", claims={"order": "o4"}), {"capacity": 4}),
]
DOUBTFUL = [
    Doubtful(Night(), "nothing", {"require": (CHECKER,)}),
    Doubtful(usual(), "does not say how many tickets exist", {"capacity": None}),
    Doubtful(usual().without("orders", "tickets"), "gives no orders", weighs=False),
    Doubtful(shared(), "gives no orders", {"capacity": 1}),
    # Two were wanted, and one was left: what was wanted is not what was promised.
    Doubtful(fewer(), "gives no orders", {"capacity": 1}),
    Doubtful(fewer(hold=True), "gives no orders", {"capacity": 1}),
    Doubtful(usual().flaw("tickets", complete=False), "not read completely", weighs=True),
    Doubtful(usual().flaw("orders", error="HTTP 500"), "HTTP 500"),
    Doubtful(free_ticket().flaw("tickets", stable=False), "still changed", {"capacity": 4}),
    Doubtful(free_ticket().flaw("orders", stable=False), "still changed", {"capacity": 4}),
    Doubtful(stray_order(), "1 link to no intent", {"capacity": 4}),
    Doubtful(bent(usual().without("tickets"), "orders", qty=None), "how many tickets"),
]
