"""The till: whoever pays orders, in the shop's own process or in one of its own, on the same books."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from surgectl import chance
from surgectl.stage.boxoffice.books.looker import Looker
from surgectl.stage.boxoffice.books.trouble import BooksError
from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.counter import Counter
from surgectl.stage.boxoffice.options import Options
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till import claims
from surgectl.stage.boxoffice.till.cashier import Cashier
from surgectl.stage.boxoffice.till.events import newer
from surgectl.stage.boxoffice.till.hands import Hands
from surgectl.stage.boxoffice.till.identity import Clerk
from surgectl.stage.boxoffice.till.lane import H, Lane
from surgectl.stage.boxoffice.till.metadata import metadata_of
from surgectl.stage.boxoffice.till.provider import Provider
from surgectl.stage.boxoffice.till.reconciler import Reconciler

log = logging.getLogger("surgectl.stage.boxoffice")
_CLAIM_EVERY_NS = 50_000_000
_CLAIM_SELDOM_NS = 500_000_000  # where the shop hands its orders over itself, only lost ones are to be found


class LineTold(msgspec.Struct, frozen=True):
    """How one line stands, for whoever looks after the shop."""

    breaker: str
    """closed, open or half-open"""
    since_s: float
    """So long it has been so."""
    opened: int
    """How often it has opened."""
    in_flight: int
    most_in_flight: int
    waiting: int


class TillTold(msgspec.Struct, frozen=True):
    """How a till stands."""

    worker: str
    in_hand: int
    """Orders that carry this worker's name and are not decided."""
    unknown: int
    """Of these: sent to the provider and not answered."""
    watched: int
    """Cancelled orders whose money, should it come, goes back."""
    payments: LineTold
    identity: LineTold | None = None


