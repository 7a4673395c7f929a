"""A ticket that nobody paid; and how it only looks so."""

from __future__ import annotations

import msgspec

from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.usual import (
    EPOCH,
    NOT_SETTLED,
    PRICE,
    Night,
    bent,
    free_ticket,
    gives_one_back,
    in_parts,
    later,
    of_yesterday,
    stray_charge,
    stray_order,
    usual,
    void_order,
    without_charge,
)


def behind(night: Night) -> Night:
    """The provider's clock is an hour behind ours."""
    for at in range(len(night.charges)):
        bent(night, "charges", at, at_s=EPOCH - 3600 + at)
    return night


def printed_twice(order: str = "o1", night: Night | None = None) -> Night:
    """The order holds one ticket more than it is for."""

    def print_again(night: Night) -> None:
        ours = next(ticket for ticket in night.tickets if ticket.order == order)
        night.tickets.append(msgspec.structs.replace(ours, ticket="again"))

    return later(night or usual(), print_again)


def by_the_dozen() -> Night:
    """Every order of one holds two tickets: so this shop counts."""
    night = printed_twice("o1")
    third = next(ticket for ticket in night.tickets if ticket.order == "o3")
    night.tickets.append(msgspec.structs.replace(third, ticket="again-3"))
    return night


def one_for_two(*fans: int, amount: int = PRICE, night: Night | None = None) -> Night:
    """One charge that names several fans, each with a valid ticket, and no charge but this."""
    night = night or usual()
    for fan in fans:
        night.loses_reply(fan).order(fan)
    night.charge(9, charge="both", amount=amount, linked=False)
    return bent(night, "charges", keys=[f"run-i{fan}" for fan in fans])


def secured() -> Night:
    """The money of fan 5 is set aside, and taken when the shop ships."""
    return free_ticket().charge(5, amount=0, authorised=PRICE, state="secured")


