"""Two orders for one want; and how it only looks so."""

from __future__ import annotations

from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.usual import NOT_SETTLED, Night, bent, stray_order, usual

ONE = {"one_order_per": "intent"}


def twice(*, key: str | None = None, charged: bool = True, state: str = "valid") -> Night:
    """A second order for the first fan's want."""
    night = usual().order(1, order="o1b", state=state, key=key)
    if key:
        bent(night, "orders", 0, key=key)
    return night.charge(1, charge="ch1b", order="o1b") if charged else night


def untied() -> Night:
    """The charges name their fan, and no order."""
    night = twice()
    for at in range(len(night.charges)):
        bent(night, "charges", at, payment=None)
    return night


CHECKER = "DUPORDER"
GUILTY = [
    Guilty(twice(), 1, "run-i1", ONE, says="holds 2, where the shop promises one per intent", severity="major"),
    Guilty(twice(key="k"), 1, "run-i1", says="by one idempotency key"),
    Guilty(twice(key="k"), 1, "run-i1", ONE, says="by one idempotency key"),
    Guilty(untied(), 1, "run-i1", ONE),
    Guilty(twice(charged=False).without("charges"), 1, "run-i1", ONE),
    Guilty(twice().without("tickets"), 1, "run-i1", ONE),
    Guilty(twice().order(2, 2, order="o2b").charge(2, 2, charge="ch2b", order="o2b"), 2, "run-i1", ONE),
    Guilty(
        bent(twice(key="k"), "orders", key="k2").order(1, order="o1c", key="k").charge(1, charge="c", order="o1c"),
        1,
        "run-i1",
    ),
    Guilty(twice().flaw("refunds", stable=False), 1, "run-i1", ONE),
]
INNOCENT = [
    Innocent(usual(), ONE, considered=3),
    Innocent(twice(), considered=3),  # two tabs, where nobody promised otherwise
    Innocent(bent(twice(key="k"), "orders", key="k2")),
    Innocent(bent(twice(key="k"), "orders", key=None)),
    Innocent(twice(state="void"), ONE),
    Innocent(twice(state="pending"), ONE),
    Innocent(twice(charged=False), ONE),  # nobody paid for the second: another invariant's
    Innocent(twice().refund("ch1b"), ONE),
    Innocent(twice(key="k").refund("ch1b"), ONE),
    Innocent(usual().order(1, order="o1b"), ONE),
]
DOUBTFUL = [
    Doubtful(Night(), "nothing", {"require": (CHECKER,)}),
    Doubtful(twice().without("orders"), "gives no orders", ONE, weighs=False),
    Doubtful(twice().flaw("orders", stable=False), "still changed", ONE),
    Doubtful(twice().flaw("tickets", complete=False), "not read completely", ONE),
    Doubtful(twice().flaw("charges", error="HTTP 500"), "HTTP 500", ONE),
    Doubtful(twice(), "settle", ONE | NOT_SETTLED, pending=1),
    Doubtful(stray_order(), "of the orders find their intent", ONE),
]
