"""Wait until nothing is pending any more: no order undecided, no payment in flight, no refund owed.

But not for ever: what is still pending when the time is up, the audit calls unknown or a violation, as the window says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable

import msgspec

from surgectl.clock import Clock
from surgectl.evidence.books import Books
from surgectl.evidence.reading import Found
from surgectl.recording.evidence_rows import ChargeRow, HoldRow, OrderRow, RefundRow, StockRow, TicketRow

Pending = Callable[[], Awaitable[int | None]]
"""How many things are pending now; None where that could not be seen."""


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """How the waiting ended."""

    took_ns: int
    settled: bool
    """Nothing was pending at several looks in a row. False: time ran out first."""
    pending: int | None
    """At the last look."""
    looks: int
    unseen: int
    """Looks at which nothing could be seen."""


async def settle(
    pending: Pending,
    at_most_ns: int,
    clock: Clock,
    *,
    at_least_ns: int = 0,
    every_ns: int = 500_000_000,
    calm: int = 2,
) -> Settled:
    """Look every `every_ns` until `calm` looks in a row find nothing pending, or `at_most_ns` have passed.

    `at_least_ns` must pass in any case: a shop that has yet to notice a late payment looks settled.
    """
    begun_ns = clock.now_ns()
    looks = unseen = calm_now = 0
    while True:
        looked_ns = clock.now_ns()
        seen = await pending()
        looks += 1
        unseen += seen is None
        calm_now = calm_now + 1 if seen == 0 else 0
        took_ns = clock.now_ns() - begun_ns
        settled = calm_now >= calm and took_ns >= at_least_ns
        if settled or took_ns >= at_most_ns:
            return Settled(took_ns=took_ns, settled=settled, pending=seen, looks=looks, unseen=unseen)
        # A look that is dear to the shop (an export that it makes for us) is taken half of the time at most.
        pause_ns = max(every_ns, clock.now_ns() - looked_ns)
        await clock.sleep_until_ns(min(clock.now_ns() + pause_ns, begun_ns + at_most_ns))


async def pending_in(books: Books) -> int | None:
    """How much is pending in the books now, cheapest look first; None where a look failed.

    Stock that is held or being paid for, open orders, tickets and holds; payments in process or only authorised;
    refunds on their way, and money for orders that are void or already paid, for which a refund is owed.
    """
    if "stock" in books.sources:
        count = count_pending({"stock": await books.read("stock")})
        if count != 0:
            return count
    kinds = [kind for kind in ("orders", "tickets", "holds", "charges", "refunds") if kind in books.sources]
    return count_pending(await books.read_all(kinds))


def count_pending(found: dict[str, Found]) -> int | None:
    """What is pending in these readings; None where one of them is not whole."""
    if any(reading.problem for reading in found.values()):
        return None
    count = 0
    for reading in found.values():
        count += sum(_pending(row) for row in reading.rows)
    orders = [row for row in found["orders"].rows if isinstance(row, OrderRow)] if "orders" in found else []
    charges = [row for row in found["charges"].rows if isinstance(row, ChargeRow)] if "charges" in found else []
    refunding = {
        row.charge
        for row in (found["refunds"].rows if "refunds" in found else [])
        if isinstance(row, RefundRow) and row.state == "pending"
    }
    return count + (owed(orders, charges, refunding) if "orders" in found else 0)


def _pending(row: object) -> int:
    match row:
        case OrderRow(state="pending") | TicketRow(state="pending") | HoldRow(state="active"):
            return 1
        case ChargeRow(state="processing" | "authorised") | RefundRow(state="pending"):
            return 1
        case StockRow():
            return max(0, row.held or 0) + max(0, row.pending or 0)
    return 0


def owed(orders: list[OrderRow], charges: list[ChargeRow], refunding: set[str]) -> int:
    """Charges with money left that no valid or open order accounts for: each is somebody's refund, or a defect.

    Only charges that name an order, or are named by one: of others we cannot know here whose they are.
    """
    by_payment = {payment: order for order in orders for payment in order.payments}
    by_id = {order.order: order for order in orders}
    accounted: Counter[str] = Counter()
    count = 0
    for charge in charges:
        secured = (charge.authorised_minor or 0) - charge.voided_minor if charge.state == "secured" else 0
        if max(charge.captured_minor - charge.refunded_minor, secured) <= 0 or charge.charge in refunding:
            continue
        refs = [key.removeprefix("orders.order=") for key in charge.keys if key.startswith("orders.order=")]
        order = by_payment.get(charge.payment or "") or by_payment.get(charge.charge)
        order = order or next((by_id[ref] for ref in refs if ref in by_id), None)
        if order is None:
            count += bool(refs)
            continue
        accounted[order.order] += 1
        if order.state == "void" or accounted[order.order] > 1:
            count += 1
    return count
