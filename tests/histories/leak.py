"""Tickets that never came back from a hold, and how it only looks so."""

from __future__ import annotations

from surgectl.recording.evidence_rows import StockRow
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.usual import NOT_SETTLED, Night, bent, later, polls, usual


def kinds(leaked: int, **more: int | None) -> Night:
    """Two kinds of ticket, a stock row each; what is missing is missing in the first."""
    night = usual()
    first: dict[str, int | None] = {"capacity": 5, "available": 3 - leaked, "held": 0, "sold": 2, "pending": 0}
    night.stock = [StockRow(**(first | more)), StockRow(capacity=5, available=3, held=0, sold=2, pending=0)]  # type: ignore[arg-type]
    return night


def uncounted(available: int, **more: int | None) -> Night:
    """Counters that do not say what is sold or pending: the orders do."""
    night = usual()
    counts: dict[str, int | None] = {"capacity": 10, "available": available, "held": 0} | more
    night.stock = [StockRow(**counts)]  # type: ignore[arg-type]
    return night


def stuck(available: int = 5) -> Night:
    return usual().abandons(5).stands(available=available, held=1, sold=4)


def earlier(available: int) -> Night:
    """The snapshot before the last was another."""
    night = usual().stands(available=available, held=0, sold=4).stands(available=6, held=0, sold=4)
    return bent(night, "stock", snapshot=1)


CHECKER = "LEAK"
GUILTY = [
    Guilty(stuck(), intent="run-i5", says="h5", severity="major"),
    Guilty(usual().stands(available=4, held=2, sold=4), 2),
    Guilty(usual().stands(available=5, held=1, sold=4)),
    Guilty(kinds(leaked=1)),
    Guilty(uncounted(5)),
    Guilty(uncounted(4).order(9, state="pending", linked=False)),
    Guilty(uncounted(4, sold=4, pending=1)),
    Guilty(uncounted(5, capacity=None)),
    # A hold that has run out by the shop's own clock holds nothing; nor does one that nobody gave an end, afterwards.
    Guilty(usual().stands(available=5, held=1, sold=4, at_s=100.0).still_holds("h9", expires_s=99.0), says="h9"),
    Guilty(usual().stands(available=5, held=1, sold=4, at_s=100.0).still_holds("h9", expires_s=100.0), says="h9"),
    Guilty(usual().stands(available=5, held=1, sold=4).still_holds("h9", expires_s=101.0)),
    Guilty(bent(usual().stands(available=5, held=1, sold=4, at_s=1.0).still_holds("h9", 0), "holds", expires_s=None)),
    # What the books do not name, a fan's own way does: held, and neither sold nor charged.
    Guilty(stuck().without("holds"), intent="run-i5"),
    Guilty(bent(stuck(), "holds", state="released"), intent="run-i5", says="h5"),
    Guilty(bent(stuck(), "holds", state="active", keys=[]), intent="run-i5", says="h5"),
    Guilty(bent(earlier(6), "stock", available=5)),
    Guilty(
        Night()
        .loses_reply(1)
        .charge(1)
        .loses_reply(2)
        .order(2)
        .abandons(3)
        .stands(available=8, held=1, sold=1)
        .without("holds"),
        intent="run-i3",
    ),
]
INNOCENT = [
    Innocent(usual(), considered=3),
    Innocent(usual().stands(available=5, held=1, sold=4, at_s=100.0).still_holds("h9", expires_s=101.0)),
    Innocent(
        bent(usual().stands(available=4, held=2, sold=4, at_s=100.0).still_holds("h9", expires_s=101.0), "holds", qty=2)
    ),
    Innocent(
        bent(usual().stands(available=5, held=1, sold=4, at_s=9.0).still_holds("h9", expires_s=10.0), "holds", qty=None)
    ),
    Innocent(usual().stands(available=5, held=1, sold=4).still_holds("h9", expires_s=101.0), NOT_SETTLED),
    Innocent(stuck(6)),
    Innocent(kinds(leaked=0)),
    Innocent(uncounted(6)),
    Innocent(uncounted(6).without("tickets")),
    Innocent(uncounted(5).order(9, state="pending", linked=False)),
    Innocent(uncounted(5, sold=4, pending=1)),
    Innocent(uncounted(6, capacity=None)),
    Innocent(uncounted(7)),  # more than there should be: another invariant's
    Innocent(earlier(5), considered=3),
    Innocent(usual().without("holds"), considered=3),
    Innocent(usual().abandons(5), considered=4),
    # Everybody let go: the shop's list of orders is empty, and that is an answer.
    Innocent(bent(Night().abandons(1).stands(available=10, held=0, sold=0), "stock", sold=None), considered=1),
    Innocent(
        usual().abandons(5).send(7, "pay", "ok", "next").send(8, "pay", "ok", "next").without("holds"), considered=4
    ),
    Innocent(polls(usual(), 4, "hold", "ok", "next").without("holds"), considered=3),
    Innocent(usual().send(4, "hold", "info", "timeout").without("holds"), considered=3),
    Innocent(
        bent(usual().stands(available=5, held=1, sold=4, at_s=1.0).still_holds("h9", 0), "holds", expires_s=None),
        NOT_SETTLED,
    ),
]
DOUBTFUL = [
    Doubtful(Night(), "nothing", {"require": (CHECKER,)}),
    Doubtful(usual().without("stock"), "gives no stock", weighs=False),
    Doubtful(stuck().flaw("stock", stable=False), "still changed"),
    Doubtful(stuck().flaw("holds", complete=False), "not read completely"),
    Doubtful(uncounted(5).flaw("orders", error="HTTP 500"), "HTTP 500"),
    Doubtful(uncounted(5).flaw("tickets", error="HTTP 500"), "HTTP 500"),
    Doubtful(stuck(), "settle", NOT_SETTLED, pending=1),
    Doubtful(usual().stands(available=4, held=2, sold=4), "settle", NOT_SETTLED, pending=2),
    Doubtful(uncounted(5).without("orders", "tickets"), "map them"),
    Doubtful(
        bent(Night().abandons(1).stands(available=10, held=0, sold=0), "stock", sold=None).without("orders"), "map"
    ),
    Doubtful(bent(uncounted(6), "stock", available=None), "map them"),
    Doubtful(uncounted(6, capacity=None), "map them", {"capacity": None}),
    Doubtful(kinds(leaked=0, capacity=None), "map them"),
    Doubtful(kinds(leaked=0, available=None), "map them"),
    # The shop answers, and says nothing of its stock.
    Doubtful(later(usual(), lambda night: setattr(night, "stock", [])), "map them"),
]
