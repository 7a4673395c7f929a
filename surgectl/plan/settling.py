"""How long the books may stay open after the last fan: what the shop's own constants ask for (invariants R3)."""

from __future__ import annotations

from surgectl.plan.model import Settling
from surgectl.profile.target import Promises

_MARGIN_PERCENT = 20

EVENTUAL: dict[str, str] = {
    "CHARGED_NO_TICKET": "a charge whose ticket or refund is still to come",
    "TICKET_NO_CHARGE": "a ticket whose charge is still to come",
    "DUPCHARGE": "a second charge whose refund is still to come",
    "LEAK": "a hold that has not run out yet",
    "AUTH_LEFT": "an authorisation not yet captured or voided",
    "LIMBO": "an order without a final state",
}
"""Invariants that may be pending until the window closes → what is then still open."""


def settling(promises: Promises, at_most_ns: int) -> Settling:
    """Hold TTL + payments + webhook delay + late refunds + one reconciler period, and a fifth on top.

    Payments take time-out × tries, or the shop's own deadline where that is longer: a queue and its pauses count too.
    """
    tries_ns = int(promises.payment_timeout) * promises.payment_tries
    deadline_ns = int(promises.payment_deadline)
    payments = ("payment_deadline", deadline_ns) if deadline_ns > tries_ns else ("payment_timeout × tries", tries_ns)
    parts = [
        ("hold_ttl", int(promises.hold_ttl)),
        payments,
        ("webhook_delay", int(promises.webhook_delay)),
        ("late_refunds", int(promises.late_refunds)),
        ("reconcile_every", int(promises.reconcile_every)),
    ]
    parts = [(name, ns) for name, ns in parts if ns]
    margin_ns = sum(ns for _, ns in parts) * _MARGIN_PERCENT // 100
    parts.append((f"+{_MARGIN_PERCENT}%", margin_ns))
    return Settling(window_ns=sum(ns for _, ns in parts), at_most_ns=at_most_ns, parts=tuple(parts))
