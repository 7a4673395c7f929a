"""Confirmed, and gone; and how it only looks so."""

from __future__ import annotations

from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.usual import NOT_SETTLED, PRICE, Night, bent, later, stray_order, usual, void_order


def told(night: Night, fan: int, order: str | None = None, **claims: object) -> Night:
    """The fan reads once more that the order is confirmed."""
    return night.told(fan, "pay", "ok", "confirmed", claims=({"order": order} if order else {}) | claims)


def unnumbered(qty: int = 1) -> Night:
    """Confirmed without a number; nothing in the books."""
    return told(usual().loses_reply(5, qty), 5, **({"qty": qty} if qty > 1 else {}))


def unknown_name() -> Night:
    """No id that fans were told is one of the books, and a valid order is nobody's."""
    return told(stray_order(Night().loses_reply(5)), 5, "ORD-5")


def revoked(fan: int = 1, qty: int = 1) -> Night:
    return void_order(usual(), f"o{fan}").refund(f"ch{fan}", qty * PRICE)


def renamed() -> Night:
    """Tickets name their orders by another number than the orders themselves."""
    night = usual()
    for at, ticket in enumerate(night.tickets):
        bent(night, "tickets", at, order=f"internal-{ticket.order}")
    return night


def lost_from_both() -> Night:
    """Neither the order nor its ticket is in the books any more."""
    return later(usual(), lambda night: (night.orders.pop(0), night.tickets.pop(0)))


def orphaned(at: int = 0) -> Night:
    """The order is gone, its ticket is still there and names it as the fan was told."""
    return later(usual(), lambda night: night.orders.pop(at))


def cut_off(at: int | None = 3, night: Night | None = None) -> Night:
    """The list ends where lists end, and what came after it is not there: neither order nor ticket of fan 5."""
    night = (night or Night().buys(1).buys(2, 2).buys(3)).buys(5)
    night.orders.pop()
    night.tickets.pop()
    return night.flaw("orders", cut_at=at) if at else night


