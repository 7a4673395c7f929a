"""Orders in line before one outside house: the oldest first, only as many at once as it can bear."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Coroutine
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from surgectl.clock import Clock
from surgectl.stage.boxoffice.rows import Order
from surgectl.stage.boxoffice.till.breaker import Breaker, Pass, Rules, State
from surgectl.stage.boxoffice.till.drain import Drain
from surgectl.units import NS_PER_S

log = logging.getLogger("surgectl.stage.boxoffice")
_AFTER_TROUBLE_NS = NS_PER_S


class Turn(msgspec.Struct, frozen=True):
    """One order's turn: `attempt` counts from 1, and so many more may follow after it."""

    order: Order
    attempt: int = 1
    more: int = 0


class Heard(Protocol):
    """What the house said, as far as the line cares."""

    @property
    def silent(self) -> bool:
        """Nothing that could be read."""
        ...

    @property
    def busy_ns(self) -> int | None:
        """It was too much for the house: how long it wants to be left alone."""
        ...


H = TypeVar("H", bound=Heard)


class Work(Protocol[H]):
    """What is done when an order's turn has come."""

    async def begin(self, turn: Turn) -> Turn | None:
        """Before anything is sent; None where there is nothing to do any more."""
        ...

    async def ask(self, turn: Turn) -> H:
        """One request, one answer; never an exception for what the house did."""
        ...

    async def act(self, turn: Turn, heard: H) -> None:
        """Write down what the answer decides, or put the order in line again."""
        ...

    async def late(self, order: Order) -> None:
        """Its time was over while it stood in line. Nothing is sent."""
        ...

    def is_late(self, order: Order) -> bool: ...


class Lane(Generic[H]):
    """The line, its breaker and its drain. An order stands in it once at most."""

    def __init__(self, name: str, most: int, rules: Rules, clock: Clock, work: Work[H]) -> None:
        now_ns = clock.now_ns()
        self.name = name
        self.breaker = Breaker(rules, now_ns)
        self.drain = Drain(most)
        self._clock = clock
        self._work = work
        self._ready: list[tuple[int, str]] = []  # (accepted at, order id): the oldest first
        self._later: list[tuple[int, str]] = []  # (not before, order id)
        self._turns: dict[str, Turn] = {}
        self._out: set[str] = set()
        self._back: dict[str, tuple[Turn, int]] = {}  # put in line again while still out
        self._changed = asyncio.Event()

    def __contains__(self, order: str) -> bool:
        return order in self._turns or order in self._out

    @property
    def waiting(self) -> int:
        return len(self._turns)

    @property
    def in_flight(self) -> int:
        return len(self._out)

    @property
    def room(self) -> int:
        """How many more orders this line could use soon. With a closed door one is enough, to knock with."""
        most = 1 if self.breaker.state is not State.CLOSED else 2 * self.drain.limit(self._clock.now_ns())
        return max(0, most - self.waiting - self.in_flight)

    def put(self, turn: Turn, not_before_ns: int = 0) -> None:
        """In line, once; `not_before_ns` is monotonic. An order that is out comes back by its own act."""
        order = turn.order
        if order.id in self._out:
            self._back[order.id] = (turn, not_before_ns)
            return
        if order.id in self._turns:
            return
        self._turns[order.id] = turn
        if not_before_ns > self._clock.now_ns():
            heapq.heappush(self._later, (not_before_ns, order.id))
        else:
            heapq.heappush(self._ready, (order.created_ns, order.id))
        self._changed.set()

    def drop(self, order: str) -> None:
        """Out of the line: somebody else has it now."""
        self._turns.pop(order, None)
        self._back.pop(order, None)

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                next_ns = self._dispatch(group)
                if next_ns is None:
                    await self._changed.wait()
                    continue
                left_s = max(0.0, (next_ns - self._clock.now_ns()) / NS_PER_S)
                timer = loop.call_later(left_s, self._changed.set)
                try:
                    await self._changed.wait()
                finally:
                    timer.cancel()

    def _dispatch(self, group: asyncio.TaskGroup) -> int | None:
        """Send off whoever may go → when to look again by the clock alone, if ever."""
        now_ns = self._clock.now_ns()
        while self._later and self._later[0][0] <= now_ns:
            _, order_id = heapq.heappop(self._later)
            if order_id in self._turns:
                heapq.heappush(self._ready, (self._turns[order_id].order.created_ns, order_id))
        look_again = [self._later[0][0]] if self._later else []
        while self._ready:
            order_id = self._ready[0][1]
            turn = self._turns.get(order_id)
            if turn is None:
                heapq.heappop(self._ready)
            elif self._work.is_late(turn.order):
                self._off(group, turn, self._late(turn))
            elif len(self._out) >= self.drain.limit(now_ns):
                look_again += [grows] if (grows := self.drain.grows_ns()) is not None else []
                break
            elif (leave := self.breaker.let_out(now_ns)) is not None:
                self._off(group, turn, self._one(turn, leave))
            else:
                free_ns = self.breaker.free_ns(now_ns)
                look_again += [free_ns] if free_ns is not None else []
                break
        if self._ready:  # the oldest may grow late while the door is closed
            look_again.append(now_ns + NS_PER_S // 10)
        return min(look_again, default=None)

    def _off(self, group: asyncio.TaskGroup, turn: Turn, work: Coroutine[Any, Any, None]) -> None:
        heapq.heappop(self._ready)
        del self._turns[turn.order.id]
        self._out.add(turn.order.id)
        group.create_task(self._guarded(turn, work))

    async def _guarded(self, turn: Turn, work: Coroutine[Any, Any, None]) -> None:
        """An error in one order ends neither the line nor the order: it comes back a little later."""
        order = turn.order.id
        try:
            await work
        except Exception:
            log.exception("%s: trouble with order %s; it is tried again", self.name, order)
            self._back.setdefault(order, (turn, self._clock.now_ns() + _AFTER_TROUBLE_NS))
        finally:
            self._out.discard(order)
            back = self._back.pop(order, None)
            if back is not None:
                self.put(*back)
            self._changed.set()

    async def _late(self, turn: Turn) -> None:
        await self._work.late(turn.order)

    async def _one(self, turn: Turn, leave: Pass) -> None:
        try:
            ready = await self._work.begin(turn)
            if ready is None:
                return
            heard = await self._work.ask(ready)
            self.learn(leave, silent=heard.silent, busy_ns=heard.busy_ns)
        finally:
            self.breaker.unused(leave)  # no effect where something was learnt
        await self._work.act(ready, heard)

    def learn(self, leave: Pass, *, silent: bool, busy_ns: int | None = None) -> None:
        """What became of a call that the breaker let out."""
        now_ns = self._clock.now_ns()
        if silent:
            if self.breaker.silent(leave, now_ns):
                log.warning("%s: too few answers; asking no more than now and then", self.name)
        else:
            if busy_ns is not None:
                self.drain.set_back(len(self._out), now_ns)
                self.breaker.rest(now_ns + busy_ns)
            if self.breaker.heard(leave, now_ns):
                log.warning("%s: answers again; the backlog goes out little by little", self.name)
                self.drain.reopened(now_ns)
        self._changed.set()
