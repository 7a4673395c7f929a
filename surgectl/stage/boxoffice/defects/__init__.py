"""Shops that are wrong on purpose, each in one small way, to prove that the audit finds out."""

from __future__ import annotations

from surgectl.errors import UsageError, did_you_mean
from surgectl.stage.boxoffice.conduct import CORRECT, Conduct
from surgectl.stage.boxoffice.defects import (
    charged_no_ticket,
    double_charge,
    leaked_holds,
    lost_ticket,
    oversell,
    ticket_no_charge,
)

DEFECTS: dict[str, Conduct] = {
    "oversell": oversell.CONDUCT,
    "double-charge": double_charge.CONDUCT,
    "charged-no-ticket": charged_no_ticket.CONDUCT,
    "ticket-no-charge": ticket_no_charge.CONDUCT,
    "lost-ticket": lost_ticket.CONDUCT,
    "leaked-holds": leaked_holds.CONDUCT,
}


def conduct_of(defect: str | None) -> Conduct:
    """How a shop with this defect behaves; None: as it should. UsageError for a name that nobody knows."""
    if defect is None:
        return CORRECT
    if defect not in DEFECTS:
        raise UsageError(
            f"{defect!r} is no defect of the box office", hint=did_you_mean(defect, DEFECTS) or ", ".join(DEFECTS)
        )
    return DEFECTS[defect]
