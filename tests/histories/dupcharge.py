"""Paid twice for one order: by the order, by the intent, against books that agree with it; and how it only looks so."""

from __future__ import annotations

import msgspec

from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.usual import (
    NOT_SETTLED,
    PRICE,
    Night,
    bent,
    in_parts,
    later,
    stray_charge,
    stray_order,
    usual,
    void_order,
    without_charge,
)


def twice() -> Night:
    return usual().charge(1, charge="ch1b")


def twice_in_its_books() -> Night:
    """Charged twice, and the shop's own order says the double sum."""
    return Night().buys(1).loses_reply(5).order(5, amount=2 * PRICE).charge(5).charge(5, charge="ch5b")


def twice_untied() -> Night:
    """The second charge names its fan, and no order."""
    return bent(twice(), "charges", payment=None)


def dearer(fees: int = 500) -> Night:
    """Fees were shown before the payment, and the order says them; the card is charged in two parts."""
    night = Night().loses_reply(5).told(5, "hold", "ok", "next", op=1, claims={"amount_minor": PRICE + fees, "qty": 1})
    night.order(5, amount=PRICE + 500).charge(5, amount=900)
    return night.charge(5, amount=PRICE - 400, charge="rest")


def nothing_ordered() -> Night:
    """Two charges, and the shop has no order at all."""
    return usual().loses_reply(5).charge(5).charge(5, charge="ch5b")


def two_orders() -> Night:
    return usual().order(1, order="o1b").charge(1, charge="ch1b", order="o1b")


def unpriced(night: Night) -> Night:
    """The order says neither its sum nor how many tickets, and there are no tickets to count."""
    return bent(night.without("tickets"), "orders", 0, amount_minor=None, qty=None)


def cheaper_and_dearer() -> Night:
    """Two orders: one charge is dearer than its order, the other cheaper."""
    night = without_charge(1, usual().order(1, order="o1b"))
    return night.charge(1, amount=PRICE + 900).charge(1, amount=PRICE - 900, charge="ch1b", order="o1b")


def half_priced() -> Night:
    """Two orders, of which one says neither its sum nor how many tickets."""
    night = two_orders().charge(1, charge="ch1c", order="o1b").without("tickets")
    return bent(night, "orders", amount_minor=None, qty=None)


def each_dearer(fee: int = 150, *, told: bool = False) -> Night:
    """Two orders, each paid once, and each with a fee that nobody was shown; told: the shop's books say it as well."""
    night = without_charge(1, usual().order(1, order="o1b"))
    if told:
        for at in (0, -1):
            bent(night, "orders", at, amount_minor=PRICE + fee)
    return night.charge(1, amount=PRICE + fee).charge(1, amount=PRICE + fee, charge="ch1b", order="o1b")


def untied(night: Night, *charges: str) -> Night:
    """These charges name their fan, and no order; none given: all of them."""
    night.charges = [
        msgspec.structs.replace(c, payment=None) if not charges or c.charge in charges else c for c in night.charges
    ]
    return night


def given_away(fan: int = 5) -> Night:
    """A valid order that costs nothing."""
    return usual().loses_reply(fan).order(fan, amount=0)


