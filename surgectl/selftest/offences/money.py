"""Shops and providers that lose count of the money."""

from __future__ import annotations

from surgectl.selftest.offence import Offence

OFFENCES = (
    Offence(defect="double-charge", caught_by=("DUPCHARGE",), coverage={"lost_replies": 1}),
    Offence(defect="charged-no-ticket", caught_by=("CHARGED_NO_TICKET",), coverage={"lost_replies": 1}),
    Offence(defect="ticket-no-charge", caught_by=("TICKET_NO_CHARGE",), coverage={"payments_in_fault": 1}),
)
