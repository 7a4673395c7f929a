"""Every checker, in the order of the report: stock, money, promises, and our own health last.

To add one: copy its neighbour's file, and add a line here. docs/invariants.md is made of their docstrings.
"""

from __future__ import annotations

from collections.abc import Callable

from surgectl.audit.checkers import generator
from surgectl.audit.checkers.fairness import fair_order, queue_pos, tab_adv
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
from surgectl.audit.checkers.overload import (
    amp_fan,
    amp_pay,
    bulkhead,
    confirm_lat,
    cost,
    drain,
    goodput,
    metastable,
    recovery,
    shed,
)
from surgectl.audit.checkers.promises import (
    duporder,
    idem_mismatch,
    idem_replay,
    limbo,
    limit,
    lost_ticket,
    regress,
    webhook_dup,
)
from surgectl.audit.checkers.stock import conserve, leak, oversell, seat2, undersell
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.recording.relations import Relations

Checker = Callable[[Relations, Expectations], Finding]

CHECKERS: dict[str, Checker] = {
    "OVERSELL": oversell.check,
    "SEAT2": seat2.check,
    "CONSERVE": conserve.check,
    "LEAK": leak.check,
    "UNDERSELL": undersell.check,
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
    "IDEM_MISMATCH": idem_mismatch.check,
    "REGRESS": regress.check,
    "LIMBO": limbo.check,
    "WEBHOOK_DUP": webhook_dup.check,
    "FAIR_ORDER": fair_order.check,
    "QUEUE_POS": queue_pos.check,
    "TAB_ADV": tab_adv.check,
    "CONFIRM_LAT": confirm_lat.check,
    "AMP_FAN": amp_fan.check,
    "AMP_PAY": amp_pay.check,
    "SHED": shed.check,
    "GOODPUT": goodput.check,
    "RECOVERY": recovery.check,
    "DRAIN": drain.check,
    "METASTABLE": metastable.check,
    "BULKHEAD": bulkhead.check,
    "COST": cost.check,
    "GENERATOR": generator.check,
}
"""Id → checker."""
