"""More back than was taken, or money back for a ticket that is kept; and how it only looks so."""

from __future__ import annotations

from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.usual import (
    NOT_SETTLED,
    PRICE,
    Night,
    bent,
    charged_for_nothing,
    gives_one_back,
    in_parts,
    later,
    of_yesterday,
    stray_charge,
    usual,
    void_order,
)


def let_go(back: int) -> Night:
    """Money that was only set aside is let go, and the provider writes that as a refund."""
    night = usual().loses_reply(5).order(5, state="void").charge(5, amount=0, authorised=PRICE, state="voided")
    return night.refund("ch5", back)


def captured_in_part() -> Night:
    return bent(usual(), "charges", 0, authorised_minor=2 * PRICE, voided_minor=PRICE)


CHECKER = "REFUND"
GUILTY = [
    Guilty(gives_one_back(PRICE + 1), intent="run-i2", says="keeps tickets for 89.00 EUR"),
    Guilty(usual().refund("ch2"), intent="run-i2", says="keeps tickets for 178.00 EUR"),
    Guilty(usual().refund("ch1", PRICE).refund("ch1", 1), 2, "run-i1", says="89.01 EUR went back of 89.00 EUR"),
    Guilty(void_order(usual(), "o1").refund("ch1", PRICE + 1), intent="run-i1", severity="major"),
    Guilty(void_order(usual(), "o1").refund("ch1", PRICE + 1), intent="run-i1", changes=NOT_SETTLED),
    Guilty(charged_for_nothing().refund("ch5", PRICE).refund("ch5", PRICE), intent="run-i5"),
    Guilty(bent(void_order(usual(), "o3"), "charges", refunded_minor=PRICE + 1), intent="run-i3"),
    Guilty(usual().refund("ch1"), intent="run-i1", says="keeps tickets for 89.00 EUR"),
    Guilty(usual().refund("ch1", 1), intent="run-i1"),
    Guilty(usual().refund("ch1").without("tickets"), intent="run-i1"),
    Guilty(let_go(PRICE + 1), intent="run-i5"),
    Guilty(captured_in_part().refund("ch1", PRICE + 1), intent="run-i1"),
    Guilty(bent(captured_in_part(), "charges", 0, refunded_minor=1), intent="run-i1"),
    Guilty(stray_charge(charged_for_nothing()).refund("ch5", PRICE + 1), intent="run-i5"),
    Guilty(charged_for_nothing().refund("ch5", PRICE + 1).without("orders"), intent="run-i5"),
]
INNOCENT = [
    Innocent(gives_one_back(), considered=3),
    Innocent(gives_one_back(PRICE - 500), considered=3),
    Innocent(gives_one_back(deleted=True), considered=3),
    Innocent(usual(), considered=3),
    Innocent(charged_for_nothing().refund("ch5"), considered=4),
    Innocent(void_order(usual(), "o1").refund("ch1")),
    Innocent(usual().charge(1, charge="again").refund("again")),
    Innocent(usual().refund("ch1", state="pending")),
    Innocent(usual().refund("ch1", 2 * PRICE, state="failed")),
    Innocent(in_parts(1, 900, 8000).charge(1, amount=5, charge="fee").refund("fee", 5)),
    Innocent(let_go(PRICE)),
    Innocent(usual().without("orders", "tickets")),
    Innocent(stray_charge()),
    # Paid too little is another invariant's, whatever went back besides.
    Innocent(bent(usual(), "charges", captured_minor=PRICE - 1).refund("ch3", 1)),
    Innocent(bent(usual(), "charges", currency="usd").refund("ch3", 1)),
    Innocent(usual().refund("ch1", 1).refund("ch1", 1, state="pending")),
    # The same refund on a page that repeats itself.
    Innocent(later(charged_for_nothing().refund("ch5"), lambda night: night.refunds.append(night.refunds[0]))),
    Innocent(usual().charge(1, state="failed", charge="no"), considered=3),
    Innocent(of_yesterday(stray_charge(), "charges"), considered=3),
    Innocent(usual().loses_reply(5).order(5, amount=1).charge(5, amount=1), considered=4),
    Innocent(stray_charge().refund("ch9", PRICE + 1)),
    # Set aside for two, captured for one: the rest was let go, though it stands among the refunds.
    Innocent(captured_in_part(), considered=3),
    Innocent(captured_in_part().refund("ch1"), considered=3),
]
DOUBTFUL = [
    Doubtful(Night(), "nothing", {"require": (CHECKER,)}),
    Doubtful(usual().without("charges"), "gives no charges", weighs=False),
    Doubtful(usual().without("refunds"), "do not tell of refunds"),
    Doubtful(usual().refund("ch1").flaw("charges", stable=False), "still changed"),
    Doubtful(usual().refund("ch1").flaw("orders", complete=False), "not read completely"),
    Doubtful(usual().refund("ch1").flaw("tickets", complete=False), "not read completely"),
    Doubtful(usual().refund("ch1", PRICE + 1).flaw("refunds", error="HTTP 500"), "HTTP 500"),
    Doubtful(usual().refund("ch1"), "settle", NOT_SETTLED, pending=1),
    Doubtful(stray_charge(usual().refund("ch1")), "may have paid"),
    Doubtful(usual().refund("ch1").without("orders", "tickets"), "who kept a ticket"),
    Doubtful(usual().refund("ch1", 1).without("orders", "tickets"), "who kept a ticket"),
]
