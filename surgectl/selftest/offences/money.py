"""Shops and providers that lose count of the money."""

from __future__ import annotations

from surgectl.selftest.offence import Offence

OFFENCES = (
    Offence(defect="double-charge", caught_by=("DUPCHARGE",), coverage={"lost_replies": 3}),
    Offence(defect="charged-no-ticket", caught_by=("CHARGED_NO_TICKET",), coverage={"lost_replies": 1}),
    Offence(defect="ticket-no-charge", caught_by=("TICKET_NO_CHARGE",), coverage={"lost_replies": 1}),
    Offence(defect="two-tabs", caught_by=("DUPCHARGE",), scene="bad-cards", coverage={"second_tabs": 3}, quick=False),
    Offence(
        defect="crash-between", caught_by=("CHARGED_NO_TICKET",), coverage={"confirmed": 20}, scene="twice", quick=False
    ),
    Offence(defect="declined-but-charged", caught_by=("GHOST", "CHARGED_NO_TICKET"), coverage={"lost_replies": 1}),
    Offence(defect="price-change", caught_by=("AMOUNT",), coverage={"confirmed": 25}),
    Offence(defect="hidden-fee", caught_by=("AMOUNT",), coverage={"confirmed": 1}, quick=False),
    Offence(defect="strange-charges", caught_by=("PHANTOM",), coverage={"confirmed": 10}, quick=False),
    Offence(
        defect="refund-keeps-ticket",
        caught_by=("REFUND", "TICKET_NO_CHARGE"),
        coverage={"lost_replies": 1},
        quick=False,
    ),
    Offence(defect="left-authorised", caught_by=("AUTH_LEFT",), coverage={"fault_requests": 5}),
    Offence(defect="partial", caught_by=("LOST_TICKET", "CHARGED_NO_TICKET"), coverage={"confirmed": 20}, quick=False),
    Offence(
        defect="second-worker", caught_by=("DUPCHARGE",), coverage={"confirmed": 10}, scene="bad-cards", quick=False
    ),
    # A stranger's fans all pay with one card, so there are no bad ones among them.
    Offence(
        defect="optimistic-card",
        caught_by=("TICKET_NO_CHARGE",),
        scene="bad-cards",
        coverage={"declines": 1, "confirmed": 15},
        quick=False,
        disguise=False,
    ),
    Offence(
        defect="no-idempotency", caught_by=("DUPCHARGE", "IDEM_REPLAY"), coverage={"lost_replies": 1, "asked_again": 1}
    ),
    Offence(
        defect="short-memory",
        caught_by=("DUPCHARGE", "IDEM_REPLAY"),
        coverage={"lost_replies": 1, "asked_again": 1},
        quick=False,
    ),
    Offence(
        defect="twice-captured",
        caught_by=("DUPCHARGE", "IDEM_REPLAY"),
        coverage={"asked_again": 5},
        scene="slow-bank",
        quick=False,
    ),
    # A right shop never has to pay back in these scenes, so the provider's slip needs a shop that does.
    Offence(defect="cancel-after-confirm+over-refund", caught_by=("REFUND",), scene="twice", coverage={"refunds": 1}),
)
