"""Tickets that are nowhere, or twice: in the shop's own counters."""

from __future__ import annotations

from surgectl.recording.evidence_rows import StockRow
from tests.histories.history import Doubtful, Guilty, Innocent
from tests.histories.usual import Night, bent, usual


def counted(*rows: StockRow) -> Night:
    night = usual()
    night.stock = list(rows)
    return night


def row(available: int | None, held: int | None, sold: int | None, **more: int | None) -> StockRow:
    counts: dict[str, int | None] = {"capacity": 10, "available": available, "held": held, "sold": sold} | more
    return StockRow(**counts)  # type: ignore[arg-type]


CHECKER = "CONSERVE"
GUILTY = [
    Guilty(usual().stands(available=5, held=0, sold=4), says="make 9, not 10", severity="critical"),
    Guilty(usual().stands(available=7, held=0, sold=4), says="make 11, not 10"),
    Guilty(usual().stands(available=-1, held=7, sold=4), says="available below zero"),
    Guilty(usual().stands(available=7, held=-1, sold=4), says="held below zero"),
    Guilty(counted(row(6, 0, 4, pending=1)), says="make 11"),
    Guilty(counted(row(7, 0, 4, pending=-1)), says="pending below zero"),
    Guilty(counted(row(11, 0, -1)), says="sold below zero"),
    # Below zero once is wrong, whatever came later, and however little of the books was read.
    Guilty(counted(row(-1, 7, 4), row(6, 0, 4, snapshot=1)), says="available below zero"),
    Guilty(usual().stands(available=-1, held=7, sold=4).flaw("stock", stable=False), says="available below zero"),
    Guilty(counted(row(5, 0, 4), row(-1, 7, 4)).flaw("stock", complete=False), says="available below zero"),
    Guilty(counted(row(5, 0, 4), row(-1, 7, 4)), 2),
    # Two kinds of ticket: each must add up.
    Guilty(counted(row(5, 0, 4), row(6, 0, 4)), says="make 9"),
    Guilty(counted(row(6, 0, 4), row(5, 0, 4, snapshot=1)), says="make 9"),
    Guilty(counted(row(7, 0, 4, capacity=None)), says="not 10"),
    # Nobody says what is held, and it is too much without.
    Guilty(counted(row(7, None, 4)), says="available 7, sold 4 make 11, not 10"),
    Guilty(counted(row(6, None, 3, pending=2)), says="make 11, not 10"),
]
INNOCENT = [
    Innocent(usual(), considered=1),
    Innocent(usual().stands(available=4, held=2, sold=4)),
    Innocent(usual().stands(available=0, held=0, sold=10)),
    Innocent(counted(row(5, 0, 4, pending=1))),
    Innocent(counted(row(6, 0, 4, capacity=None))),
    Innocent(counted(row(5, 0, 4), row(6, 0, 4, snapshot=1)), considered=2),
    Innocent(counted(row(6, 0, 4, capacity=None), row(5, 1, 4, capacity=None, snapshot=1)), considered=2),
]
DOUBTFUL = [
    Doubtful(usual().without("stock"), "gives no stock", weighs=False),
    Doubtful(usual().stands(available=5, held=0, sold=4).flaw("stock", stable=False), "still changed"),
    Doubtful(usual().stands(available=5, held=0, sold=4).flaw("stock", complete=False), "not read completely"),
    Doubtful(usual().flaw("stock", error="HTTP 500"), "HTTP 500"),
    Doubtful(counted(row(None, 0, 4)), "map it, or give a number"),
    Doubtful(counted(row(7, None, 4), row(6, None, 4, snapshot=1)), "stock does not say held: map it"),
    Doubtful(counted(row(6, None, 4)), "map it, or give a number"),
    Doubtful(counted(row(11, 0, None)), "stock does not say sold: map it"),
    Doubtful(counted(row(None, 8, 4)), "stock does not say available: map it"),
    Doubtful(counted(row(6, 0, None)), "map it, or give a number"),
    Doubtful(bent(counted(row(6, 0, 4)), "stock", capacity=None), "map it, or give a number", {"capacity": None}),
    # Two kinds of ticket in one snapshot, and neither says how many there are of it: the whole house is not each.
    Doubtful(counted(row(3, 0, 2, capacity=None), row(3, 0, 2, capacity=None)), "map it, or give a number"),
    Doubtful(counted(), "nothing", {"require": (CHECKER,)}),
    Doubtful(usual().stands(available=5, held=0, sold=4).flaw("stock", stable=False), "1 suspected"),
]