class Till:
    """Everything that pays. Made by `open_till` alone."""

    def __init__(
        self,
        options: Options,
        conduct: Conduct,
        counter: Counter,
        hands: Hands,
        cashier: Cashier,
        clerk: Clerk,
        reconciler: Reconciler,
        looker: Looker,
        *,
        alone: bool,
    ) -> None:
        self._options = options
        self._conduct = conduct
        self._counter = counter
        self._clock = counter.clock
        self._hands = hands
        self._cashier = cashier
        self._clerk = clerk
        self._looker = looker
        self._alone = alone
        self.reconciler = reconciler
        self._seen_ns = counter.now_ns()
        hands.dropped = self._dropped

    @property
    def worker(self) -> str:
        """The name that its orders carry."""
        return self._hands.worker

    def lease(self) -> claims.Lease:
        """The name for an order that is accepted now."""
        return self._hands.lease()

    def take(self, order: Order) -> None:
        """An order that carries our name in the books: pay it. Taken twice, it is paid once."""
        if not self._hands.take(order):
            return
        if order.tried:
            self._cashier.leave_unknown(order)  # before a kill somebody may have asked for the money already
        elif self._clerk.wants(order):
            self._clerk.submit(order)
        else:
            self._cashier.submit(order)

    def told(self) -> TillTold:
        now_ns = self._clock.now_ns()
        return TillTold(
            worker=self._hands.worker,
            in_hand=len(self._hands),
            unknown=len(self._cashier.unknown),
            watched=self.reconciler.watched,
            payments=_line(self._cashier.lane, now_ns),
            identity=_line(self._clerk.lane, now_ns) if self._options.identity_url else None,
        )

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for work in (
                self._cashier.lane.run(),
                self._clerk.lane.run(),
                self.reconciler.work(),
                self.reconciler.follow(),
                self._renew(),
                self._claim(),
            ):
                group.create_task(work)

    async def take_up(self) -> None:
        """At the start: what carries our name from an earlier life, and what nobody holds."""
        now_ns = self._counter.now_ns()
        most = self._options.payment_queue if not self._alone else self._cashier.lane.room
        since_ns = now_ns - self._options.late_refunds_ns
        lease = self.lease()
        own = await self._counter.writer.run_until_written(
            lambda books: claims.claim(books, lease, now_ns, most, own=True)
        )
        watched = await self._counter.writer.run_until_written(
            lambda books: claims.claim_watch(books, lease, now_ns, since_ns, own=True)
        )
        for order in own:
            self.take(order)
        for order in watched:
            self.reconciler.watch(order)

    async def _renew(self) -> None:
        """Say that we live, and compare: what is not ours any more is let go, what is ours unawares is taken up."""
        every_ns = max(_CLAIM_EVERY_NS, self._options.lease_ns // 3)
        while True:
            await self._clock.sleep_until_ns(self._clock.now_ns() + every_ns)
            try:
                await self._compare()
            except Exception:
                log.exception("the leases could not be renewed; tried again soon")

    async def _compare(self) -> None:
        before = self._hands.held()
        write = self._counter.writer.run_until_written
        ours = await write(lambda books: claims.renew(books, self.lease()))
        for lost in before - ours:
            self._hands.let_go(lost)
        strays = ours - self._hands.held()  # a commit that was not answered in time may have given them to us
        now_ns = self._counter.now_ns()
        since_ns = now_ns - self._options.late_refunds_ns
        for order in await write(lambda books: claims.some(books, sorted(strays | (before - ours)))):
            if order.state == "pending" and order.id in strays:
                self.take(order)
            elif order.state != "pending":
                self._counter.show(order)
        for order in await write(lambda books: claims.claim_watch(books, self.lease(), now_ns, since_ns)):
            self.reconciler.watch(order)

    async def _claim(self) -> None:
        """Look for orders that nobody holds, as many as we could use soon."""
        every_ns = _CLAIM_EVERY_NS if self._alone else _CLAIM_SELDOM_NS
        while True:
            await self._clock.sleep_until_ns(self._clock.now_ns() + every_ns)
            try:
                await self._look()
            except BooksError as why:
                log.debug("no order could be claimed: %s", why)
            except Exception:
                log.exception("no order could be claimed; tried again soon")

    async def _look(self) -> None:
        """A look costs the writers nothing, so it comes first; only where there is something is it claimed."""
        room = min(self._cashier.lane.room, self._clerk.lane.room)
        now_ns = self._counter.now_ns()
        if room > 0 and await self._looker.asked(lambda books: self._conduct.unclaimed(books, now_ns)):
            for order in await self._counter.writer.run_until_written(
                lambda books: self._conduct.claim(books, self.lease(), now_ns, room)
            ):
                self.take(order)
        if self._alone and self._options.webhooks and len(self._hands):
            since_ns = self._seen_ns
            for event in await self._looker.asked(lambda books: newer(books, since_ns)):
                self._seen_ns = max(self._seen_ns, event.at_ns)
                self.reconciler.nudge(event.order, event.payment)

    def _dropped(self, order: str) -> None:
        self._cashier.forget(order)
        self._clerk.lane.drop(order)


def _name(options: Options, alone: bool) -> str:
    """A shop that comes back goes on at once; another shop on the same books must not believe that it is this one."""
    if options.worker or alone:
        return options.worker or f"worker-{chance.token()}"
    place = f"{Path(options.data).absolute()} {options.listen}"
    return f"shop-{hashlib.blake2b(place.encode(), digest_size=6).hexdigest()}"


@asynccontextmanager
async def open_till(
    options: Options, conduct: Conduct, counter: Counter, looker: Looker, *, alone: bool
) -> AsyncIterator[Till]:
    """A till on these books, with its connections open; `run` makes it work.

    `alone`: it stands in a process of its own and finds its orders in the books; otherwise the shop hands them over.
    """
    # A lease outlasts the longest request: nobody else begins while ours is still on its way.
    hands = Hands(_name(options, alone), max(options.lease_ns, 2 * options.payment_timeout_ns), counter)
    provider = Provider(
        options.payments_url,
        options.secret,
        options.payment_timeout_ns,
        options.payment_workers + 4,
        metadata_of(options.disguise),
    )
    async with provider:
        cashier = Cashier(options, conduct, counter, provider, hands)
        async with Clerk(options, counter, cashier, hands) as clerk:
            reconciler = Reconciler(options, conduct, counter, provider, cashier, hands)
            yield Till(options, conduct, counter, hands, cashier, clerk, reconciler, looker, alone=alone)


def _line(lane: Lane[H], now_ns: int) -> LineTold:
    return LineTold(
        breaker=lane.breaker.state.value,
        since_s=round((now_ns - lane.breaker.since_ns) / 1e9, 3),
        opened=lane.breaker.opened,
        in_flight=lane.in_flight,
        most_in_flight=lane.drain.limit(now_ns),
        waiting=lane.waiting,
    )
