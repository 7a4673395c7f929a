"""Shops that do not keep what they told their fans."""

from __future__ import annotations

from surgectl.selftest.offence import Offence

OFFENCES = (
    Offence(defect="lost-ticket", caught_by=("LOST_TICKET",), coverage={"confirmed": 25}),
    Offence(
        defect="cancel-after-confirm", caught_by=("LOST_TICKET",), coverage={"refunds": 1}, scene="twice", quick=False
    ),
    Offence(defect="limit-bypass", caught_by=("LIMIT",), scene="twice", coverage={"second_tabs": 4}),
    Offence(defect="replay-new-order", caught_by=("DUPORDER",), scene="twice", coverage={"double_clicks": 10}),
    Offence(
        defect="key-forgotten", caught_by=("DUPORDER",), scene="twice", coverage={"retries_after_info": 1}, quick=False
    ),
    Offence(defect="status-backwards", caught_by=("REGRESS",), scene="twice", coverage={"confirmed_reads": 10}),
    Offence(defect="lost-job", caught_by=("LIMBO",), coverage={"confirmed": 15}, scene="twice"),
    Offence(defect="key-mismatch", caught_by=("IDEM_MISMATCH",), scene="letters", coverage={"key_reuses": 4}),
    Offence(defect="webhook-twice", caught_by=("WEBHOOK_DUP",), scene="letters", coverage={"repeated_webhooks": 5}),
    Offence(
        defect="webhook-order",
        caught_by=("WEBHOOK_DUP", "CHARGED_NO_TICKET", "LOST_TICKET"),
        scene="letters",
        coverage={"webhooks": 20},
        quick=False,
    ),
    Offence(
        defect="webhook-unsigned",
        caught_by=("WEBHOOK_DUP", "TICKET_NO_CHARGE"),
        scene="letters",
        coverage={"webhooks": 20, "declines": 3},
        quick=False,
    ),
)
