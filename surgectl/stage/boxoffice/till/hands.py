"""The orders that this worker holds: taken up once, let go when they are decided or somebody else's."""

from __future__ import annotations

from collections.abc import Callable

from surgectl.stage.boxoffice.books import Books
from surgectl.stage.boxoffice.counter import Counter
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till import claims
from surgectl.stage.boxoffice.till.claims import Lease


class Hands:
    """`worker` is the name that stands on them in the books. Nothing is paid that is not in here."""

    def __init__(self, worker: str, lease_ns: int, counter: Counter) -> None:
        self.worker = worker
        self._lease_ns = lease_ns
        self._counter = counter
        self._held: set[str] = set()
        self.dropped: Callable[[str], None] = lambda order: None
        """Called with each order that leaves our hands."""

    def __contains__(self, order: str) -> bool:
        return order in self._held

    def __len__(self) -> int:
        return len(self._held)

    def lease(self) -> Lease:
        """From now on for its whole length."""
        return Lease(self.worker, self._counter.now_ns() + self._lease_ns)

    def take(self, order: Order) -> bool:
        """→ whether it is new here."""
        known = self._counter.orders.get(order.id)
        if order.id in self._held or (known is not None and known.state != "pending"):
            return False
        self._held.add(order.id)
        self._counter.orders[order.id] = order
        return True

    def let_go(self, order: str) -> None:
        self._held.discard(order)
        self.dropped(order)

    def held(self) -> frozenset[str]:
        return frozenset(self._held)

    async def write(self, job: Callable[[Books], Order]) -> Order:
        """Run a job that ends in an order; one that is decided by it leaves our hands. `job` must be idempotent."""
        order = await self._counter.write(job)
        if order.state != "pending":
            self.let_go(order.id)
        return order

    async def give_up(self, order: Order, code: str) -> Order:
        """Cancel it, if nothing was ever sent for it → the order as it stands then."""
        now_ns = self._counter.now_ns()
        try:
            return await self.write(lambda books: claims.give_up_untried(books, order.id, code, now_ns, self.lease()))
        except claims.Elsewhere:
            self.let_go(order.id)
            return order
