"""The place in a connection where one fault sits, and what keeps it going.

A stub has a queue of chunks in front of it and drives one toxic's generator: it hands out chunks while
the next place has room, keeps the timers, and can be interrupted at any time without losing a byte,
because a generator either has emitted a chunk or emits it on being interrupted.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

import msgspec

from surgectl import chance
from surgectl.clock import Clock
from surgectl.proxy.pipe import Chunk, Direction, Interrupted, Pipe, Placed, Quiet, Take, Wait
from surgectl.proxy.toxics.noop import Noop

_NOOP = Noop()
_EARLY_NS = 300_000  # how early a wait of milliseconds may end: an event loop's timers know no finer step


class Setting(msgspec.Struct, frozen=True):
    """What every part of one proxy server shares."""

    loop: asyncio.AbstractEventLoop
    clock: Clock
    seed: int
    strict: bool
    """Toxiproxy's own behaviour, traps included, in place of our documented deviations."""


class Sink(Protocol):
    """Whatever takes chunks from a stub: the next stub, or the socket they are written to."""

    @property
    def ready(self) -> bool:
        """Whether there is room; pushing without room is allowed, and only grows the queue."""
        ...

    def push(self, chunk: Chunk) -> None: ...

    def push_end(self) -> None:
        """Nothing more will come."""
        ...


class Owner(Protocol):
    """The link a stub belongs to."""

    setting: Setting
    proxy_name: str
    connection_number: int
    direction: Direction

    def room_before(self, stub: Stub) -> None:
        """The stub has room again for whoever feeds it."""
        ...

    def reset(self) -> None: ...


class Stub:
    """Drives one toxic on one link. Its draws depend on nothing but the seed and its place."""

    def __init__(self, owner: Owner, placed: Placed, number: int, after: Sink) -> None:
        self.placed = placed
        self.after = after
        self.closed = False
        self.passed_bytes = 0
        self._owner = owner
        self._number = number
        self._runs = 0
        self._draws = 0
        self._inbox: deque[Chunk] = deque()
        self._input_ended = False
        self._pipe: Pipe | None = None
        self._wish: Take | Wait | None = None
        self._stepping = False
        self._timer: asyncio.Handle | None = None
        self._due_ns = 0
        self._closing: asyncio.Future[None] | None = None

    # As a sink: what comes in.

    @property
    def ready(self) -> bool:
        return self.closed or len(self._inbox) < max(1, self.placed.toxic.inbox_chunks)

    def push(self, chunk: Chunk) -> None:
        if not self.closed:
            self._inbox.append(chunk)
            self.pump()

    def push_end(self) -> None:
        self._input_ended = True
        self.pump()

    # As a flow: what the toxic asks of us.

    def emit(self, chunk: Chunk) -> None:
        if chunk.data:
            self.after.push(chunk)

    def now_ns(self) -> int:
        return self._owner.setting.clock.now_ns()

    def draw(self, purpose: str) -> float:
        self._draws += 1
        owner = self._owner
        place = (owner.connection_number, owner.direction, self._number, self._runs, self._draws)
        return chance.unit(owner.setting.seed, f"proxy {owner.proxy_name} {purpose}", *place)

    def reset(self) -> None:
        self._owner.reset()

    # The life of a toxic here.

    def run(self) -> None:
        """Begin (again): draw whether the toxic takes part, and let it run. One draw a run, as in Toxiproxy."""
        self._runs += 1
        self._draws = 0
        taking_part = self.draw("toxicity") < self.placed.toxicity
        self._pipe = (self.placed.toxic if taking_part else _NOOP).pipe(self)
        self._advance(None)
        self.pump()

    def interrupt(self) -> asyncio.Future[None] | None:
        """Stop the toxic; what it held has been emitted. A future means that it is deaf, and closes by then."""
        if self._pipe is None:
            return None
        if isinstance(self._wish, Wait) and self._wish.deaf:
            if self._closing is None:
                self._closing = self._owner.setting.loop.create_future()
            return self._closing
        self._stop_timer()
        pipe, self._pipe, self._wish = self._pipe, None, None
        try:
            pipe.throw(Interrupted())
        except (Interrupted, StopIteration):
            return None
        raise RuntimeError(f"{self.placed.type} went on after an interrupt")

    def flush(self) -> None:
        """Pass on what still queues here, in order. Only after an interrupt."""
        while self._inbox:
            self.after.push(self._inbox.popleft())
        if self._input_ended:
            self.close()

    def close(self) -> None:
        """End the stream for everything behind this place; what comes in from now on is dropped."""
        if self.closed:
            return
        self.kill()
        self.after.push_end()
        self._owner.room_before(self)

    def kill(self) -> None:
        """Stop without a word to anybody: the connection is gone."""
        self.closed = True
        self._stop_timer()
        self._inbox.clear()
        if self._pipe is not None and not self._stepping:
            self._pipe.close()
        self._pipe = self._wish = None
        if self._closing is not None and not self._closing.done():
            self._closing.set_result(None)

    def pump(self) -> None:
        """Hand out chunks for as long as the toxic takes them and there is room behind it."""
        if self._stepping:
            return  # called from within our own emit: the loop below looks again
        took = False
        while isinstance(self._wish, Take) and self.after.ready:
            if self._inbox:
                took = True
                self._advance(self._inbox.popleft())
            elif self._input_ended:
                self._advance(None)
            else:
                break
        if took and self.ready:
            self._owner.room_before(self)

    def _advance(self, chunk: Chunk | None, trouble: Exception | None = None) -> None:
        pipe = self._pipe
        if pipe is None:
            return
        self._stop_timer()
        self._stepping = True
        try:
            wish = pipe.throw(trouble) if trouble else pipe.send(chunk)
        except StopIteration:
            wish = None
        finally:
            self._stepping = False
        if self._pipe is not pipe:
            pipe.close()  # killed by the consequences of its own emit
            return
        if wish is None:
            self._pipe = None
            self.close()
            return
        self._wish = wish
        seconds = wish.seconds if isinstance(wish, Wait) else wish.within_s
        if seconds is not None:
            self._due_ns = self.now_ns() + int(seconds * 1e9)
            self._arm(seconds)

    # Timers.

    def _arm(self, seconds: float) -> None:
        # uvloop rounds to milliseconds, either way: half of one more makes it late instead of early. A wait
        # that is shorter than that becomes "at once, and look again", which keeps a slicer's microseconds.
        if seconds >= 0.001:
            seconds += 0.0005
        self._timer = self._owner.setting.loop.call_later(max(0.0, seconds), self._timer_fired)

    def _timer_fired(self) -> None:
        left_ns = self._due_ns - self.now_ns()
        wish = self._wish
        long = isinstance(wish, Take) or (isinstance(wish, Wait) and wish.seconds > 0.002)
        if left_ns > (_EARLY_NS if long else 0):
            self._arm(left_ns / 1e9)
            return
        self._advance(None, Quiet() if isinstance(wish, Take) else None)
        self.pump()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
