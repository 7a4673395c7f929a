"""Shops that do not keep what they told their fans."""

from __future__ import annotations

from surgectl.selftest.offence import Offence

OFFENCES = (
    Offence(defect="lost-ticket", caught_by=("LOST_TICKET",)),
    Offence(defect="cancel-after-confirm", caught_by=("LOST_TICKET",), scene="twice"),
    Offence(defect="limit-bypass", caught_by=("LIMIT",), scene="twice", coverage={"second_tabs": 4}),
    Offence(defect="replay-new-order", caught_by=("DUPORDER",), scene="twice", coverage={"double_clicks": 10}),
    Offence(defect="key-forgotten", caught_by=("DUPORDER",), scene="twice", coverage={"double_clicks": 10}),
    Offence(defect="status-backwards", caught_by=("REGRESS",), scene="twice", coverage={"confirmed_reads": 10}),
    Offence(defect="lost-job", caught_by=("LIMBO",), scene="twice"),
)
