"""Shops that lose count of their tickets."""

from __future__ import annotations

from surgectl.selftest.offence import Offence

OFFENCES = (
    Offence(defect="oversell", caught_by=("OVERSELL", "SEAT2"), coverage={"holds_at_once": 2}),
    Offence(defect="leaked-holds", caught_by=("LEAK",), coverage={"expired_holds": 1}),
    Offence(defect="late-payment", caught_by=("SEAT2", "OVERSELL"), coverage={"lost_replies": 1, "expired_holds": 1}),
    Offence(defect="same-seat-twice", caught_by=("SEAT2",), coverage={"confirmed": 20}, quick=False),
    Offence(defect="counter-drift", caught_by=("CONSERVE",), coverage={"holds_at_once": 2}),
    Offence(defect="orders-for-tickets", caught_by=("CONSERVE",), coverage={"confirmed": 20}, quick=False),
    Offence(defect="house-orders", caught_by=("PHANTOM",), coverage={"confirmed": 10}),
    Offence(
        defect="false-sold-out",
        caught_by=("UNDERSELL",),
        scene="bad-cards",
        coverage={"expired_holds": 1, "sold_out": 1},
    ),
    # A stranger's fans all pay with one card, so there are no bad ones among them.
    Offence(
        defect="lost-release",
        caught_by=("LEAK",),
        scene="bad-cards",
        coverage={"declines": 1},
        disguise=False,
        quick=False,
    ),
)
