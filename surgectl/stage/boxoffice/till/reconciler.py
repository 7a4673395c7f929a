"""Clears up what nobody answered: asks the provider, then issues, cancels or refunds."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from surgectl.stage.boxoffice import orders
from surgectl.stage.boxoffice.conduct import Conduct, one_key_per_order
from surgectl.stage.boxoffice.counter import Counter
from surgectl.stage.boxoffice.options import Options
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till.breaker import Pass
from surgectl.stage.boxoffice.till.cashier import Cashier
from surgectl.stage.boxoffice.till.hands import Hands
from surgectl.stage.boxoffice.till.provider import Answer, Payment, Provider, Silence

log = logging.getLogger("surgectl.stage.boxoffice")
_SLACK_S = 5  # the provider's clock may differ a little from ours, and it counts in whole seconds
_REPLY_FIRST_NS = 200_000_000  # an event mostly comes while the reply is on its way: the reply is cheaper
_MONEY = (Answer.PAID, Answer.PROCESSING)  # it is there, or may still come
_AT_ONCE = 8  # questions about single payments


class Reconciler:
    """One question to the provider every `reconcile_every`, for all unknown orders together.

    Reading costs the provider little and cannot charge; only what its complete list lacks is tried again.
    After the payment deadline the shop stops wanting the money: it closes the order's key at the provider,
    reads the list once more, and what that says is final. Whatever it sends, the breaker has let out.
    """

    def __init__(
        self,
        options: Options,
        conduct: Conduct,
        counter: Counter,
        provider: Provider,
        cashier: Cashier,
        hands: Hands,
    ) -> None:
        self._options = options
        self._conduct = conduct
        self._counter = counter
        self._provider = provider
        self._cashier = cashier
        self._hands = hands
        self._clock = counter.clock
        self._closed: set[str] = set()  # orders whose key can charge no more
        self._watched: dict[str, Order] = {}
        self._told: dict[str, tuple[int, str]] = {}  # order → (ask from then on, payment): what events have said
        self._nudged = asyncio.Event()

    @property
    def watched(self) -> int:
        return len(self._watched)

    def watch(self, order: Order) -> None:
        """Look out for a charge that comes after this order was decided without a payment."""
        self._watched[order.id] = order

    def nudge(self, order: str, payment: str) -> None:
        """Somebody says that this payment has moved: ask, unless the reply itself arrives first."""
        if order in self._hands:
            self._told[order] = (self._clock.now_ns() + _REPLY_FIRST_NS, payment)
            self._nudged.set()

    async def work(self) -> None:
        """A round every `reconcile_every`. Until cancelled."""
        while True:
            await self._clock.sleep_until_ns(self._clock.now_ns() + self._options.reconcile_every_ns)
            try:
                await self.look()
            except Silence as why:
                log.info("the provider could not be asked: %s", why)
            except Exception:
                log.exception("this round was in vain; the next one comes")

    async def follow(self) -> None:
        """Ask about single payments that events have spoken of. Until cancelled."""
        while True:
            await self._nudged.wait()
            self._nudged.clear()
            while self._told:
                first_ns = min(due_ns for due_ns, _ in self._told.values())
                await self._clock.sleep_until_ns(first_ns)
                now_ns = self._clock.now_ns()
                due = [order for order, (due_ns, _) in self._told.items() if due_ns <= now_ns][:_AT_ONCE]
                payments = [(order, self._told.pop(order)[1]) for order in due]
                await asyncio.gather(*(self._ask_about(order, payment) for order, payment in payments))

    async def _ask_about(self, order_id: str, payment: str) -> None:
        order = self._counter.orders.get(order_id)
        if order is None or order_id not in self._hands:
            return
        leave = self._cashier.lane.breaker.let_out(self._clock.now_ns(), question=True)
        if leave is None:
            return  # the next round asks about all
        try:
            found = await self._provider.payment(payment)
            self._heard(leave, None)
            if found is not None and self._provider.order_of(found) == order_id:
                await self._decide(order, [found])
        except Silence as why:
            self._heard(leave, why)
        except Exception:
            log.exception("no end for order %s yet; the next round asks again", order_id)
        finally:
            self._cashier.lane.breaker.unused(leave)

    async def look(self) -> None:
        """Ask once and act on what is known. Silence where the provider could not be asked."""
        self._watch_what_was_decided()
        long_ago = self._long_decided()
        unknown = dict(self._cashier.unknown)
        if not unknown and not self._watched:
            return
        payments = await self._list(list(unknown.values()) + list(self._watched.values()))
        if payments is None:
            return
        to_close = []
        for order in unknown.values():
            if await self._decide(order, payments.get(order.id, [])):
                continue
            if self._cashier.past_deadline(order):
                to_close.append(order)
            elif self._cashier.unknown.pop(order.id, None) is not None:
                self._cashier.submit(order, tries=1)
        if to_close:
            await self._close(to_close)
        for order in list(self._watched.values()):
            if not await self._give_back(order, payments.get(order.id, [])):
                return  # money that is owed back is not forgotten, and a house that is unwell is not pressed for it
        for order_id in long_ago:
            if not any(payment.answer in _MONEY for payment in payments.get(order_id, [])):
                self._watched.pop(order_id, None)

    async def _list(self, asked: list[Order]) -> dict[str, list[Payment]] | None:
        """None: the breaker lets no question out now."""
        leave = self._cashier.lane.breaker.let_out(self._clock.now_ns(), question=True)
        if leave is None:
            return None
        since_s = min(order.created_ns for order in asked) // 10**9 - _SLACK_S
        try:
            payments = await self._provider.payments_since(since_s, {order.id for order in asked})
        except Silence as why:
            self._heard(leave, why)
            raise
        finally:
            self._cashier.lane.breaker.unused(leave)
        self._heard(leave, None)
        return payments

    def _heard(self, leave: Pass, why: Silence | None) -> None:
        self._cashier.lane.learn(leave, silent=why is not None and not why.heard)

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
        lane = self._cashier.lane
        gate = asyncio.Semaphore(lane.drain.limit(self._clock.now_ns()))

        async def close(order: Order) -> bool:
            async with gate:
                leave = lane.breaker.let_out(self._clock.now_ns())
                if leave is None:
                    return False  # the provider is not well: later
                try:
                    key = one_key_per_order(order, 0, self._hands.worker)
                    reply = await self._provider.close_key(order, key, self._options.currency)
                    lane.learn(leave, silent=reply.silent, busy_ns=reply.busy_ns)
                finally:
                    lane.breaker.unused(leave)
                return reply.fenced

        closed = await asyncio.gather(*(close(order) for order in late))
        fenced = [order for order, done in zip(late, closed, strict=True) if done]
        self._closed.update(order.id for order in fenced)
        if fenced:
            payments = await self._list(fenced)
            for order in fenced if payments is not None else []:
                await self._decide(order, (payments or {}).get(order.id, []))

    def _watch_what_was_decided(self) -> None:
        for order in self._counter.newly_decided():
            if order.tried and order.code != "DECLINED" and self._conduct.goes_back(order):
                self.watch(order)

    def _long_decided(self) -> list[str]:
        """Watched for long enough, once the provider was asked a last time: while it could not be, nobody looked."""
        now_ns = self._counter.now_ns()
        return [
            order.id
            for order in self._watched.values()
            # SEATS_GONE: money we know we have is never forgotten.
            if order.payment is None and now_ns - (order.decided_ns or 0) > self._options.late_refunds_ns
        ]

    async def _give_back(self, order: Order, payments: list[Payment]) -> bool:
        """Refund what was taken for an order that is closed → whether the house may be asked for more.

        A refund knocks like a payment: where nobody buys any more, it is what finds out that the house is back.
        """
        lane = self._cashier.lane
        paid = [payment.id for payment in payments if payment.answer is Answer.PAID]
        if order.payment is not None and order.payment not in paid:
            paid.append(order.payment)
        for payment in paid:
            leave = lane.breaker.let_out(self._clock.now_ns())
            if leave is None:
                return False
            try:
                refund = await self._provider.refund(payment)
                self._heard(leave, None)
            except Silence as why:
                self._heard(leave, why)
                log.warning("refund of %s is still open: %s", payment, why)
                continue  # stays watched: asked again in the next round, with the same key
            finally:
                lane.breaker.unused(leave)
            log.warning("refunded %s: it came after order %s had been closed", payment, order.id)
            await self._counter.write(partial(orders.refunded, order_id=order.id, payment=payment, refund=refund))
            self._watched.pop(order.id, None)
        return True
