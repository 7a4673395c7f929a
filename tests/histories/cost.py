"""COST: what one valid ticket costs in requests and calls."""

from __future__ import annotations

from surgectl.profile.statistics import Cost, Statistics
from surgectl.profile.values import Money
from surgectl.recording.evidence_rows import RequestRow
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import Night

CHECKER = "COST"


def priced(call: int, budget: int | None = 20, currency: str = "EUR") -> dict[str, object]:
    found = Cost(call=Money(call, "EUR"), budget=None if budget is None else Money(budget, currency))
    return {"statistics": Statistics(cost=found)}


def sold(calls: int, reads: int = 0) -> Night:
    """Three tickets, and what the provider was asked for them."""
    night = Night().buys(1).buys(2, qty=2)
    night.requests = [RequestRow(key=f"key-{number}", method="POST") for number in range(calls)]
    night.requests += [RequestRow(key=f"read-{number}", method="GET") for number in range(reads)]
    night.left_out.discard("requests")
    return night


GUILTY = [
    Guilty(sold(6), changes=priced(11), says="cost 22 minor units of EUR, the budget is 0.20 EUR", severity="info")
]

INNOCENT = [
    Innocent(sold(6), changes=priced(10), considered=3),
    Innocent(sold(6, reads=60), changes=priced(10), considered=3),
    Innocent(sold(6).without("tickets"), changes=priced(10), considered=3),
]

DOUBTFUL = [
    Doubtful(sold(6), "no fee is named", weighs=False),
    # What was never sent, and a look at the status page, cost nothing.
    Doubtful(
        sold(6).send(1, "browse", "fail", "not-sent").send(1, "status", "ok", "confirmed"),
        "1.3 requests for each of 3 valid tickets",
    ),
    Doubtful(sold(6), "no budget is set", changes=priced(11, None)),
    Doubtful(sold(6), "the budget is in USD, the fee in EUR", changes=priced(11, 1, "USD")),
    Doubtful(sold(6).without("requests"), "the target gives no requests", changes=priced(11)),
    Doubtful(sold(6).without("orders", "tickets"), "the target gives no orders", changes=priced(11)),
    Doubtful(sold(6).flaw("tickets", complete=False), "tickets were not read completely", changes=priced(11)),
    Doubtful(Night().refused(1), "not one valid ticket was issued", changes=priced(11)),
    Doubtful(sold(6), "COST: off", changes={"statistics": Statistics(cost="off")}),
]
