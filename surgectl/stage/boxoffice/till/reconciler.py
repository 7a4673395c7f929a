"""Clears up what nobody answered: asks the provider, then issues, cancels or refunds."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from surgectl.clock import Clock
from surgectl.stage.boxoffice import orders
from surgectl.stage.boxoffice.conduct import Conduct, one_key_per_order
from surgectl.stage.boxoffice.counter import Counter
from surgectl.stage.boxoffice.options import Options
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till.cashier import Cashier
from surgectl.stage.boxoffice.till.provider import Answer, Payment, Provider, Silence

log = logging.getLogger("surgectl.stage.boxoffice")
_SLACK_S = 5  # the provider's clock may differ a little from ours, and it counts in whole seconds


class Reconciler:
    """One question to the provider every `reconcile_every`, for all unknown orders together.

    Reading costs the provider little and cannot charge; only what its complete list lacks is tried again.
    After the payment deadline the shop stops wanting the money: it closes the order's key at the provider,
    reads the list once more, and what that says is final.
    """

    def __init__(
        self,
        options: Options,
        conduct: Conduct,
        counter: Counter,
        provider: Provider,
        cashier: Cashier,
        clock: Clock,
    ) -> None:
        self._options = options
        self._conduct = conduct
        self._counter = counter
        self._provider = provider
        self._cashier = cashier
        self._clock = clock
        self._closed: set[str] = set()  # orders whose key can charge no more
        self._watched: dict[str, Order] = {}

    def watch(self, order: Order) -> None:
        """Look out for a charge that comes after this order was decided without a payment."""
        self._watched[order.id] = order

    async def work(self) -> None:
        """Until cancelled."""
        while True:
            await self._clock.sleep_until_ns(self._clock.now_ns() + self._options.reconcile_every_ns)
            try:
                await self.look()
            except Silence as why:
                log.info("the provider could not be asked: %s", why)

    async def look(self) -> None:
        """Ask once and act on what is known. Silence where the provider could not be asked."""
        self._watch_what_was_decided()
        self._forget_old()
        unknown = dict(self._cashier.unknown)
        if not unknown and not self._watched:
            return
        payments = await self._list(list(unknown.values()) + list(self._watched.values()))
        to_close = []
        for order in unknown.values():
            if await self._decide(order, payments.get(order.id, [])):
                continue
            if self._cashier.past_deadline(order):
                to_close.append(order)
            else:
                del self._cashier.unknown[order.id]
                self._cashier.submit(order, tries=1)
        if to_close:
            await self._close(to_close)
        for order in list(self._watched.values()):
            await self._give_back(order, payments.get(order.id, []))

    async def _list(self, asked: list[Order]) -> dict[str, list[Payment]]:
        since_s = min(order.created_ns for order in asked) // 10**9 - _SLACK_S
        return await self._provider.payments_since(since_s, {order.id for order in asked})

    async def _decide(self, order: Order, payments: list[Payment]) -> bool:
        """Act on the provider's list → whether the order needs nothing more in this round."""
        by_answer = {payment.answer: payment for payment in payments}
        if paid := by_answer.get(Answer.PAID):
            await self._cashier.confirm(order, paid.id)
        elif Answer.PROCESSING in by_answer:
            return True  # not known yet; it stays unknown and its seats stay locked
        elif Answer.DECLINED in by_answer:
            await self._cashier.fail(order, "DECLINED", keep_hold=True)
        elif order.id in self._closed:
            await self._cashier.fail(order, "PAYMENT_TIMEOUT")
        else:
            return False
        self._cashier.unknown.pop(order.id, None)
        self._closed.discard(order.id)
        return True

    async def _close(self, late: list[Order]) -> None:
        """Fence the keys first, read the list afterwards: in this order no charge can slip between."""
        gate = asyncio.Semaphore(self._options.payment_workers)

        async def close(order: Order) -> bool:
            async with gate:
                key = one_key_per_order(order, attempt=0)
                return await self._provider.close_key(order, key, self._options.currency)

        closed = await asyncio.gather(*(close(order) for order in late))
        fenced = [order for order, done in zip(late, closed, strict=True) if done]
        self._closed.update(order.id for order in fenced)
        if fenced:
            payments = await self._list(fenced)
            for order in fenced:
                await self._decide(order, payments.get(order.id, []))

    def _watch_what_was_decided(self) -> None:
        for order in self._counter.newly_decided():
            if order.tried and order.code != "DECLINED" and self._conduct.goes_back(order):
                self.watch(order)

    def _forget_old(self) -> None:
        now_ns = self._counter.now_ns()
        for order in list(self._watched.values()):
            owed = order.payment is not None  # SEATS_GONE: money we know we have is never forgotten
            if not owed and now_ns - (order.decided_ns or 0) > self._options.late_refunds_ns:
                del self._watched[order.id]

    async def _give_back(self, order: Order, payments: list[Payment]) -> None:
        paid = [payment.id for payment in payments if payment.answer is Answer.PAID]
        if order.payment is not None and order.payment not in paid:
            paid.append(order.payment)
        for payment in paid:
            try:
                refund = await self._provider.refund(payment)
            except Silence as why:
                log.warning("refund of %s is still open: %s", payment, why)
                continue  # stays watched: asked again in the next round, with the same key
            log.warning("refunded %s: it came after order %s had been closed", payment, order.id)
            await self._counter.write(partial(orders.refunded, order_id=order.id, payment=payment, refund=refund))
            self._watched.pop(order.id, None)
