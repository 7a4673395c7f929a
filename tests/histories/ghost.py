"""Refused in every attempt, and yet charged or ticketed; and how it only looks so."""

from __future__ import annotations

from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.usual import NOT_SETTLED, PRICE, Night, bent, later, polls, stray_charge, usual


def declined(fan: int = 5) -> Night:
    """Held, and was refused at the payment."""
    night = usual()
    night.fan(fan)
    return night.hold(fan).send(fan, "pay", "fail", "declined").told(fan, "pay", "fail", "declined")


def two_tabs(second: str) -> Night:
    """One tab was refused; the other went on."""
    night = declined()
    night.send(5, "pay", "ok" if second == "ok" else "info", second, op=3, tab=1)
    return night


def acknowledged(double: bool = False) -> Night:
    """Acknowledged first, refused later: the operation ended in a refusal."""
    night = usual()
    night.fan(5)
    night.hold(5).send(5, "pay", "ok", "accepted", then="poll", double=double)
    return night.told(5, "pay", "fail", "declined")


def unended() -> Night:
    """Acknowledged, and the fan never heard more."""
    night = usual()
    night.fan(5)
    return night.hold(5).send(5, "pay", "ok", "accepted", then="poll")


CHECKER = "GHOST"
GUILTY = [
    Guilty(usual().charge(4), intent="run-i4", says="refused (sold-out) in every attempt, yet was charged 89.00 EUR"),
    Guilty(usual().charge(4), intent="run-i4", severity="critical"),
    Guilty(usual().order(4), intent="run-i4", says="holds a valid ticket", severity="major"),
    Guilty(usual().order(4).without("refunds"), intent="run-i4", severity="major"),
    Guilty(usual().charge(4).order(4).without("refunds"), intent="run-i4", severity="critical"),
    Guilty(usual().charge(4).refund("ch4", PRICE - 1), intent="run-i4"),
    Guilty(usual().order(4).refused(5).charge(5), 2, "run-i4", severity="critical"),
    Guilty(declined().charge(5), intent="run-i5", says="refused (declined)"),
    Guilty(declined().send(5, "pay", "fail", "declined").charge(5), intent="run-i5"),
    Guilty(declined().send(5, "pay", "fail", "not-sent").charge(5), intent="run-i5"),
    Guilty(acknowledged().charge(5), intent="run-i5"),
    # What a read that waits could not learn is no attempt.
    Guilty(usual().charge(4).send(4, "poll", "info", "timeout"), intent="run-i4"),
    Guilty(declined().told(5, "status", "fail", "declined", op=9, status_read=True).charge(5), intent="run-i5"),
    Guilty(usual().refused(5, "limit").order(5).without("tickets"), intent="run-i5"),
    Guilty(stray_charge(declined()).charge(5), intent="run-i5"),
    Guilty(polls(declined(), 5, "pay", "info", "timeout").charge(5), intent="run-i5"),
]
INNOCENT = [
    Innocent(usual(), considered=1),
    Innocent(declined(), considered=2),
    Innocent(usual().charge(4).refund("ch4")),
    Innocent(usual().charge(4, state="failed")),
    Innocent(usual().order(4, state="void")),
    Innocent(usual().loses_reply(5).order(5).charge(5), considered=1),  # recovered
    Innocent(declined().send(5, "pay", "info", "timeout").charge(5), considered=1),
    Innocent(declined().send(5, "pay", None, "").charge(5), considered=1),
    Innocent(two_tabs("confirmed").charge(5), considered=1),
    Innocent(two_tabs("ok").charge(5)),
    Innocent(two_tabs("ok").told(5, "pay", "ok", "accepted", op=3, tab=1).charge(5)),
    Innocent(declined().told(5, "pay", "ok", "accepted", op=3, tab=1).charge(5)),
    Innocent(declined().told(5, "pay", "info", "unknown", op=3, tab=1).charge(5)),
    Innocent(declined().told(5, "status", "ok", "confirmed", op=9, status_read=True).charge(5).order(5)),
    Innocent(declined().told(5, "status", "ok", "accepted", op=9, status_read=True).charge(5)),
    Innocent(declined().told(5, "status", "info", "unknown", op=9, status_read=True).charge(5)),
    Innocent(acknowledged(double=True).charge(5)),
    Innocent(usual().send(4, "hold", "info", "timeout", op=1).charge(4).refused(6)),
    Innocent(usual().send(4, "hold", "ok", "next", op=5).charge(4).refused(6), considered=1),
    Innocent(stray_charge()),
    Innocent(usual().abandons(5).charge(5), considered=1),
    Innocent(declined().send(5, "hold", "info", "timeout", op=1).charge(5), considered=1),
    Innocent(declined().told(5, "hold", "info", "unknown", op=5).charge(5), considered=1),
    Innocent(declined().told(5, "hold", "ok", "confirmed", op=5).charge(5), considered=1),
    Innocent(declined().told(5, "hold", "ok", "accepted", op=5).charge(5), considered=1),
    Innocent(declined().told(5, "pay", "ok", "next", op=5).charge(5), considered=1),
    # Recovered: not known to the fan, and yet done. It is counted.
    Innocent(usual(), indeterminate=0),
    Innocent(usual().loses_reply(5), indeterminate=0),
    Innocent(usual().loses_reply(5).charge(5), indeterminate=1),
    Innocent(usual().loses_reply(5).charge(5, amount=1), indeterminate=1),
    Innocent(usual().loses_reply(5).order(5), indeterminate=1),
    Innocent(usual().send(1, "pay", "info", "timeout"), indeterminate=0),
    Innocent(declined().send(5, "pay", "info", "timeout").charge(5), indeterminate=1),
    Innocent(declined().told(5, "pay", "info", "unknown", op=5).charge(5), indeterminate=1),
    Innocent(declined().told(5, "pay", "ok", "accepted", op=5).charge(5), indeterminate=1),
    Innocent(usual().abandons(5).charge(5), indeterminate=0),
    # Acknowledged and never ended: the end of another tab, step, page or fan is not its own.
    Innocent(declined().send(5, "pay", "ok", "accepted", tab=1, then="poll").charge(5), considered=1),
    Innocent(declined().send(5, "pay", "ok", "accepted", op=4, then="poll").charge(5), considered=1),
    Innocent(unended().told(5, "status", "fail", "declined", status_read=True).charge(5), considered=1),
    Innocent(
        later(unended(), lambda night: night.refused(6).told(6, "pay", "fail", "declined")).charge(5), considered=2
    ),
]
DOUBTFUL = [
    Doubtful(Night(), "nothing", {"require": (CHECKER,)}, weighs=True),
    Doubtful(Night().buys(1), "nothing", weighs=False),
    Doubtful(usual().charge(4).without("orders"), "gives no orders"),
    Doubtful(usual().charge(4).without("charges"), "gives no charges"),
    Doubtful(usual().charge(4).flaw("charges", stable=False), "still changed"),
    Doubtful(usual().charge(4).flaw("orders", complete=False), "not read completely"),
    Doubtful(usual().order(4).flaw("tickets", complete=False), "not read completely"),
    Doubtful(usual().charge(4).flaw("refunds", error="HTTP 500"), "HTTP 500"),
    Doubtful(usual().charge(4), "settle", NOT_SETTLED, pending=1),
    Doubtful(usual().charge(4).without("refunds"), "do not tell of refunds"),
    Doubtful(bent(usual().charge(4), "charges", captured_minor=1).without("refunds"), "do not tell of refunds"),
]
