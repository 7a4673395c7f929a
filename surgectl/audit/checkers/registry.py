"""Every checker, in the order of the report: stock, money, promises, and our own health last.

To add one: copy its neighbour's file, and add a line here. docs/invariants.md is made of their docstrings.
"""

from __future__ import annotations

from collections.abc import Callable

from surgectl.audit.checkers import generator
from surgectl.audit.checkers.money import (
    amount,
    auth_left,
    charged_no_ticket,
    dupcharge,
    ghost,
    phantom,
    refund,
    ticket_no_charge,
)
from surgectl.audit.checkers.promises import duporder, idem_replay, limbo, limit, lost_ticket, regress
from surgectl.audit.checkers.stock import conserve, leak, oversell, seat2
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations

Checker = Callable[[Relations, Expectations], Finding]

CHECKERS: dict[str, Checker] = {
    "OVERSELL": oversell.check,
    "SEAT2": seat2.check,
    "CONSERVE": conserve.check,
    "LEAK": leak.check,
    "DUPCHARGE": dupcharge.check,
    "CHARGED_NO_TICKET": charged_no_ticket.check,
    "TICKET_NO_CHARGE": ticket_no_charge.check,
    "AMOUNT": amount.check,
    "GHOST": ghost.check,
    "REFUND": refund.check,
    "AUTH_LEFT": auth_left.check,
    "PHANTOM": phantom.check,
    "LOST_TICKET": lost_ticket.check,
    "DUPORDER": duporder.check,
    "LIMIT": limit.check,
    "IDEM_REPLAY": idem_replay.check,
    "REGRESS": regress.check,
    "LIMBO": limbo.check,
    "GENERATOR": generator.check,
}
"""Id → checker."""
