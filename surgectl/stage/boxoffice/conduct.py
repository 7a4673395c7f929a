"""How the shop behaves where shops go wrong: the right ways, and the seams where a defect may sit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from surgectl.stage.boxoffice import holds, orders
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.rows import Hold, Order

if TYPE_CHECKING:
    from surgectl.clock import Clock
    from surgectl.stage.boxoffice.books.writer import Writer
    from surgectl.stage.boxoffice.signing import Signer
    from surgectl.stage.boxoffice.till.cashier import Cashier


async def take_at_once(writer: Writer, wish: holds.Wish, signer: Signer, clock: Clock) -> Hold:
    """Look and take in one write job."""
    return await writer.run(lambda books: holds.take(books, wish, signer))


def one_key_per_order(order: Order, attempt: int) -> str:
    """Whatever happens and however often we ask, the provider sees one key, so it charges once."""
    return f"order-{order.id}"


async def ask_later(cashier: Cashier, order: Order) -> None:
    """No answer is no answer: the reconciler will ask the provider what happened."""
    cashier.leave_unknown(order)


def expire_unordered(books: Books, now_ns: int, seed: int) -> int:
    """Holds without an order end with their time; a hold with an order waits for its payment."""
    return holds.expire(books, now_ns)


def failed_orders(order: Order) -> bool:
    """Money that arrives for an order we have closed goes back."""
    return order.state == "failed"


class Conduct(msgspec.Struct, frozen=True, kw_only=True):
    """The decisions that make a shop right or wrong. The defaults are right; each defect replaces one or two."""

    take: Callable[[Writer, holds.Wish, Signer, Clock], Awaitable[Hold]] = take_at_once
    seats_assured: Callable[[Books, Order], bool] = orders.seats_assured
    payment_key: Callable[[Order, int], str] = one_key_per_order
    most_tries: int | None = None
    """Caps the payment tries below what the options say."""
    retries_blindly: bool = False
    """Tries again after an outage without asking first what became of the try before."""
    after_silence: Callable[[Cashier, Order], Awaitable[None]] = ask_later
    expire: Callable[[Books, int, int], int] = expire_unordered
    goes_back: Callable[[Order], bool] = failed_orders
    """Of a decided order without a known payment: whether a charge that shows up late is refunded."""


CORRECT = Conduct()
