"""When tickets are left over, and who was sent away."""

from __future__ import annotations

import msgspec

from surgectl.recording.evidence_rows import StockRow, TicketRow
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.night import Night, S
from tests.histories.usual import bent

CHECKER = "UNDERSELL"
MINUTE = 60 * S


def sent_away(qty: int = 1, capacity: int = 3, night: Night | None = None) -> Night:
    """Two buy; a minute later the third is told that all is sold, and one is left."""
    night = night or Night(capacity)
    night.buys(1).buys(2).tick(MINUTE)
    return night.refused(3, qty=qty).left_over()


def gone_by_then() -> Night:
    """A hold had run out a minute before somebody was sent away."""
    night = Night(capacity=3).buys(1).buys(2).abandons(4)
    night.tick(MINUTE)
    return night.refused(3).left_over()


def in_baskets(night: Night | None = None) -> Night:
    """The last ticket is in a basket that runs out after the fan was sent away."""
    night = (night or Night(capacity=3)).buys(1).buys(2)
    night.fan(4)
    night.hold(4, state="active").refused(3)
    night.tick(MINUTE)
    return night.left(4, "quit", "fail").gives_back(4).left_over()


def cancelled(after: bool) -> Night:
    """An order is cancelled and paid back, before or after somebody is told that all is sold."""
    night = Night(capacity=2).buys(1)
    night.fan(2)
    night.hold(2)
    if after:
        night.refused(3).tick(MINUTE)
    night.order(2, state="void").charge(2).refund("ch2")
    if not after:
        night.tick(MINUTE)
        night.refused(3)
    return night.left_over()


def slow_clock(night: Night, by_s: float) -> Night:
    """The shop's clock is this much behind ours."""
    for kind in ("orders", "tickets", "holds"):
        rows = []
        for row in getattr(night, kind):
            ended_s = getattr(row, "ended_s", None)
            late = {"ended_s": ended_s - by_s} if ended_s is not None else {}
            rows.append(msgspec.structs.replace(row, at_s=row.at_s and row.at_s - by_s, **late))
        setattr(night, kind, rows)
    return night


def untimed(night: Night) -> Night:
    """The shop does not say when holds and orders ended."""
    night.holds = [msgspec.structs.replace(row, ended_s=None) for row in night.holds]
    night.orders = [msgspec.structs.replace(row, ended_s=None) for row in night.orders]
    return night


def back_after(seconds: float) -> Night:
    """A hold runs out so long before somebody is told that all is sold."""
    night = Night(capacity=3).buys(1).buys(2).abandons(4)
    night.tick(round(seconds * S))
    return night.refused(3).left_over()


def read_first() -> Night:
    """Two read pages for two minutes before they do anything else."""
    night = Night(capacity=3).send(1, "browse", "ok", "next", op=0).send(2, "browse", "ok", "next", op=0)
    night.tick(2 * MINUTE)
    return night


def thinks() -> Night:
    """A hold runs out while a fan reads; a minute later the fan asks, and is told that all is sold."""
    night = Night(capacity=3).buys(1).buys(2)
    night.fan(3)
    night.abandons(4).tick(MINUTE)
    return night.send(3, "hold", "fail", "sold-out", op=1).told(3, "hold", "fail", "sold-out", op=1).left_over()


def asks_on() -> Night:
    """Sent away in time, a fan goes on: another tab, a second step, a double click, too busy; and others want two."""
    night = in_baskets()
    night.stock = None
    night.tick(MINUTE)
    night.send(3, "hold", "fail", "sold-out", op=1, tab=1).send(3, "hold", "fail", "sold-out", op=2)
    night.send(3, "hold", "fail", "sold-out", op=1, double=True).send(3, "hold", "fail", "shed", op=1)
    return night.refused(5, qty=2).left_over()


def buys_after_all(night: Night) -> Night:
    """Was told that all is sold in one tab, and bought in another."""
    night.fan(3)
    night.send(3, "hold", "fail", "sold-out", op=1, tab=1).told(3, "hold", "fail", "sold-out", op=1, tab=1)
    night.hold(3).send(3, "pay", "ok", "confirmed").told(3, "pay", "ok", "confirmed", claims={"order": "o3"})
    return night.left(3, "confirmed", "ok").order(3).charge(3)


def void_tickets(night: Night, ticket: str = "o2-t0") -> Night:
    """The void order's ticket stands in the books, void as well."""
    night.tickets.append(TicketRow(ticket=ticket, order="o2", state="void"))
    return night


def says_nothing(night: Night) -> Night:
    """The shop does not count what is left."""
    night.stock = [StockRow(capacity=3, available=None, sold=2)]
    return night


