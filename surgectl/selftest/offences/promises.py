"""Shops that do not keep what they told their fans."""

from __future__ import annotations

from surgectl.selftest.offence import Offence

OFFENCES = (Offence(defect="lost-ticket", caught_by=("LOST_TICKET",)),)
