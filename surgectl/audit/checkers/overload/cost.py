"""What one valid ticket costs in requests and calls.

Definition: requests that fans sent, and requests that the provider received, each for one valid ticket; in money
where the profile names the fee of a call (`call:`). Fails where a budget is set and a ticket costs more; else it is
told.
Inputs: what was sent, tickets or orders, the provider's request log.
Settling: none.
Severity: info.
"""

from __future__ import annotations

from surgectl.audit.books import access, lay, readings
from surgectl.audit.expectations import Expectations
from surgectl.audit.finding import Finding
from surgectl.audit.statistic import Statistic, conclude, does_not_apply, turned_off
from surgectl.profile.statistics import Cost
from surgectl.recording.relations import Relations
from surgectl.units import show_money


def check(relations: Relations, expectations: Expectations) -> Finding:
    limits = expectations.limits("COST", Cost())
    if limits is None:
        return turned_off("COST")
    lay(relations)
    sold = access(relations, ("tickets",) if "tickets" in readings(relations) else ("orders",))
    if not sold.good:
        return does_not_apply("COST", "info", sold.why, expectations)
    (tickets,) = relations.one("SELECT coalesce(sum(valid_qty), 0) FROM book_orders WHERE valid")
    (sends,) = relations.one("SELECT count(*) FROM attempts WHERE sent_ns IS NOT NULL AND role <> 'status'")
    if not tickets:
        return does_not_apply("COST", "info", "not one valid ticket was issued", expectations)
    calls = _calls(relations)
    numbers = {
        "tickets": int(tickets),
        "requests": sends,
        "requests_per_ticket": round(sends / tickets, 4),
        "provider_calls": calls,
        "provider_calls_per_ticket": None if calls is None else round(calls / tickets, 4),
    }
    said = f"{sends / tickets:.1f} requests for each of {int(tickets):,} valid tickets"
    if calls is not None:
        said += f", {calls / tickets:.2f} calls of the provider"
    breaches, doubts, unjudged = [], [], ""
    if limits.call is None:
        unjudged = "no fee is named: `statistics: {COST: {call: 0.05 EUR, budget: 0.20 EUR}}` judges it"
    elif calls is None:
        doubts.append(access(relations, ("requests",)).why)
    else:
        spent = limits.call.minor * calls / tickets
        numbers["money_per_ticket_minor"] = round(spent, 4)
        said += f", {show_money(round(spent), limits.call.currency)} a ticket"
        if limits.budget is None:
            unjudged = "no budget is set: `statistics: {COST: {budget: 0.20 EUR}}` judges it"
        elif limits.budget.currency != limits.call.currency:
            doubts.append(f"the budget is in {limits.budget.currency}, the fee in {limits.call.currency}")
        elif spent > limits.budget.minor:
            breaches.append(
                f"the calls for a ticket cost {spent:.4g} minor units of {limits.call.currency}, the budget is"
                f" {limits.budget}"
            )
    return conclude(
        Statistic(
            id="COST",
            severity="info",
            considered=int(tickets),
            said=said,
            breaches=tuple(breaches),
            doubts=tuple(doubts),
            unjudged=unjudged,
            numbers=numbers,
        ),
        expectations,
    )


def _calls(relations: Relations) -> int | None:
    """Requests that asked the provider for something, not those that only read; None where it keeps no log."""
    if not access(relations, ("requests",)).good:
        return None
    (calls,) = relations.one("SELECT count(*) FROM requests WHERE upper(method) = 'POST'")
    return int(calls)
