"""Shops that are wrong on purpose, each in one small way, to prove that the audit finds out."""

from __future__ import annotations

from surgectl.errors import UsageError, did_you_mean
from surgectl.stage.boxoffice.conduct import CORRECT, Conduct
from surgectl.stage.boxoffice.defects import (
    cancel_after_confirm,
    charged_no_ticket,
    counter_drift,
    crash_between,
    dead_work,
    declined_but_charged,
    double_charge,
    false_sold_out,
    favourites,
    hidden_fee,
    house_orders,
    key_forgotten,
    key_mismatch,
    late_payment,
    leaked_holds,
    left_authorised,
    lifo,
    limit_bypass,
    lost_job,
    lost_release,
    lost_ticket,
    optimistic_card,
    orders_for_tickets,
    oversell,
    partial,
    position_jumps,
    price_change,
    refund_keeps_ticket,
    replay_new_order,
    retry_storm,
    same_seat_twice,
    second_worker,
    shared_pool,
    slow_shed,
    status_backwards,
    ticket_no_charge,
    two_tabs,
    webhook_order,
    webhook_twice,
    webhook_unsigned,
)

DEFECTS: dict[str, Conduct] = {
    "oversell": oversell.CONDUCT,
    "double-charge": double_charge.CONDUCT,
    "charged-no-ticket": charged_no_ticket.CONDUCT,
    "ticket-no-charge": ticket_no_charge.CONDUCT,
    "lost-ticket": lost_ticket.CONDUCT,
    "leaked-holds": leaked_holds.CONDUCT,
    "limit-bypass": limit_bypass.CONDUCT,
    "replay-new-order": replay_new_order.CONDUCT,
    "key-forgotten": key_forgotten.CONDUCT,
    "status-backwards": status_backwards.CONDUCT,
    "lost-job": lost_job.CONDUCT,
    "cancel-after-confirm": cancel_after_confirm.CONDUCT,
    "key-mismatch": key_mismatch.CONDUCT,
    "late-payment": late_payment.CONDUCT,
    "same-seat-twice": same_seat_twice.CONDUCT,
    "counter-drift": counter_drift.CONDUCT,
    "orders-for-tickets": orders_for_tickets.CONDUCT,
    "false-sold-out": false_sold_out.CONDUCT,
    "lost-release": lost_release.CONDUCT,
    "two-tabs": two_tabs.CONDUCT,
    "crash-between": crash_between.CONDUCT,
    "declined-but-charged": declined_but_charged.CONDUCT,
    "price-change": price_change.CONDUCT,
    "hidden-fee": hidden_fee.CONDUCT,
    "house-orders": house_orders.CONDUCT,
    "refund-keeps-ticket": refund_keeps_ticket.CONDUCT,
    "left-authorised": left_authorised.CONDUCT,
    "partial": partial.CONDUCT,
    "second-worker": second_worker.CONDUCT,
    "optimistic-card": optimistic_card.CONDUCT,
    "webhook-twice": webhook_twice.CONDUCT,
    "webhook-order": webhook_order.CONDUCT,
    "webhook-unsigned": webhook_unsigned.CONDUCT,
    "lifo": lifo.CONDUCT,
    "favourites": favourites.CONDUCT,
    "position-jumps": position_jumps.CONDUCT,
    "shared-pool": shared_pool.CONDUCT,
    "retry-storm": retry_storm.CONDUCT,
    "slow-shed": slow_shed.CONDUCT,
    "dead-work": dead_work.CONDUCT,
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