GUILTY = [
    Guilty(sent_away(), intent="run-i3", says="of the 1 tickets left at the end, 1 were free then"),
    Guilty(sent_away(2, capacity=5), intent="run-i3", says="3 were free then"),
    Guilty(sent_away().refused(5), violations=2, changes={"examples_at_most": 1}),
    # Nobody held anything, so that no hold can have run out.
    Guilty(Night(capacity=3).refused(3).left_over().without("holds"), intent="run-i3"),
    # When it asked counts, not when it came.
    Guilty(thinks(), intent="run-i3"),
    Guilty(gone_by_then(), intent="run-i3"),
    Guilty(cancelled(after=False), intent="run-i3"),
    # One of three went back too late to be had, the other two were there all the time.
    Guilty(in_baskets(Night(capacity=5)), intent="run-i3", says="of the 3 tickets left at the end, 2 were free then"),
    # Nobody knows when they went back, but more were left than that.
    Guilty(untimed(in_baskets(Night(capacity=5))), intent="run-i3"),
    Guilty(slow_clock(gone_by_then(), 30.0), intent="run-i3"),
    Guilty(back_after(7.0), intent="run-i3"),
    # The tickets of a void order went back with it.
    Guilty(void_tickets(cancelled(after=False)), intent="run-i3"),
    # Reading pages for a while before the order is no lag of the shop's clock, and polling after it is none either.
    Guilty(
        back_after(7.0).send(1, "browse", "ok", "next", op=8).send(1, "pay", "ok", "poll", op=2, then="poll"),
        intent="run-i3",
    ),
    # Who is told so on the first page is sent away as well.
    Guilty(sent_away().told(3, "browse", "fail", "sold-out", op=7), intent="run-i3"),
]
INNOCENT = [
    Innocent(Night(capacity=2).buys(1).buys(2).refused(3), considered=1),
    # A hold that does not say how many is one, a void order that does not may be all.
    Innocent(bent(in_baskets(), "holds", qty=None), considered=1),
    Innocent(bent(cancelled(after=True), "orders", qty=None)),
    # What the fan was not told of is no later question, and one is left where two were wanted.
    Innocent(asks_on(), considered=2),
    # One is left, and two were wanted.
    Innocent(sent_away(2)),
    # Just before or just after: the clocks cannot tell.
    Innocent(back_after(3.0)),
    # The shop's clock is a minute behind: what seems to have come back before came back after.
    Innocent(slow_clock(in_baskets(), 70.0)),
    Innocent(slow_clock(in_baskets(read_first()), 70.0)),
    Innocent(Night(capacity=2).buys(1).buys(2).refused(3).without("holds", "orders", "tickets")),
]
DOUBTFUL = [
    Doubtful(Night().buys(1).buys(2), "nothing in this run", weighs=False),
    Doubtful(buys_after_all(Night(capacity=4).buys(1)).left_over(), "nothing in this run"),
    # What the status page says afterwards sends nobody away, and who has a ticket was not sent away.
    Doubtful(
        Night(3)
        .buys(1)
        .buys(2)
        .abandons(4)
        .told(2, "status", "fail", "sold-out", op=9, status_read=True)
        .told(4, "status", "fail", "sold-out", op=9, status_read=True)
        .left_over(),
        "nothing in this run",
    ),
    Doubtful(sent_away().order(3).charge(3), "nothing in this run"),
    Doubtful(sent_away().told(3, "pay", "ok", "confirmed", op=8), "nothing in this run"),
    Doubtful(sent_away().refused(5, end="not-enough"), "constants ask for", {"settled": False}, pending=1),
    Doubtful(untimed(gone_by_then()), "map `ended` of holds"),
    Doubtful(untimed(cancelled(after=False)), "void orders"),
    # One ticket of a valid order was taken back, nobody knows when.
    Doubtful(void_tickets(sent_away(), "o2-t1"), "1 tickets went back at an unknown time"),
    Doubtful(gone_by_then(), "map `ended`", {"started_epoch_s": 0.0}),
    Doubtful(sent_away().without("holds"), "gives no holds"),
    Doubtful(sent_away().without("orders", "tickets"), "gives no orders"),
    Doubtful(sent_away().without("stock"), "gives no stock"),
    Doubtful(sent_away().flaw("holds", stable=False), "still changed"),
    Doubtful(sent_away().stands(available=0, held=0, sold=1), "several kinds"),
    Doubtful(says_nothing(sent_away()), "map `available`"),
]
EQUIVALENT = {
    "check: len(found) < expectations.examples_at_most → len(found) <= expectations.examples_at_most": (
        "one more is put aside, and no more are shown or counted"
    ),
}
