"""Takes the money: pays each order at the provider, a few at a time, with few tries, and then lets it rest."""

from __future__ import annotations

import asyncio
import logging

from surgectl import chance
from surgectl.clock import Clock
from surgectl.stage.boxoffice import orders
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.counter import Counter
from surgectl.stage.boxoffice.options import Options
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till.provider import Answer, Provider, Reply

log = logging.getLogger("surgectl.stage.boxoffice")


class Cashier:
    """The payment workers and their queue.

    An order is in exactly one pair of hands: in the queue, with a worker, or (after silence) in `unknown`,
    where only the reconciler touches it. How many may be pending altogether is bounded where orders are
    accepted (orders.place), so this queue is bounded too.
    """

    def __init__(self, options: Options, conduct: Conduct, counter: Counter, provider: Provider, clock: Clock) -> None:
        self._options = options
        self._conduct = conduct
        self._counter = counter
        self._provider = provider
        self._clock = clock
        self._queue: asyncio.Queue[tuple[Order, int]] = asyncio.Queue()
        self.unknown: dict[str, Order] = {}

    def submit(self, order: Order, tries: int | None = None) -> None:
        """Pay this order soon; `tries` fewer than usual when the reconciler has asked before."""
        most = self._conduct.most_tries or self._options.payment_tries
        self._queue.put_nowait((order, min(most, tries or most)))

    def leave_unknown(self, order: Order) -> None:
        """Nobody knows whether this order was paid: hand it to the reconciler."""
        self.unknown[order.id] = order

    def past_deadline(self, order: Order) -> bool:
        return self._counter.now_ns() >= order.created_ns + self._options.payment_deadline_ns

    async def work(self) -> None:
        """One worker, until cancelled."""
        while True:
            order, tries = await self._queue.get()
            await self._pay(order, tries)

    async def _pay(self, order: Order, tries: int) -> None:
        if self.past_deadline(order):
            # Waited too long in our own queue. Nothing was ever sent for it? Then nothing can come of it.
            if order.tried:
                self.leave_unknown(order)
            else:
                await self.fail(order, "PAYMENT_TIMEOUT")
            return
        if not order.tried:
            order = await self._counter.write(lambda books: orders.mark_tried(books, order.id))
        for attempt in range(1, tries + 1):
            reply = await self._provider.charge(
                order, self._conduct.payment_key(order, attempt), self._options.currency
            )
            if await self.settle(order, reply):
                return
            if attempt < tries:
                await self._back_off(order, attempt)
        await self._conduct.after_silence(self, order)

    async def settle(self, order: Order, reply: Reply) -> bool:
        """Write down what a reply decides → whether it decided anything."""
        if reply.answer is Answer.PAID:
            await self.confirm(order, reply.payment)
            return True
        if reply.answer is Answer.DECLINED:
            await self.fail(order, "DECLINED", keep_hold=True)
            return True
        return False

    async def confirm(self, order: Order, payment: str | None) -> None:
        now_ns = self._counter.now_ns()
        assured = self._conduct.seats_assured
        await self._counter.write(lambda books: orders.confirm(books, order.id, payment, now_ns, assured))

    async def fail(self, order: Order, code: str, *, keep_hold: bool = False) -> None:
        now_ns = self._counter.now_ns()
        await self._counter.write(lambda books: orders.fail(books, order.id, code, now_ns, keep_hold=keep_hold))

    async def _back_off(self, order: Order, attempt: int) -> None:
        """Full jitter (AWS architecture blog, "Exponential backoff and jitter"), no longer than a time-out."""
        most_ns = min(self._options.payment_timeout_ns, 100_000_000 * 2**attempt)
        who = order.created_ns
        wait_ns = int(most_ns * chance.unit(self._options.seed, "payment-backoff", who, attempt))
        await self._clock.sleep_until_ns(self._clock.now_ns() + wait_ns)
