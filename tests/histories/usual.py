"""The evening that most histories start from, and the ways in which it goes wrong or only looks so."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from surgectl.recording.evidence_rows import ChargeRow, HoldRow, OrderRow, StockRow, TicketRow
from surgectl.recording.rows import InvokeRow
from tests.histories.night import EPOCH, PRICE, Night

NOT_SETTLED = {"settled": False}
ALONE = {"exclusive": True}
LONG_AGO_S = 86_400.0


def usual() -> Night:
    """Three buyers, one of two tickets; one refused."""
    return Night().buys(1, seat="A1").buys(2, 2, seat="B").buys(3, seat="C1").refused(4)


def later(night: Night, change: Callable[[Night], object]) -> Night:
    """The night after one more thing happened to its rows."""
    change(night)
    return night


def void_order(night: Night, order: str) -> Night:
    """The shop cancels an order and its tickets."""
    night.orders = [msgspec.structs.replace(o, state="void") if o.order == order else o for o in night.orders]
    night.tickets = [msgspec.structs.replace(t, state="void") if t.order == order else t for t in night.tickets]
    return night


def bent(night: Night, kind: str, at: int = -1, **how: object) -> Night:
    """One row of the books says something else."""
    rows: list[OrderRow | TicketRow | ChargeRow | HoldRow | StockRow] = getattr(night, kind)
    rows[at] = msgspec.structs.replace(rows[at], **how)
    return night


def without_charge(fan: int, night: Night | None = None) -> Night:
    """The usual night, but the provider knows nothing of this fan."""
    night = night or usual()
    night.charges = [charge for charge in night.charges if charge.charge != f"ch{fan}"]
    return night


def charged_for_nothing() -> Night:
    return usual().loses_reply(5).order(5, state="void").charge(5)


def free_ticket() -> Night:
    return usual().loses_reply(5).order(5)


def stray_charge(night: Night | None = None) -> Night:
    """Money that no fan of ours explains."""
    return (night or usual()).charge(9, linked=False)


def stray_order(night: Night | None = None) -> Night:
    """A valid order that no fan of ours explains."""
    return (night or usual()).order(9, order="stray", linked=False)


def of_yesterday(night: Night, kind: str) -> Night:
    """The last row of this kind is a story of the day before."""
    return bent(night, kind, at_s=EPOCH - LONG_AGO_S)


def in_parts(fan: int, *sums: int, order: str | None = None) -> Night:
    """The usual night, but this fan's card is charged in several parts."""
    night = without_charge(fan)
    for number, amount in enumerate(sums):
        night.charge(fan, amount=amount, charge=f"part-{number}", order=order)
    return night


def gives_one_back(back: int = PRICE, *, deleted: bool = False) -> Night:
    """The usual night, but the buyer of two tickets gave one back, and so much money came back."""
    night = usual().refund("ch2", back)
    at = next(at for at, ticket in enumerate(night.tickets) if ticket.order == "o2")
    night.tickets[at] = msgspec.structs.replace(night.tickets[at], state="void")
    if deleted:
        del night.tickets[at]
    return night


def polls(night: Night, fan: int, role: str, outcome: str, why: str, **how: object) -> Night:
    """One read that waits for an operation: no attempt at it."""
    night.send(fan, role, outcome, why, **how)  # type: ignore[arg-type]
    for at in range(len(night.ops) - 1, -1, -1):
        row = night.ops[at]
        if isinstance(row, InvokeRow):
            night.ops[at] = msgspec.structs.replace(row, poll=True)
            return night
    return night


def keyless(night: Night) -> Night:
    """The last thing that was sent carried no key."""
    for at in range(len(night.ops) - 1, -1, -1):
        row = night.ops[at]
        if isinstance(row, InvokeRow):
            night.ops[at] = msgspec.structs.replace(row, key=None)
            return night
    return night


__all__ = [
    "ALONE",
    "EPOCH",
    "LONG_AGO_S",
    "NOT_SETTLED",
    "PRICE",
    "Night",
    "bent",
    "charged_for_nothing",
    "free_ticket",
    "gives_one_back",
    "in_parts",
    "keyless",
    "later",
    "of_yesterday",
    "polls",
    "stray_charge",
    "stray_order",
    "usual",
    "void_order",
    "without_charge",
]
