"""Shops that lose count of their tickets."""

from __future__ import annotations

from surgectl.selftest.offence import Offence

OFFENCES = (
    Offence(defect="oversell", caught_by=("OVERSELL", "SEAT2")),
    Offence(defect="leaked-holds", caught_by=("LEAK",)),
)
