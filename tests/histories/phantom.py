"""Orders and charges that nobody asked for; and how it only looks so."""

from __future__ import annotations

from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.usual import ALONE, EPOCH, Night, bent, of_yesterday, stray_charge, stray_order, usual


def nameless() -> Night:
    """Not one charge says whose it is: then it is our linking that is blind."""
    night = usual()
    for at in range(len(night.charges)):
        bent(night, "charges", at, keys=[], payment=None)
    return night


def of_two() -> Night:
    """A charge that carries the keys of two fans."""
    return bent(stray_charge(), "charges", keys=["run-i1", "run-i2"])


def an_hour_behind(night: Night) -> Night:
    """Shop and provider have clocks that are slow: all of the run seems to be long before it."""
    for kind in ("orders", "charges"):
        for at, row in enumerate(getattr(night, kind)):
            bent(night, kind, at, at_s=(row.at_s or EPOCH) - 3600)
    return night


CHECKER = "PHANTOM"
GUILTY = [
    Guilty(stray_charge(), changes=ALONE, says="charge ch9 belongs to no fan", severity="critical"),
    Guilty(stray_order(), changes=ALONE, says="order stray belongs to no fan"),
    Guilty(stray_order(stray_charge()), 2, changes=ALONE),
    Guilty(bent(stray_charge(), "charges", at_s=None), changes=ALONE),
    Guilty(bent(stray_order(), "orders", at_s=EPOCH), changes=ALONE),
    Guilty(bent(stray_charge(), "charges", at_s=EPOCH - 60), changes=ALONE),
    Guilty(stray_charge(), changes=ALONE | {"started_epoch_s": 0.0}),
    Guilty(bent(stray_charge(of_two()), "charges", charge="ch8"), changes=ALONE, says="ch8"),
    Guilty(stray_order().without("tickets"), changes=ALONE),
    Guilty(stray_order(), changes=ALONE | {"started_epoch_s": 0.0}),
    Guilty(bent(stray_order(), "orders", at_s=EPOCH - 60), changes=ALONE),
    Guilty(an_hour_behind(stray_charge()), changes=ALONE),
    Guilty(an_hour_behind(stray_order()), changes=ALONE),
    Guilty(bent(stray_charge(), "charges", captured_minor=1), changes=ALONE),
    Guilty(bent(bent(stray_order().without("tickets"), "orders", at_s=None), "orders", keys=[]), changes=ALONE),
]
INNOCENT = [
    Innocent(usual(), ALONE, considered=6),
    Innocent(of_yesterday(stray_charge(), "charges"), ALONE, considered=6),
    Innocent(of_yesterday(stray_order().without("tickets"), "orders"), ALONE, considered=6),
    Innocent(bent(stray_charge(), "charges", at_s=EPOCH - 61), ALONE),
    Innocent(bent(stray_order(), "orders", at_s=EPOCH - 61), ALONE),
    Innocent(stray_charge().refund("ch9"), ALONE),
    Innocent(bent(stray_charge(), "charges", state="failed"), ALONE),
    Innocent(usual().order(9, state="void", order="stray", linked=False), ALONE),
    Innocent(usual().order(9, state="pending", order="stray", linked=False), ALONE),
]
DOUBTFUL = [
    Doubtful(Night(), "nothing", {"require": (CHECKER,)} | ALONE, weighs=True),
    Doubtful(Night(), "nothing", ALONE, weighs=False),
    Doubtful(stray_charge(), "one of its own", weighs=False),
    Doubtful(stray_charge().without("orders"), "gives no orders", ALONE),
    Doubtful(stray_order().without("charges"), "gives no charges", ALONE),
    Doubtful(stray_charge().flaw("charges", complete=False), "not read completely", ALONE),
    Doubtful(stray_charge().flaw("orders", stable=False), "still changed", ALONE),
    Doubtful(stray_order().flaw("tickets", stable=False), "still changed", ALONE),
    Doubtful(stray_charge().flaw("refunds", error="HTTP 500"), "HTTP 500", ALONE),
    Doubtful(nameless(), "not one of the charges finds its intent", ALONE),
    Doubtful(stray_order(nameless()), "not one of the charges finds its intent", ALONE),
    Doubtful(of_two(), "keys of two fans", ALONE),
]
