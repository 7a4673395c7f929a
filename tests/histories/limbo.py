"""Orders without an end; and how it only looks so."""

from __future__ import annotations

from surgectl.recording.rows import Outcome
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.usual import NOT_SETTLED, Night, usual


def read(end: str, outcome: Outcome = "ok", night: Night | None = None, **claims: object) -> Night:
    """The status page at the end."""
    return (night or usual().loses_reply(5)).told(5, "status", outcome, end, op=9, status_read=True, claims=claims)


def acknowledged(order: str | None = "o5") -> Night:
    """Told "we have your order", and nobody ever read a status page."""
    night = usual()
    night.fan(5)
    night.hold(5).send(5, "pay", "ok", "accepted")
    return night.told(5, "pay", "ok", "accepted", claims={"order": order} if order else {}).left(5, "accepted", "ok")


def lost(told: bool = True) -> Night:
    """The payment's reply was lost; the fan was told nothing, or the recording ends there."""
    night = usual()
    night.fan(5)
    night.hold(5).send(5, "pay", "info", "timeout")
    return night.told(5, "pay", "info", "unknown") if told else night


def one_more(hold: Outcome = "fail", pay: Outcome | None = None) -> Night:
    """A fan whose reply was lost, and another who was refused, or lost one reply, or was acknowledged."""
    night = usual().loses_reply(5)
    night.fan(6)
    night.send(6, "hold", hold, "timeout", op=1).told(6, "hold", hold, "unknown", op=1)
    if pay is not None:
        night.send(6, "pay", pay, "accepted", op=3)
        if pay == "ok":
            night.told(6, "pay", pay, "accepted", op=3)
    return night.told(6, "status", "fail", "declined", op=9, status_read=True)


def beside_a_basket() -> Night:
    """What was acknowledged is void; a basket beside it was left alone."""
    return acknowledged().order(5, state="void").order(5, order="basket", state="pending")


CHECKER = "LIMBO"
GUILTY = [
    Guilty(read("accepted"), intent="run-i5", says="still told that the order is being worked on", severity="major"),
    Guilty(read("accepted", night=lost(told=False)), intent="run-i5"),
    Guilty(read("accepted", night=acknowledged()), intent="run-i5"),
    Guilty(read("accepted", "info"), intent="run-i5"),
    Guilty(read("accepted", order="o5"), intent="run-i5", says="o5"),
    Guilty(read("accepted", night=read("declined", "fail")), intent="run-i5"),
    Guilty(acknowledged().order(5, state="pending"), intent="run-i5", says="it still is, in the shop's books"),
    Guilty(acknowledged(None).order(5, state="pending"), intent="run-i5"),
    Guilty(read("unknown", "info", acknowledged()).order(5, state="pending"), intent="run-i5"),
    Guilty(acknowledged().order(5, state="pending").flaw("tickets", stable=False), intent="run-i5"),
    Guilty(read("accepted").without("orders", "tickets", "charges"), intent="run-i5"),
    Guilty(read("accepted").flaw("orders", stable=False), intent="run-i5"),
]
INNOCENT = [
    Innocent(read("declined", "fail"), considered=1),
    Innocent(read("confirmed").loses_reply(6).told(6, "status", "fail", "declined", op=9, status_read=True)),
    Innocent(read("declined", "fail", read("accepted")), considered=1),
    Innocent(read("declined", "fail", acknowledged()), considered=1),
    Innocent(read("gone", "fail")),
    Innocent(acknowledged().order(5).charge(5), considered=1),
    Innocent(acknowledged().order(5, state="void"), considered=1),
    Innocent(acknowledged(None).order(5).order(5, order="basket", state="pending")),
    # A basket that was left alone beside the order that counts.
    Innocent(acknowledged().order(5).charge(5).order(5, order="basket", state="pending")),
    Innocent(read("declined", "fail", acknowledged()).order(5, state="pending")),  # the page knows better
    Innocent(acknowledged().order(5, state="void").loses_reply(6).order(6, state="pending"), considered=1),
    # Somebody was told that it is confirmed: what a page said besides, others judge.
    Innocent(read("declined", "fail").told(1, "status", "ok", "accepted", op=9, status_read=True), considered=1),
    Innocent(read("declined", "fail", one_more()), considered=1),
    Innocent(read("declined", "fail", one_more(hold="info")), considered=2),
    Innocent(read("declined", "fail", one_more(pay="info")), considered=2),
    Innocent(read("declined", "fail", one_more(pay="ok")), considered=2),
    Innocent(beside_a_basket()),
    Innocent(beside_a_basket().loses_reply(6).told(6, "pay", "ok", "accepted").order(6)),
    Innocent(beside_a_basket().told(5, "hold", "ok", "next", op=1, claims={"order": "basket"})),
]
DOUBTFUL = [
    Doubtful(Night(), "no status was read", {"require": (CHECKER,)}, weighs=True),
    Doubtful(usual().loses_reply(5), "no status was read", weighs=False),
    Doubtful(usual().loses_reply(5).order(5, state="pending"), "1 order still stands as pending in the shop's books"),
    Doubtful(usual().told(1, "status", "ok", "confirmed", op=9, status_read=True), "nothing in this run"),
    Doubtful(read("accepted"), "settle", NOT_SETTLED, pending=1),
    Doubtful(acknowledged().order(5, state="pending"), "settle", NOT_SETTLED, pending=1),
    Doubtful(read("unknown", "info"), "gave no answer"),
    # Nobody could reach the page, or it turned the fan away: that is no end.
    Doubtful(read("not-sent", "fail"), "gave no answer"),
    Doubtful(read("shed", "fail", read("accepted")), "gave no answer"),
    Doubtful(read("unknown", "info", acknowledged()).without("orders", "tickets"), "gave no answer"),
    Doubtful(acknowledged(), "do not know 1 orders that were acknowledged"),
    Doubtful(acknowledged().without("orders", "tickets"), "no status was read"),
    Doubtful(acknowledged().order(5, state="pending").flaw("orders", stable=False), "no status was read"),
    # Books that say two things of one order say nothing of it.
    Doubtful(acknowledged().order(5, state="void").order(5, order="o5", state="pending"), "no status was read"),
    Doubtful(acknowledged().told(5, "pay", "ok", "confirmed", claims={"order": "o5"}), "no status was read"),
]
