"""The words a profile may use: what can be proved about a sale, what must have been exercised, how a step is called.

The invariants are those of docs/invariants.md; each has one group, so that `require: [money]` means all of its group.
"""

from __future__ import annotations

from typing import get_args

from surgectl.profile.step import Role

GROUPS: dict[str, str] = {
    "stock": "No more tickets than exist, none lost and none forgotten.",
    "money": "Everybody paid once, for what they got, at the price shown.",
    "promises": "What the shop told a fan stays true.",
    "fairness": "First come, first served, where the sale says so.",
    "overload": "How the shop carries a crowd that is too large.",
}

INVARIANTS: dict[str, str] = {
    "OVERSELL": "stock",
    "SEAT2": "stock",
    "CONSERVE": "stock",
    "LEAK": "stock",
    "UNDERSELL": "stock",
    "DUPCHARGE": "money",
    "CHARGED_NO_TICKET": "money",
    "TICKET_NO_CHARGE": "money",
    "AMOUNT": "money",
    "GHOST": "money",
    "REFUND": "money",
    "AUTH_LEFT": "money",
    "PHANTOM": "money",
    "LOST_TICKET": "promises",
    "DUPORDER": "promises",
    "LIMIT": "promises",
    "IDEM_REPLAY": "promises",
    "IDEM_MISMATCH": "promises",
    "REGRESS": "promises",
    "LIMBO": "promises",
    "WEBHOOK_DUP": "promises",
    "FAIR_ORDER": "fairness",
    "QUEUE_POS": "fairness",
    "TAB_ADV": "fairness",
    "CONFIRM_LAT": "overload",
    "AMP_FAN": "overload",
    "AMP_PAY": "overload",
    "SHED": "overload",
    "GOODPUT": "overload",
    "RECOVERY": "overload",
    "DRAIN": "overload",
    "METASTABLE": "overload",
    "BULKHEAD": "overload",
    "COST": "overload",
}
"""Invariant id → its group."""

COVERAGE: dict[str, str] = {
    "payments_in_fault": "Payments (or their share) whose first attempt was due while a fault was on.",
    "lost_replies": "Charges that the provider made and whose reply never arrived.",
    "asked_again": "Idempotency keys with which the provider was asked to pay more than once.",
    "retries_after_info": "New attempts after one whose fate was unknown.",
    "retries": "Further attempts of an operation, whatever the one before came to.",
    "double_clicks": "Holds and payments that were sent twice at once.",
    "key_reuses": "Idempotency keys that were sent with two different bodies.",
    "second_tabs": "Intents that sent payments from two tabs or more.",
    "holds_at_once": "Fans who asked for a hold while another fan's was under way.",
    "in_line": "Fans who were told at least once that it is not their turn yet.",
    "confirmed": "Fans who were told that they have bought.",
    "expired_holds": "Holds that ran out.",
    "sold_out": "Fans who were told, finally, that nothing is left.",
    "limit_refusals": "Fans who were told that one may not buy so many.",
    "declines": "Fans who were told that their card was declined.",
    "refunds": "Charges of which money went back.",
    "webhooks": "Deliveries of the provider's events to the shop.",
    "repeated_webhooks": "Events that the provider delivered more than once.",
    "confirmed_reads": "Answers to somebody who had been told `confirmed` and came back to look.",
    "shed": "Requests that the shop refused to protect itself.",
    "fault_requests": "Requests that reached the provider's link while a fault was on.",
}
"""Coverage id → what is counted (invariants R11)."""

ROLES: tuple[str, ...] = get_args(Role)

ENDS: dict[str, str] = {
    "confirmed": "ok",
    "accepted": "ok",
    "sold-out": "fail",
    "declined": "fail",
    "limit": "fail",
    "gone": "fail",
    "refused": "fail",
}
"""How a step may end → what that means for the history; other names need `means:`."""

CLAIMS = ("order", "amount", "qty", "seats", "tickets", "position", "wait")
"""What a reply may claim."""


def invariants_of(word: str) -> tuple[str, ...]:
    """The ids that a group or an id stands for; nothing for an unknown word."""
    if word in GROUPS:
        return tuple(name for name, group in INVARIANTS.items() if group == word)
    return (word,) if word in INVARIANTS else ()
