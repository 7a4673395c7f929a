"""One person with more than the limit; and how it only looks so."""

from __future__ import annotations

from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.usual import NOT_SETTLED, Night, bent, stray_order, usual, void_order

TWO = {"limit": 2}


def second_order(identity: str = "fan-2@example.org", qty: int = 1) -> Night:
    night = usual().order(2, qty, order="o2b").charge(2, qty, charge="ch2b", order="o2b")
    return bent(night, "orders", identity=identity)


CHECKER = "LIMIT"
GUILTY = [
    Guilty(usual(), 1, "run-i2", {"limit": 1}, says="holds 2 tickets, 1 are allowed", severity="major"),
    Guilty(usual(), 3, "run-i1", {"limit": 0}),
    Guilty(second_order(), 1, "run-i2", TWO, says="holds 3"),
    Guilty(second_order("Fan-2@Example.org"), 1, "run-i2", TWO),
    Guilty(second_order(" fan-2@example.org "), 1, "run-i2", TWO),
    Guilty(second_order().without("tickets"), 1, "run-i2", TWO),
    Guilty(second_order(), 1, "run-i2", TWO | NOT_SETTLED),
    # Two intents of one person.
    Guilty(bent(usual(), "orders", identity="fan-2@example.org"), 1, "run-i2", TWO, says="o2, o3"),
    # One that says nothing of itself does not hide another.
    Guilty(bent(second_order(), "orders", 0, identity=None), 1, "run-i2", TWO),
    Guilty(stray_order(second_order()), 1, "run-i2", TWO),
    Guilty(second_order().order(2, order="o0", state="void"), 1, "run-i2", TWO, says="are allowed o2, o2b"),
]
INNOCENT = [
    Innocent(usual(), TWO, considered=3),
    Innocent(usual().without("tickets"), TWO, considered=3),
    Innocent(void_order(second_order(), "o2b"), TWO, considered=3),
    Innocent(bent(second_order(), "orders", identity="fan-2@example.net"), TWO, considered=4),
    Innocent(bent(usual(), "orders", identity="fan-1@example.org"), TWO, considered=2),
    Innocent(usual().order(2, 2, order="o2b", state="pending"), TWO),
    Innocent(bent(usual(), "orders", qty=None), TWO),  # the tickets tell
    # Nobody knows whether an order of no fan of ours is of this sale.
    Innocent(bent(stray_order(usual()), "orders", identity="fan-2@example.org", at_s=1.0).without("tickets"), TWO),
    Innocent(void_order(usual(), "o1"), TWO, considered=2),
    Innocent(bent(void_order(usual(), "o3"), "orders", identity=None), TWO, considered=2),
    Innocent(bent(stray_order(), "orders", identity=None, at_s=1.0).without("tickets"), TWO, considered=3),
]
DOUBTFUL = [
    Doubtful(Night(), "nothing", {"require": (CHECKER,)} | TWO, weighs=True),
    Doubtful(usual(), "no limit"),
    Doubtful(
        bent(bent(bent(usual(), "orders", 0, identity=None), "orders", 1, identity=None), "orders", identity=None),
        "the orders name no identity",
        TWO,
    ),
    Doubtful(bent(usual(), "orders", identity=None), "map `identity`", TWO),
    Doubtful(bent(usual().without("tickets"), "orders", qty=None), "or how many", TWO),
    Doubtful(stray_order(), "of the orders find their intent", TWO),
    Doubtful(second_order().without("orders", "tickets"), "gives no orders", TWO, weighs=False),
    Doubtful(second_order().flaw("orders", complete=False), "not read completely", TWO),
    Doubtful(second_order().flaw("tickets", stable=False), "still changed", TWO),
    Doubtful(second_order().flaw("orders", error="HTTP 500"), "HTTP 500", TWO),
    Doubtful(bent(bent(usual(), "orders", identity=None), "orders", 1, identity=None), "map `identity`", TWO),
]