CHECKER = "LOST_TICKET"
GUILTY = [
    # A round number of rows is no excuse where all were sold, or where the source says that these are all.
    Guilty(cut_off(None), intent="run-i5", says="the books do not know it"),
    Guilty(cut_off(night=usual()), intent="run-i5", says="the books do not know it"),
    Guilty(cut_off().flaw("orders", cut_at=3, declared=3), intent="run-i5"),
    Guilty(void_order(Night().buys(1).buys(2), "o1").flaw("orders", cut_at=2), intent="run-i1"),
    Guilty(void_order(usual(), "o1"), intent="run-i1", says="it has no valid ticket", severity="critical"),
    Guilty(void_order(usual(), "o1").without("tickets"), intent="run-i1", says="it is void"),
    Guilty(later(usual(), lambda night: night.tickets.pop(1)), intent="run-i2", says="it holds 1 of 2 tickets"),
    Guilty(later(usual(), lambda night: night.tickets.pop(0)), intent="run-i1"),
    Guilty(lost_from_both(), intent="run-i1", says="the books do not know it"),
    Guilty(stray_order(lost_from_both()), intent="run-i1", says="the books do not know it"),
    Guilty(orphaned(), intent="run-i1", says="the books hold its tickets, and not the order"),
    Guilty(told(usual(), 1, "o1", qty=2), intent="run-i1", says="it holds 1 of 2"),
    Guilty(told(told(usual(), 1, "o1", tickets=["x"]), 2, "o2", tickets=["o2-t0"]), intent="run-i1", says="it named"),
    Guilty(told(usual(), 1, "o1", tickets=["o1-t0", "x", "x"]), intent="run-i1", says="1 of the tickets it named"),
    Guilty(told(void_order(usual(), "o3"), 1, "o1", tickets=["C1", "o3-t0"]), 2, "run-i1"),
    Guilty(told(usual(), 3, "o1"), 2, "run-i1", says="confirmed to several fans for 2 tickets and holds 1"),
    Guilty(unnumbered(), intent="run-i5", says="the books hold no valid ticket"),
    Guilty(unnumbered(2).order(5).charge(5), intent="run-i5"),
    Guilty(told(Night().loses_reply(5), 5, "ORD-5"), intent="run-i5", says="ORD-5"),
    Guilty(unnumbered().order(5, state="void"), intent="run-i5"),
    Guilty(revoked(), intent="run-i1", says="cancelled and refunded", severity="major"),
    Guilty(revoked().flaw("refunds", stable=False), intent="run-i1", severity="major"),
    Guilty(later(revoked(), lambda night: void_order(night, "o3")), 2, "run-i1", severity="critical"),
    Guilty(void_order(usual(), "o1").refund("ch1", PRICE - 1), intent="run-i1", severity="critical"),
    Guilty(bent(void_order(usual(), "o1"), "orders", 0, state="pending"), intent="run-i1"),
    Guilty(bent(void_order(usual(), "o1"), "orders", 0, state="pending").without("tickets"), intent="run-i1"),
    Guilty(void_order(usual(), "o1"), intent="run-i1", changes=NOT_SETTLED),
    Guilty(stray_order(told(Night().buys(1).loses_reply(5), 5, "ORD-5")), intent="run-i5"),
    Guilty(bent(usual().without("tickets"), "orders", 1, qty=1), intent="run-i2", says="1 of 2"),
    # "Being worked on" and a refusal may name an order: the confirmation without a number stands by itself.
    Guilty(unnumbered().told(5, "pay", "ok", "accepted", claims={"order": "o5"}), intent="run-i5"),
    Guilty(unnumbered().told(5, "pay", "fail", "confirmed", claims={"order": "o5"}), intent="run-i5"),
]
INNOCENT = [
    Innocent(usual().flaw("orders", cut_at=3), considered=3),
    Innocent(usual(), considered=3),
    Innocent(usual().without("tickets"), considered=3),
    Innocent(stray_order(), considered=3),
    Innocent(usual().loses_reply(5), considered=3),
    Innocent(told(usual(), 1, "o1", tickets=["o1-t0"]), considered=3),
    Innocent(told(usual(), 1, "another-name-for-o1"), considered=4),
    Innocent(told(usual(), 1, "o1", tickets=["code-7"])),  # a page shows codes, the books have numbers
    Innocent(told(usual(), 1), considered=3),  # "confirmed" without a number is about the order that has one
    Innocent(unnumbered().order(5).charge(5), considered=4),
    Innocent(unnumbered(2).order(5, 2)),
    Innocent(told(usual(), 3, "o2", qty=0), considered=4),
    Innocent(told(told(usual(), 2, "o2", qty=1), 3, "o2", qty=0)),
    Innocent(usual().told(4, "status", "ok", "accepted", claims={"order": "o4"}), considered=3),
    Innocent(usual().told(4, "pay", "fail", "confirmed", claims={"order": "o4"}), considered=3),
    Innocent(bent(usual().without("tickets"), "orders", 1, qty=None)),
    Innocent(bent(usual(), "orders", 0, state="pending"), considered=3),
    Innocent(void_order(usual().order(1, order="o1b", state="void"), "o1b")),
]
DOUBTFUL = [
    Doubtful(cut_off(), "just 3, nobody says how many there are, and 1 that others speak of are missing"),
    Doubtful(Night(), "nothing", {"require": (CHECKER,)}),
    Doubtful(usual().without("orders"), "gives no orders", weighs=False),
    Doubtful(void_order(usual(), "o1").flaw("orders", stable=False), "still changed"),
    Doubtful(void_order(usual(), "o1").flaw("tickets", complete=False), "not read completely"),
    Doubtful(usual().flaw("orders", error="HTTP 500"), "HTTP 500"),
    Doubtful(bent(void_order(usual(), "o1"), "orders", 0, state="pending"), "settle", NOT_SETTLED, pending=1),
    Doubtful(unknown_name(), "the order ids that fans were told are not those in the books"),
    Doubtful(stray_order(unnumbered()), "the order ids that fans were told"),
    Doubtful(told(renamed(), 1, "internal-o1"), "let `order` of tickets and of orders be the same"),
    Doubtful(renamed(), "let `order` of tickets and of orders be the same"),
]
_UNCOUNTED = "tickets are counted, and what has no name is not"
EQUIVALENT = {
    "_PROMISES: ( ticket ) WHERE [ticket IS NOT NULL → TRUE] AND EXISTS ( SELECT": _UNCOUNTED,
}
