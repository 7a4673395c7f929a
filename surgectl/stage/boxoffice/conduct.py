"""How the shop behaves where shops go wrong: the right ways, and the seams where a defect may sit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from surgectl.stage.boxoffice import holds, orders, stock
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.rows import Hold, Order, Stock
from surgectl.stage.boxoffice.till import claims, events
from surgectl.stage.boxoffice.till.provider import Answer, Provider, Reply
from surgectl.stage.boxoffice.waiting_room import WaitingRoom

if TYPE_CHECKING:
    from aiohttp import web

    from surgectl.clock import Clock
    from surgectl.stage.boxoffice.asked import Asked
    from surgectl.stage.boxoffice.books.writer import Writer
    from surgectl.stage.boxoffice.refusals import Refused, Shedding
    from surgectl.stage.boxoffice.shop import Shop
    from surgectl.stage.boxoffice.signing import Signer
    from surgectl.stage.boxoffice.till.cashier import Cashier


Serve = Callable[["Asked", Awaitable["web.Response"]], Awaitable["web.Response"]]


async def take_at_once(writer: Writer, wish: holds.Wish, signer: Signer, clock: Clock) -> Hold:
    """Look and take in one write job."""
    return await writer.run(lambda books: holds.take(books, wish, signer))


def one_key_per_order(order: Order, attempt: int, worker: str) -> str:
    """Whatever happens and however often we ask, the provider sees one key, so it charges once."""
    return f"order-{order.id}"


async def take_the_money(provider: Provider, order: Order, key: str, currency: str) -> Reply:
    """One request does it all: the money is taken, or it is not."""
    return await provider.charge(order, key, currency)


def what_was_said(reply: Reply) -> Answer:
    """Neither more nor less."""
    return reply.answer


async def write_it_down(cashier: Cashier, order: Order, payment: str | None) -> None:
    """The money is there: the tickets are issued at once."""
    await cashier.confirm(order, payment)


async def ask_later(cashier: Cashier, order: Order) -> None:
    """No answer is no answer: the reconciler will ask the provider what happened."""
    cashier.leave_unknown(order)


def expire_unordered(books: Books, now_ns: int, seed: int) -> int:
    """Holds without an order end with their time; a hold with an order waits for its payment."""
    return holds.expire(books, now_ns)


def failed_orders(order: Order) -> bool:
    """Money that arrives for an order we have closed goes back."""
    return order.state == "failed"


def as_committed(order: Order, looks: int) -> Order:
    """The one truth there is, for everybody who asks."""
    return order


def ask_about_it(books: Books, told: events.Told, new: bool) -> Order | None:
    """An event decides nothing: it is written down once, and its order is asked about."""
    return None


async def at_once(refused: Refused, clock: Clock) -> Refused:
    """Whoever is turned away has not waited for it, and is told when to come back."""
    return refused


def everybody_at_once(shop: Shop) -> Serve:
    """One loop carries all: nobody waits for a free hand, and a page waits for nothing but its own answer."""

    async def serve(request: Asked, answer: Awaitable[web.Response]) -> web.Response:
        return await answer

    return serve


class Conduct(msgspec.Struct, frozen=True, kw_only=True):
    """The decisions that make a shop right or wrong. The defaults are right; each defect replaces one or two."""

    take: Callable[[Writer, holds.Wish, Signer, Clock], Awaitable[Hold]] = take_at_once
    seats_assured: Callable[[Books, Order], bool] = orders.seats_assured
    printed: Callable[[Books, Order, int], tuple[int, ...]] = orders.every_seat
    """The seats that stand on the tickets, one ticket each; at the instant of the confirmation."""
    end_basket: Callable[[Books, Order, bool, int], None] = orders.end_basket
    """What becomes of basket and seats of an order that was not paid; True: another card may be tried."""
    count: Callable[[Books], Stock] = stock.count
    """The stock, as far as it is told to anybody."""
    sold_out: Callable[[Stock], bool] = stock.all_sold
    """Whether it is over; once it is, nobody looks again."""
    unclaimed: Callable[[Books, int], bool] = claims.unclaimed
    claim: Callable[[Books, claims.Lease, int, int], list[Order]] = claims.claim
    begin_payment: Callable[[Books, str, claims.Lease], Order] = claims.begin_payment
    payment_key: Callable[[Order, int, str], str] = one_key_per_order
    """By order, try and worker."""
    charge: Callable[[Provider, Order, str, str], Awaitable[Reply]] = take_the_money
    read: Callable[[Reply], Answer] = what_was_said
    when_paid: Callable[[Cashier, Order, str | None], Awaitable[None]] = write_it_down
    place: Callable[[Books, orders.Purchase, Signer, int, Shedding], Order] = orders.place
    """Accepts an order, or finds the one that is meant."""
    status: Callable[[Order, int], Order] = as_committed
    """What is told of a committed order; the number is how many such questions there were before."""
    signed: Callable[[str, bytes, str, float], bool] = events.signed
    """Header, body, secret, now in seconds since 1970 → whether the letter is the provider's."""
    letters: tuple[str, ...] = events.TYPES
    """The events that the provider is asked to tell of."""
    on_event: Callable[[Books, events.Told, bool], Order | None] = ask_about_it
    """In the job that writes an event down (True: for the first time) → the order, where the event alone changes it."""
    room: type[WaitingRoom] = WaitingRoom
    turn_away: Callable[[Refused, Clock], Awaitable[Refused]] = at_once
    """What becomes of a refusal for overload before it leaves."""
    serve: Callable[[Shop], Serve] = everybody_at_once
    """Stands around every answer, those of pages outside the sale too."""
    most_tries: int | None = None
    """Payment tries, whatever the options say."""
    pauses: bool = True
    """Between two tries for one payment."""
    breaks: bool = True
    """Stops asking a provider that does not answer."""
    retries_blindly: bool = False
    """Tries again after an outage without asking first what became of the try before."""
    after_silence: Callable[[Cashier, Order], Awaitable[None]] = ask_later
    expire: Callable[[Books, int, int], int] = expire_unordered
    goes_back: Callable[[Order], bool] = failed_orders
    """Of a decided order without a known payment: whether a charge that shows up late is refunded."""


CORRECT = Conduct()
