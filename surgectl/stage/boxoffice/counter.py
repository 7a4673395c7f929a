"""The shop's memory of its own books: what fans ask for every second without opening a drawer."""

from __future__ import annotations

from collections.abc import Callable

from surgectl.clock import Clock
from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.books.writer import Writer
from surgectl.stage.boxoffice.rows import Order, Stock


class Counter:
    """Committed orders and stock in memory. Only what is in the books already is ever shown to anybody."""

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self.writer = writer
        self.clock = clock
        # Persisted instants are epoch nanoseconds; within one life of the shop they advance with the
        # monotonic clock, so that a clock that is set back cannot revive or kill a hold.
        self._epoch_ns = int(clock.wall().timestamp() * 1e9) - clock.now_ns()
        self.orders: dict[str, Order] = {}
        self.stock: Stock | None = None
        self._decided: list[Order] = []

    def now_ns(self) -> int:
        """Epoch nanoseconds."""
        return self._epoch_ns + self.clock.now_ns()

    async def write(self, job: Callable[[Books], Order]) -> Order:
        """Run a job that ends in an order, and show that order once it is committed.

        While the books are away it waits for them (Writer.run_until_written), so `job` must be idempotent.
        """
        order = await self.writer.run_until_written(job)
        self.show(order)
        return order

    def show(self, order: Order) -> None:
        """What the books say of an order now."""
        before = self.orders.get(order.id)
        self.orders[order.id] = order
        if order.state != "pending" and (before is None or before.state == "pending"):
            self._decided.append(order)

    def restore(self, known: list[Order]) -> None:
        """Take up the orders as the books know them, after a restart."""
        self.orders = {order.id: order for order in known}
        self._decided = [order for order in known if order.state != "pending"]

    def newly_decided(self) -> list[Order]:
        """Orders decided since the last call; after a restart, all that ever were."""
        decided, self._decided = self._decided, []
        return decided
