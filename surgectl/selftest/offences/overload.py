"""Shops that bear a crowd or an outage badly, or do not serve those first who came first."""

from __future__ import annotations

from surgectl.selftest.offence import Offence

OFFENCES: tuple[Offence, ...] = (
    Offence(defect="lifo", caught_by=("FAIR_ORDER",), coverage={"in_line": 50}, scene="long-line"),
    Offence(defect="favourites", caught_by=("FAIR_ORDER",), coverage={"in_line": 50}, scene="long-line", quick=False),
    Offence(defect="position-jumps", caught_by=("QUEUE_POS",), coverage={"in_line": 50}, scene="long-line"),
    Offence(defect="retry-storm", caught_by=("AMP_PAY",), coverage={"payments_in_fault": 10}),
    Offence(defect="shared-pool", caught_by=("BULKHEAD",), scene="crush", coverage={"fault_requests": 5}),
    Offence(defect="slow-shed", caught_by=("SHED",), scene="crush", coverage={"shed": 20}),
    Offence(
        defect="dead-work",
        caught_by=("METASTABLE", "RECOVERY", "DRAIN"),
        scene="stuck",
        coverage={"payments_in_fault": 20},
        slow=True,
    ),
)
"""They break limits, not ledgers: exit 10."""
