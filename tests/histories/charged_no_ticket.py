"""Paid and empty-handed, or paid for two and holding one; and how it only looks so."""

from __future__ import annotations

from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.usual import (
    NOT_SETTLED,
    PRICE,
    Night,
    bent,
    charged_for_nothing,
    later,
    of_yesterday,
    stray_charge,
    stray_order,
    usual,
    void_order,
)


def paid() -> Night:
    """A fan whose reply was lost, and whose charge went through."""
    return usual().loses_reply(5).charge(5)


def short() -> Night:
    """The shop says "confirmed" and no more, and issues one ticket of the two that were paid."""
    night = Night().buys(1)
    night.fan(2, 2)
    night.hold(2, 2).send(2, "pay", "ok", "confirmed").told(2, "pay", "ok", "confirmed", claims={"order": "o2"})
    night.order(2, 2).charge(2, 2)
    night.tickets.pop()
    return night


def untied() -> Night:
    """The charge names its fan and no order."""
    return bent(paid(), "charges", payment=None)


def renamed(night: Night) -> Night:
    """Tickets name their orders by another number than the orders themselves."""
    for at, ticket in enumerate(night.tickets):
        bent(night, "tickets", at, order=f"internal-{ticket.order}")
    return night


def late() -> Night:
    """The shop's clock is an hour behind: what it sold today looks like yesterday's, to the hour."""
    night = stray_order(untied())
    for at, order in enumerate(night.orders):
        bent(night, "orders", at, at_s=(order.at_s or 0) - 3600)
    for at, ticket in enumerate(night.tickets):
        bent(night, "tickets", at, at_s=(ticket.at_s or 0) - 3600)
    return night


def cheap_pair(price_minor: int) -> Night:
    """An order of two tickets for next to nothing, of which one was issued."""
    return later(usual().loses_reply(5, 2).order(5, 2, amount=price_minor), lambda night: night.tickets.pop())


def cut_off(at: int | None = 3) -> Night:
    """The list ends where lists end; the fan was never told anything, and paid."""
    night = Night().buys(1).buys(2).buys(3).loses_reply(5).charge(5)
    return night.flaw("orders", cut_at=at) if at else night


CHECKER = "CHARGED_NO_TICKET"
GUILTY = [
    Guilty(cut_off(None), intent="run-i5"),
    Guilty(cut_off().refused(4), intent="run-i5"),
    Guilty(cut_off().order(5, state="void"), intent="run-i5"),
    Guilty(charged_for_nothing(), intent="run-i5", says="paid 89.00 EUR and has no valid ticket", severity="critical"),
    Guilty(charged_for_nothing(), intent="run-i5", says="told: nothing definite"),
    Guilty(paid(), intent="run-i5"),
    Guilty(usual().loses_reply(5).order(5, state="pending").charge(5), intent="run-i5", says="an order still pending"),
    Guilty(void_order(usual(), "o1"), intent="run-i1", says="told: confirmed"),
    Guilty(void_order(usual(), "o1").without("tickets"), intent="run-i1"),
    Guilty(stray_order(charged_for_nothing()), intent="run-i5"),
    Guilty(charged_for_nothing().refund("ch5", PRICE - 1), intent="run-i5"),
    Guilty(charged_for_nothing().refund("ch5", state="pending"), intent="run-i5"),
    Guilty(charged_for_nothing().refund("ch5", state="failed"), intent="run-i5"),
    Guilty(usual().charge(4), intent="run-i4", says="told: refused (sold-out)"),
    Guilty(later(usual(), lambda night: night.tickets.pop(0)), intent="run-i1"),
    Guilty(short(), intent="run-i2", says="for 2 tickets and has 1"),
    Guilty(short().refund("ch2", state="failed"), intent="run-i2"),
    Guilty(stray_order(short()), intent="run-i2"),
    Guilty(bent(short(), "tickets", 0, state="void"), 2, "run-i1"),
    Guilty(of_yesterday(stray_order(untied()), "orders").without("tickets"), intent="run-i5"),
    Guilty(bent(stray_order(charged_for_nothing().loses_reply(6).charge(6)), "charges", payment=None), 1, "run-i5"),
    Guilty(stray_order(charged_for_nothing().refund("ch5", PRICE - 1)), intent="run-i5"),
    Guilty(cheap_pair(1).charge(5, amount=1), intent="run-i5", says="for 2 tickets and has 1"),
]
INNOCENT = [
    Innocent(usual(), considered=3),
    Innocent(charged_for_nothing().refund("ch5"), considered=4),
    Innocent(charged_for_nothing().refund("ch5", PRICE // 2).refund("ch5", PRICE // 2)),
    Innocent(paid().order(5)),
    Innocent(usual().loses_reply(5).order(5, state="void").charge(5, state="failed")),
    Innocent(usual().loses_reply(5).order(5, state="void").charge(5, amount=0, authorised=PRICE, state="authorised")),
    Innocent(void_order(usual().order(1, order="o1b"), "o1")),  # another order took its place
    Innocent(short().refund("ch2", PRICE)),  # one ticket cancelled, and its half of the money back
    Innocent(bent(short(), "charges", captured_minor=2 * PRICE - 1)),  # paid less than both: not paid for both
    Innocent(bent(short(), "orders", qty=None)),
    Innocent(bent(short(), "orders", qty=1)),
    Innocent(bent(short(), "charges", currency="usd")),  # how much that is, another invariant asks
    Innocent(short().without("tickets")),
    Innocent(usual().flaw("holds", complete=False)),
    Innocent(cheap_pair(0)),
    Innocent(usual().charge(4, amount=1).refund("ch4", 1), considered=4),
]
DOUBTFUL = [
    Doubtful(cut_off(), "is the list cut off? Say how it is paged"),
    Doubtful(Night(), "nothing", {"require": (CHECKER,)}),
    Doubtful(charged_for_nothing().without("orders"), "gives no orders", weighs=False),
    Doubtful(charged_for_nothing().without("charges"), "gives no charges"),
    Doubtful(charged_for_nothing().flaw("orders", complete=False), "not read completely"),
    Doubtful(charged_for_nothing().flaw("orders", declared=99), "not read completely"),
    Doubtful(charged_for_nothing().flaw("charges", stable=False), "still changed"),
    Doubtful(charged_for_nothing().flaw("tickets", error="HTTP 500"), "HTTP 500"),
    Doubtful(charged_for_nothing().flaw("refunds", error="HTTP 500"), "HTTP 500"),
    Doubtful(charged_for_nothing(), "settle", NOT_SETTLED, pending=1),
    Doubtful(short(), "settle", NOT_SETTLED, pending=1),
    Doubtful(stray_order(untied()), "may be the tickets"),
    Doubtful(stray_order(paid()), "may be the tickets"),
    Doubtful(late(), "may be the tickets"),
    Doubtful(bent(stray_order(charged_for_nothing()), "charges", payment=None), "may be the tickets"),
    Doubtful(charged_for_nothing().without("refunds"), "do not tell of refunds"),
    Doubtful(short().without("refunds"), "do not tell of refunds"),
    Doubtful(stray_charge(), "find their intent"),
    # Tickets and orders name an order differently: then every order looks as if it had none.
    Doubtful(renamed(usual()), "let `order` of tickets and of orders be the same"),
    Doubtful(bent(usual(), "tickets", 1, order="internal-o2"), "let `order` of tickets and of orders be the same"),
    Doubtful(
        stray_order(bent(charged_for_nothing().refund("ch5").charge(5, charge="x"), "charges", payment=None)),
        "may be the tickets",
    ),
]
