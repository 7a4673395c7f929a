"""One seat, two holders: in the books, on the fans' pages, and how it only looks so."""

from __future__ import annotations

from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.usual import ALONE, PRICE, Night, bent, usual, void_order


def told(night: Night, fan: int, order: str | None, seat: str = "A1") -> Night:
    claims: dict[str, object] = {"seats": [seat]} | ({"order": order} if order else {})
    return night.told(fan, "pay", "ok", "confirmed", claims=claims)


def both_told() -> Night:
    return told(told(Night().buys(1).buys(2), 1, "o1"), 2, "o2")


def half_ours() -> Night:
    """A seat on a ticket of this run and on one that nobody can link."""
    return Night().buys(1, seat="A1").order(7, order="elsewhere", seat="A1", linked=False)


def sold_on(state: str = "void") -> Night:
    """Told under a name that the books do not have, cancelled and paid back; the seat went to another fan."""
    night = told(Night().loses_reply(1), 1, "ORD-1")
    if state:
        night.order(1, state=state)
    return told(night.charge(1).refund("ch1").buys(2, seat="A1"), 2, "o2")


CHECKER = "SEAT2"
GUILTY = [
    Guilty(usual().buys(5, seat="A1"), intent="run-i5", says="A1", severity="critical"),
    Guilty(both_told(), intent="run-i2", says="A1"),
    Guilty(both_told().without("tickets", "orders"), intent="run-i2"),
    Guilty(usual().buys(5, seat="A1").buys(6, seat="C1"), 2, "run-i5"),
    Guilty(usual().buys(5, seat="A1").flaw("tickets", complete=False), intent="run-i5"),
    Guilty(half_ours(), changes=ALONE, says="elsewhere"),
    # One fan, two orders that the books know.
    Guilty(told(told(Night().buys(1).order(1, order="o1b"), 1, "o1"), 1, "o1b"), intent="run-i1"),
    # Void by its own words, and the ticket is valid.
    Guilty(bent(both_told(), "orders", state="void"), intent="run-i2"),
    Guilty(told(told(Night().loses_reply(1), 1, "ORD-1").order(1, state="pending").buys(2), 2, "o2"), intent="run-i2"),
    Guilty(told(told(Night().loses_reply(1), 1, "ORD-1").buys(2), 2, "o2"), intent="run-i2"),
    # Paid back in part is not paid back.
    Guilty(
        told(told(Night().loses_reply(1), 1, "ORD-1").charge(1).refund("ch1", 1).buys(2), 2, "o2"),
        intent="run-i2",
    ),
    Guilty(told(told(Night().loses_reply(1), 1, "ORD-1").order(1).buys(2), 2, "o2"), intent="run-i2"),
    Guilty(
        told(told(Night().loses_reply(1), 1, "ORD-1").charge(1).refund("ch1", PRICE - 1).buys(2), 2, "o2"), 1, "run-i2"
    ),
    Guilty(told(both_told(), 1, None), intent="run-i2", says="o1, o2"),
    Guilty(
        bent(usual().buys(5, seat="A1").buys(6, seat="A1"), "tickets", state="void"),
        intent="run-i5",
        says="2 orders: o1, o5",
    ),
]
INNOCENT = [
    Innocent(usual(), considered=4),
    Innocent(void_order(usual().buys(5, seat="A1"), "o1"), considered=4),
    Innocent(void_order(both_told(), "o1"), considered=1),
    Innocent(sold_on()),
    Innocent(sold_on("")),
    Innocent(told(told(Night().buys(1, seat="A1"), 1, "o1"), 1, "ORD-1"), considered=1),
    Innocent(told(told(Night().buys(1), 1, "o1"), 1, None)),
    Innocent(told(told(Night().buys(1), 1, "o1"), 1, "o1")),
    # A page of another outcome names the seat: no promise.
    Innocent(told(Night().buys(1), 1, "o1").told(4, "hold", "ok", "next", claims={"order": "o4", "seats": ["A1"]})),
    Innocent(
        told(Night().buys(1).buys(2), 1, "o1").told(
            2, "pay", "info", "confirmed", claims={"order": "o2", "seats": ["A1"]}
        )
    ),
    # Another evening's seats.
    Innocent(Night().buys(1, seat="B1").order(7, order="x", seat="A1", linked=False).order(8, seat="A1", linked=False)),
    Innocent(usual().buys(5, seat="A1").without("tickets").told(1, "pay", "ok", "confirmed", claims={"seats": ["Z"]})),
    Innocent(bent(half_ours(), "tickets", state="void"), considered=1, unattributed=0),
    Innocent(Night().buys(1, seat="A1").buys(2).order(7, order="x", linked=False), unattributed=0),
    Innocent(Night().buys(1, seat="A1").order(7, order="x", seat="B1", linked=False), unattributed=1),
    Innocent(Night().buys(1, seat="A1").order(7, order="x", seat="B1", linked=False), ALONE, unattributed=0),
    Innocent(void_order(usual(), "o3"), considered=3),
    Innocent(told(told(Night().buys(1, seat="A1").loses_reply(2), 1, "o1"), 2, "o1")),  # one order, told to two
    Innocent(told(void_order(both_told(), "o1"), 3, "o2")),
]
DOUBTFUL = [
    Doubtful(Night(), "no ticket carries a seat", {"require": (CHECKER,)}, weighs=True),
    Doubtful(Night().buys(1), "no ticket carries a seat", weighs=False),
    Doubtful(half_ours(), "links to no intent"),
    Doubtful(usual().buys(5, seat="A1").flaw("tickets", stable=False), "still changed"),
    Doubtful(usual().flaw("tickets", complete=False), "not read completely"),
    Doubtful(usual().flaw("tickets", error="HTTP 500"), "HTTP 500"),
]
_SIEVE = "looks for the few seats to judge, and they are judged again"
EQUIVALENT = {
    "_ISSUED: WHERE state = 'valid' [AND → OR] seat IS NOT NULL": _SIEVE,
    "_ISSUED: seat FROM tickets WHERE [state = 'valid' → TRUE] AND seat IS NOT": _SIEVE,
    "_ISSUED: state = 'valid' AND [seat IS NOT NULL → TRUE] GROUP BY seat HAVING": _SIEVE,
}
