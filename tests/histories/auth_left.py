"""Money set aside and forgotten; and how it only looks so."""

from __future__ import annotations

from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.usual import NOT_SETTLED, PRICE, Night, bent, stray_order, usual, void_order


def set_aside(state: str = "authorised", amount: int = 0) -> Night:
    return usual().loses_reply(5).charge(5, amount=amount, authorised=PRICE, state=state)


CHECKER = "AUTH_LEFT"
GUILTY = [
    Guilty(set_aside(), intent="run-i5", says="89.00 EUR of fan 5 is set aside", severity="major"),
    Guilty(set_aside("processing"), intent="run-i5"),
    # Taken when the shop ships: without a ticket nothing will ever ship.
    Guilty(set_aside("secured"), intent="run-i5"),
    Guilty(set_aside("secured").order(5, state="void"), intent="run-i5"),
    Guilty(set_aside().order(5, state="void"), intent="run-i5"),
    Guilty(set_aside().order(5, state="pending").without("tickets"), intent="run-i5"),
    Guilty(bent(set_aside(), "charges", voided_minor=PRICE - 1), intent="run-i5"),
    Guilty(
        void_order(usual(), "o1").charge(1, charge="a", amount=0, authorised=1, state="authorised"), intent="run-i1"
    ),
    Guilty(set_aside().flaw("refunds", stable=False), intent="run-i5"),
]
INNOCENT = [
    Innocent(set_aside("voided"), considered=1),
    Innocent(bent(set_aside(), "charges", voided_minor=PRICE)),
    Innocent(bent(set_aside(), "charges", voided_minor=PRICE + 1)),
    Innocent(set_aside("succeeded", PRICE)),
    Innocent(set_aside("failed")),
    Innocent(set_aside("authorised", 1)),  # taken in part: the rest was let go with it
    Innocent(set_aside().order(5)),
    Innocent(set_aside("secured").order(5), considered=1),
    Innocent(bent(set_aside("voided").charge(1, charge="z", amount=0, authorised=0), "charges", state="authorised")),
    Innocent(set_aside("voided").charge(9, linked=False, amount=0, authorised=PRICE, state="authorised"), considered=1),
    Innocent(stray_order(set_aside("voided"))),
    Innocent(usual().loses_reply(5).charge(5, amount=0, authorised=1, state="voided"), considered=1),
]
DOUBTFUL = [
    Doubtful(Night(), "nothing", {"require": (CHECKER,)}, weighs=True),
    Doubtful(usual(), "nothing", weighs=False),
    Doubtful(set_aside().without("charges"), "gives no charges"),
    Doubtful(set_aside().without("orders"), "gives no orders"),
    Doubtful(set_aside().flaw("charges", stable=False), "still changed"),
    Doubtful(set_aside().flaw("orders", complete=False), "not read completely"),
    Doubtful(set_aside().flaw("tickets", error="HTTP 500"), "HTTP 500"),
    Doubtful(set_aside(), "settle", NOT_SETTLED, pending=1),
    Doubtful(stray_order(set_aside()), "link to no intent"),
]