CHECKER = "DUPCHARGE"
GUILTY = [
    # Set aside twice for one ticket: both are taken when the shop ships.
    Guilty(usual().charge(1, charge="ch1b", amount=0, authorised=PRICE, state="secured"), intent="run-i1"),
    Guilty(twice(), intent="run-i1", says="paid 2 times, 178.00 EUR where 89.00 EUR is due", severity="critical"),
    Guilty(twice().refund("ch1b", PRICE // 2), intent="run-i1"),
    Guilty(twice().refund("ch1b", state="pending"), intent="run-i1"),
    Guilty(twice().refund("ch1b", state="failed"), intent="run-i1"),
    Guilty(twice_in_its_books(), intent="run-i5"),
    Guilty(twice_untied(), intent="run-i1", says="ch1b"),
    Guilty(nothing_ordered(), intent="run-i5", says="89.00 EUR is due"),
    Guilty(in_parts(1, 900, 8001), intent="run-i1"),
    Guilty(dearer(fees=0), intent="run-i5"),
    Guilty(usual().charge(1, amount=1, charge="ch1b"), intent="run-i1"),
    # Two orders may cost twice, not three times; and what one of them was paid too often, the other does not excuse.
    Guilty(two_orders().charge(1, charge="ch1c", order="o1b"), intent="run-i1", says="paid 3 times"),
    Guilty(bent(two_orders(), "charges", payment="pi-o1"), intent="run-i1", says="where 178.00 EUR is due"),
    # An order that we cannot link cannot have been paid by a second charge for the first.
    Guilty(stray_order(twice()), intent="run-i1"),
    # Cancelled: only what was wanted is due, and nothing went back.
    Guilty(void_order(twice(), "o1"), intent="run-i1"),
    Guilty(bent(twice(), "orders", 0, amount_minor=None), intent="run-i1"),
    Guilty(twice().charge(2, 2, charge="ch2b"), 2, "run-i1"),
    Guilty(usual().loses_reply(5, 2).charge(5, 2).charge(5, 1, charge="ch5b"), intent="run-i5", says="178.00 EUR is"),
    Guilty(twice_in_its_books().told(5, "pay", "ok", "confirmed", claims={"amount_minor": 2 * PRICE}), intent="run-i5"),
    Guilty(
        twice_in_its_books().told(5, "status", "ok", "confirmed", op=9, claims={"amount_minor": 2 * PRICE}),
        intent="run-i5",
    ),
    Guilty(
        twice_in_its_books().told(5, "hold", "fail", "limit", op=1, claims={"amount_minor": 2 * PRICE}), intent="run-i5"
    ),
    Guilty(stray_order(usual().charge(1, amount=1, charge="ch1b")), intent="run-i1"),
    # What is proven of one fan says nothing of another.
    Guilty(stray_order(twice().loses_reply(5).charge(5).charge(5, charge="ch5b")), 1, "run-i1"),
    Guilty(two_orders().charge(3, charge="ch3b"), 1, "run-i3"),
    # Whatever the shop called it when it asked: with the key of the first charge, with another one.
    Guilty(usual().charge(1, charge="ch1b", key="shop-key-1"), 1, "run-i1"),
    Guilty(usual().charge(1, charge="ch1b", key="another"), 1, "run-i1", says="another"),
    # Two orders, three charges: one is left over, whichever names an order.
    Guilty(each_dearer().charge(1, charge="ch1c"), 1, "run-i1", says="paid 3 times"),
    Guilty(untied(each_dearer().charge(1, charge="ch1c")), 1, "run-i1", says="paid 3 times"),
    Guilty(untied(each_dearer().charge(1, amount=1, charge="ch1c"), "ch1c"), 1, "run-i1"),
    Guilty(untied(cheaper_and_dearer().charge(1, charge="ch1c"), "ch1c"), 1, "run-i1"),
    # A deposit, and a rest that names no order and is more than the rest.
    Guilty(untied(in_parts(1, 900, 8001), "part-1"), 1, "run-i1"),
    # What costs nothing is no reason for a charge.
    Guilty(untied(usual().order(1, order="o1b", amount=0).charge(1, amount=500, charge="x"), "x"), 1, "run-i1"),
]
INNOCENT = [
    Innocent(usual(), considered=3),
    Innocent(twice().refund("ch1b"), considered=3),
    Innocent(twice().refund("ch1b", PRICE // 2).refund("ch1b", PRICE // 2)),
    Innocent(bent(twice(), "charges", refunded_minor=PRICE).without("refunds")),
    Innocent(usual().charge(1, charge="ch1b", state="failed")),
    Innocent(usual().charge(1, charge="ch1b", state="voided", authorised=PRICE)),
    Innocent(two_orders()),
    Innocent(in_parts(1, 900, 8000)),
    Innocent(in_parts(1, 900, 7000)),  # too little is another invariant's
    Innocent(usual().loses_reply(5).order(5).charge(5, amount=900).charge(5, amount=8000, charge="rest")),
    Innocent(usual().loses_reply(5).charge(5, amount=900).charge(5, amount=8000, charge="rest")),
    Innocent(usual().loses_reply(5, 2).charge(5).charge(5, charge="rest")),  # no order yet: what was wanted counts
    Innocent(dearer()),
    Innocent(usual().charge(1, charge="ch1b", amount=0)),
    Innocent(in_parts(2, PRICE, PRICE)),
    # One charge too dear is another invariant's: nobody paid twice.
    Innocent(bent(usual(), "charges", 0, captured_minor=2 * PRICE)),
    # The row of one charge stands twice: a page that repeats itself.
    Innocent(later(usual(), lambda night: night.charges.append(night.charges[0]))),
    # One order a little dearer, the other cheaper: each was paid once.
    Innocent(cheaper_and_dearer()),
    Innocent(cheaper_and_dearer().charge(1, charge="x").refund("x")),
    Innocent(bent(usual(), "charges", 0, captured_minor=2 * PRICE).charge(1, charge="x").refund("x")),
    # Two orders, paid once each, and each of them too dear: that is AMOUNT's to say.
    Innocent(each_dearer(), considered=3),
    Innocent(each_dearer(told=True)),
    Innocent(untied(each_dearer())),
    Innocent(untied(each_dearer(told=True))),
    Innocent(untied(each_dearer(), "ch1b")),
    # One of them in two parts that make its sum, the other too dear.
    Innocent(in_parts(1, 900, 8000).order(1, order="o1b").charge(1, amount=PRICE + 150, charge="x", order="o1b")),
    Innocent(untied(in_parts(1, 900, 8000), "part-1")),
    # One charge for what was to cost nothing: too dear, and once.
    Innocent(untied(given_away().charge(5), "ch5")),
    # The first charge was let go, the second was taken.
    Innocent(bent(twice(), "charges", 0, state="voided", authorised_minor=PRICE)),
]
DOUBTFUL = [
    Doubtful(Night(), "nothing", {"require": (CHECKER,)}),
    Doubtful(twice().without("charges"), "gives no charges", weighs=False),
    Doubtful(twice().without("orders"), "gives no orders"),
    Doubtful(twice().flaw("charges", error="HTTP 500"), "HTTP 500"),
    Doubtful(twice().flaw("orders", stable=False), "still changed"),
    Doubtful(twice().flaw("refunds", complete=False), "not read completely"),
    Doubtful(twice(), "settle", NOT_SETTLED, pending=1),
    Doubtful(stray_charge(), "find their intent"),
    Doubtful(twice().without("refunds"), "do not tell of refunds"),
    Doubtful(usual().charge(1, charge="ch1b", currency="usd"), "in another currency"),
    Doubtful(unpriced(twice()), "map `amount` or `qty`"),
    Doubtful(unpriced(twice_untied()), "map `amount` or `qty`"),
    Doubtful(stray_order(twice_untied()), "may be what was paid for"),
    Doubtful(stray_order(nothing_ordered()), "may be what was paid for"),
    Doubtful(
        stray_order(bent(in_parts(1, 900, 8000).charge(1, charge="x"), "charges", payment=None)),
        "may be what was paid for",
    ),
    Doubtful(half_priced(), "map `amount` or `qty`"),
]