CHECKER = "TICKET_NO_CHARGE"
GUILTY = [
    Guilty(without_charge(3, Night().buys(1).buys(2).buys(3)), intent="run-i3"),
    Guilty(gives_one_back(PRICE + 1), intent="run-i2", says="for 89.00 EUR and paid 88.99 EUR"),
    Guilty(usual().refund("ch2"), intent="run-i2", says="for 178.00 EUR"),
    Guilty(free_ticket(), intent="run-i5", says="valid tickets for 89.00 EUR and paid 0.00 EUR", severity="major"),
    Guilty(usual().refund("ch1"), intent="run-i1", says="was given back"),
    Guilty(usual().refund("ch1", 1), intent="run-i1"),
    Guilty(bent(usual(), "charges", refunded_minor=PRICE), intent="run-i3"),
    Guilty(in_parts(1, 900, 7999), intent="run-i1"),
    Guilty(bent(usual(), "charges", state="failed"), intent="run-i3"),
    Guilty(bent(usual(), "charges", state="voided"), intent="run-i3"),
    Guilty(free_ticket().charge(5, amount=0, authorised=PRICE, state="authorised"), intent="run-i5"),
    # What is taken when the shop ships has paid as far as it goes, and is let go like any other.
    Guilty(
        free_ticket().charge(5, amount=0, authorised=PRICE - 1, state="secured"), intent="run-i5", says="paid 88.99"
    ),
    Guilty(bent(secured(), "charges", voided_minor=PRICE), intent="run-i5"),
    Guilty(usual().order(1, order="o1b"), intent="run-i1", says="178.00 EUR"),
    Guilty(free_ticket().without("tickets"), intent="run-i5"),
    # Without a sum of its own, an order is due what its tickets cost.
    Guilty(bent(free_ticket(), "orders", amount_minor=None), intent="run-i5"),
    Guilty(bent(usual().loses_reply(5, 2).order(5, 2).charge(5), "orders", amount_minor=None), intent="run-i5"),
    # Money of yesterday, or that kept nothing, has not paid for it.
    Guilty(of_yesterday(stray_charge(free_ticket()), "charges"), intent="run-i5"),
    Guilty(stray_charge(free_ticket()).refund("ch9"), intent="run-i5"),
    Guilty(free_ticket().flaw("holds", stable=False), intent="run-i5"),
    # Two orders, one charge: it pays for one of them. So does a chain of charges, each shared with the next.
    Guilty(one_for_two(5, 6), intent="run-i5", says="fan 5 and 6 owe 178.00 EUR for valid tickets, and share"),
    Guilty(one_for_two(5, 6, amount=2 * PRICE - 1), intent="run-i5"),
    Guilty(
        bent(
            one_for_two(5, 6).loses_reply(7).order(7).charge(9, charge="c", linked=False),
            "charges",
            keys=["run-i6", "run-i7"],
        ),
        intent="run-i5",
        says="owe 267.00 EUR",
    ),
    Guilty(one_for_two(5, 6, night=usual().loses_reply(8).order(8)), 2, "run-i8"),
    # One ticket more than was ordered and paid.
    Guilty(printed_twice(), intent="run-i1", says="holds 2 valid tickets of an order for 1 and paid 89.00 EUR"),
    Guilty(printed_twice("o1", in_parts(1, 900, 9000)), intent="run-i1"),
]
INNOCENT = [
    Innocent(gives_one_back(), considered=3),
    Innocent(gives_one_back(PRICE - 500), considered=3),
    Innocent(gives_one_back(deleted=True), considered=3),
    Innocent(secured()),
    Innocent(usual(), considered=3),
    Innocent(usual().loses_reply(5).order(5, amount=0), considered=3),
    Innocent(void_order(usual(), "o1").refund("ch1"), considered=2),
    Innocent(usual().refund("ch1", state="pending")),
    Innocent(usual().refund("ch1", state="failed")),
    Innocent(in_parts(1, 900, 8000)),
    Innocent(in_parts(1, 900, 8001)),  # too much is another invariant's
    Innocent(usual().charge(1, charge="again")),
    Innocent(stray_charge()),
    Innocent(usual().loses_reply(5).order(5, state="pending")),
    Innocent(bent(usual(), "orders", amount_minor=None)),
    Innocent(free_ticket().charge(5)),
    Innocent(void_order(usual(), "o1").refund("ch1", PRICE + 1), considered=2),
    Innocent(usual().loses_reply(5).order(5, amount=1).charge(5, amount=1), considered=4),
    Innocent(by_the_dozen()),
    Innocent(bent(usual().charge(9, charge="both", linked=False), "charges", keys=["run-i1", "run-i2"])),
    Innocent(printed_twice("o2")),  # no other order for two says how many tickets that makes
    Innocent(printed_twice().charge(1, charge="again")),  # and paid for
]
DOUBTFUL = [
    Doubtful(without_charge(3, Night().buys(1).buys(2).buys(3)).flaw("charges", cut_at=50), "is the list cut off?"),
    Doubtful(Night(), "nothing", {"require": (CHECKER,)}),
    Doubtful(usual().loses_reply(5).order(5, amount=0).without("charges"), "gives no charges", weighs=False),
    Doubtful(free_ticket().without("orders"), "gives no orders"),
    Doubtful(free_ticket().flaw("charges", complete=False), "not read completely"),
    Doubtful(free_ticket().flaw("orders", stable=False), "still changed"),
    Doubtful(free_ticket().flaw("tickets", stable=False), "still changed"),
    Doubtful(free_ticket().flaw("refunds", error="HTTP 500"), "HTTP 500"),
    Doubtful(free_ticket(), "settle", NOT_SETTLED, pending=1),
    Doubtful(stray_charge(free_ticket()), "may have paid"),
    Doubtful(behind(stray_charge(free_ticket())), "may have paid"),
    Doubtful(free_ticket().charge(5, amount=0, state="processing"), "processing"),
    Doubtful(bent(without_charge(1).charge(1, amount=PRICE - 1, currency="usd"), "orders"), "another currency"),
    Doubtful(usual().refund("ch1", 1).refund("ch1", 1, state="pending"), "processing"),
    Doubtful(
        bent(bent(usual(), "orders", amount_minor=None, qty=None).without("tickets"), "orders", 0, at_s=None),
        "map `amount` or `qty`",
    ),
    Doubtful(stray_order(), "of the orders find their intent"),
    Doubtful(
        one_for_two(5, 6, amount=2 * PRICE),
        "names several fans and may have paid for either (first: both)",
        indeterminate=2,
    ),
    Doubtful(stray_charge(one_for_two(5, 6)), "may have paid"),
    Doubtful(bent(one_for_two(5, 6), "charges", currency="usd"), "may have paid"),
    Doubtful(stray_charge(printed_twice()), "or links to no intent"),
]
