"""Takes the money: pays each order at the provider, a few at a time, with few tries, and then lets it rest."""

from __future__ import annotations

import logging
import math

from surgectl import chance
from surgectl.stage.boxoffice import orders
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.counter import Counter
from surgectl.stage.boxoffice.options import Options
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till import claims
from surgectl.stage.boxoffice.till.breaker import Rules, State
from surgectl.stage.boxoffice.till.hands import Hands
from surgectl.stage.boxoffice.till.lane import Lane, Turn
from surgectl.stage.boxoffice.till.provider import Answer, Provider, Reply

log = logging.getLogger("surgectl.stage.boxoffice")


class Cashier:
    """What is done when it is an order's turn to be paid.

    An order is in exactly one place: in the line, out at the provider, or (after silence) in `unknown`, where
    only the reconciler touches it. How many may be pending altogether is bounded where orders are accepted
    (orders.place), so this line is bounded too.
    """

    def __init__(self, options: Options, conduct: Conduct, counter: Counter, provider: Provider, hands: Hands) -> None:
        self._options = options
        self._conduct = conduct
        self._counter = counter
        self._clock = counter.clock
        self._provider = provider
        self._hands = hands
        rules = Rules(
            share=options.breaker_share if conduct.breaks else math.inf,
            pause_ns=options.payment_timeout_ns // 4,
            longest_pause_ns=options.payment_timeout_ns,
        )
        self.lane: Lane[Reply] = Lane("payments", options.payment_workers, rules, self._clock, self)
        self.unknown: dict[str, Order] = {}

    @property
    def seed(self) -> int:
        return self._options.seed

    def submit(self, order: Order, tries: int | None = None) -> None:
        """Pay this order soon; `tries` fewer than usual when the reconciler has asked before."""
        most = self._conduct.most_tries or self._options.payment_tries
        self.lane.put(Turn(order, more=min(most, tries or most) - 1))

    def leave_unknown(self, order: Order) -> None:
        """Nobody knows whether this order was paid: hand it to the reconciler."""
        if order.id in self._hands:
            self.unknown[order.id] = order

    def forget(self, order: str) -> None:
        """It is decided, or in another's hands."""
        self.lane.drop(order)
        self.unknown.pop(order, None)

    def past_deadline(self, order: Order) -> bool:
        return self._counter.now_ns() >= order.created_ns + self._options.payment_deadline_ns

    async def until_deadline(self, order: Order) -> None:
        """Wait until the shop no longer wants the money of this order."""
        left_ns = order.created_ns + self._options.payment_deadline_ns - self._counter.now_ns()
        await self._clock.sleep_until_ns(self._clock.now_ns() + max(0, left_ns))

    # -- the line's questions (lane.Work) ------------------------------------------------------------------

    def is_late(self, order: Order) -> bool:
        return self.past_deadline(order)

    async def late(self, order: Order) -> None:
        """Waited too long in our own line. Nothing was ever sent for it? Then nothing can come of it."""
        if not order.tried:
            order = await self._hands.give_up(order, "PAYMENT_TIMEOUT")
        if order.state == "pending":
            self.leave_unknown(order)

    async def begin(self, turn: Turn) -> Turn | None:
        order = turn.order
        if order.id not in self._hands:
            return None
        if order.tried:
            return turn
        try:
            order = await self._hands.write(
                lambda books: self._conduct.begin_payment(books, order.id, self._hands.lease())
            )
        except claims.Elsewhere:
            self._hands.let_go(order.id)
            return None
        return Turn(order, turn.attempt, turn.more) if order.state == "pending" else None

    async def ask(self, turn: Turn) -> Reply:
        key = self._conduct.payment_key(turn.order, turn.attempt, self._hands.worker)
        return await self._conduct.charge(self._provider, turn.order, key, self._options.currency)

    async def act(self, turn: Turn, heard: Reply) -> None:
        order = turn.order
        if await self.settle(order, heard) or order.id not in self._hands:
            return
        if heard.busy_ns is not None:  # not executed, so it was no try
            self.lane.put(turn, self._clock.now_ns() + heard.busy_ns + self._back_off_ns(order, turn.attempt))
        elif heard.answer is Answer.PROCESSING:
            self.leave_unknown(order)  # it has arrived, and the same key would only be told the same again
        elif turn.more > 0 and (self._conduct.retries_blindly or self.lane.breaker.state is State.CLOSED):
            again = Turn(order, turn.attempt + 1, turn.more - 1)
            self.lane.put(again, self._clock.now_ns() + self._back_off_ns(order, turn.attempt))
        else:
            # While hardly anybody is answered, another try helps nobody: first it is asked what became of this one.
            await self._conduct.after_silence(self, order)

    async def settle(self, order: Order, reply: Reply) -> bool:
        """Write down what a reply decides → whether it decided anything."""
        answer = self._conduct.read(reply)
        if answer is Answer.PAID:
            await self._conduct.when_paid(self, order, reply.payment)
            return True
        if answer is Answer.DECLINED:
            await self.fail(order, "DECLINED", keep_hold=True)
            return True
        return False

    async def confirm(self, order: Order, payment: str | None) -> None:
        now_ns = self._counter.now_ns()
        assured, printed = self._conduct.seats_assured, self._conduct.printed
        await self._hands.write(lambda books: orders.confirm(books, order.id, payment, now_ns, assured, printed))

    async def fail(self, order: Order, code: str, *, keep_hold: bool = False) -> None:
        now_ns = self._counter.now_ns()
        end = self._conduct.end_basket
        await self._hands.write(lambda books: orders.fail(books, order.id, code, now_ns, keep_hold=keep_hold, end=end))

    def _back_off_ns(self, order: Order, attempt: int) -> int:
        """Full jitter (AWS architecture blog, "Exponential backoff and jitter"), no longer than a time-out."""
        if not self._conduct.pauses:
            return 0
        most_ns = min(self._options.payment_timeout_ns, 100_000_000 * 2**attempt)
        return int(most_ns * chance.unit(self._options.seed, "payment-backoff", order.created_ns, attempt))
