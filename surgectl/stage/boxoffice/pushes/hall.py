"""Those who keep the page of the line open, and who of them is told something now.

One look at the line every 50 ms for all of them together, and a word to those for whom it has moved: at once to whoever
is let in, or comes too late; to the others as soon as the API would have them ask again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import msgspec
from aiohttp import web

from surgectl.clock import Clock
from surgectl.stage.boxoffice.desk import PlaceTold

HEARTBEAT_S = 15.0
"""After so long a silence a word without meaning: whoever has gone without a goodbye is found out."""
_LOOK_EVERY_S = 0.05

Look = Callable[[str], Awaitable[web.Response]]
"""A place's id → what `GET /api/queue/{id}` answers now."""

_place = msgspec.json.Decoder(PlaceTold)


class Sight(msgspec.Struct, frozen=True):
    """The line as one look at it, for all who listen: what is equal has not moved."""

    head: int
    waiting: int
    joined: int
    numbered_after: int
    over: bool


class Told(msgspec.Struct, frozen=True):
    """What a fan is told: the body of the API's own answer."""

    status: int
    body: bytes
    state: str
    """What it comes to: equal states are told once."""
    again_ms: int = 0
    """Sooner nothing more is told, unless the wait is over: with a long line that would be a flood."""

    @property
    def last(self) -> bool:
        """Nothing will change any more."""
        return self.status != 200 or self.state == "admitted"


class Listener:
    """One open connection: `await listener.news()` again and again."""

    __slots__ = ("_hall", "_last", "_place", "_woken", "due_ns", "gone", "seq", "waits")

    def __init__(self, hall: Hall, place: str, seq: int, gone: Callable[[], bool], last: str) -> None:
        self._hall = hall
        self._place = place
        self._last = last
        self._woken = asyncio.Event()
        self._woken.set()
        self.seq = seq
        self.gone = gone
        self.due_ns = 0
        self.waits = True
        """Not told yet that the wait is over."""

    def wake(self) -> None:
        self._woken.set()

    async def news(self) -> Told | None:
        """What is new, as soon as it is; None: nothing, for so long that the other end should hear a heartbeat.

        EOFError where the hall closes, or the other end has gone.
        """
        hall = self._hall
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                while True:
                    await self._woken.wait()
                    self._woken.clear()
                    if hall.closed or self.gone():
                        raise EOFError
                    if not self.waits:
                        continue
                    told = read(await hall.look(self._place))
                    self.due_ns = hall.now_ns() + told.again_ms * 1_000_000
                    if told.last or told.state != self._last:
                        self._last, self.waits = told.state, not told.last
                        return told
        except TimeoutError:
            return None


class Hall:
    """`with hall.listening(…) as listener`; `hall.close()` sends everybody home."""

    def __init__(
        self, look: Look, sight: Callable[[], Sight], is_in: Callable[[int], bool], clock: Clock, most: int
    ) -> None:
        self.look = look
        self._sight = sight
        self._is_in = is_in
        self.now_ns = clock.now_ns
        self._most = most
        self._listeners: set[Listener] = set()
        self._watch: asyncio.Task[None] | None = None
        self.closed = False

    def __len__(self) -> int:
        return len(self._listeners)

    @property
    def full(self) -> bool:
        """Whether one more would be too many."""
        return self.closed or len(self._listeners) >= self._most

    @contextmanager
    def listening(self, place: str, seq: int, gone: Callable[[], bool], last: str = "") -> Iterator[Listener]:
        """`last`: the state that this fan has heard already; `gone`: whether the other end is."""
        listener = Listener(self, place, seq, gone, last)
        self._listeners.add(listener)
        if self._watch is None:
            self._watch = asyncio.get_running_loop().create_task(self._watch_the_line())
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """Nobody is told anything any more: every connection ends properly."""
        self.closed = True
        if self._watch is not None:
            self._watch.cancel()
        for listener in self._listeners:
            listener.wake()

    async def _watch_the_line(self) -> None:
        """While anybody listens."""
        before: Sight | None = None
        while self._listeners:
            await asyncio.sleep(_LOOK_EVERY_S)
            sight, now_ns = self._sight(), self.now_ns()
            moved, before = sight != before, sight
            for listener in self._listeners:
                if (
                    listener.gone()
                    or (listener.waits and (sight.over or self._is_in(listener.seq)))
                    or (moved and now_ns >= listener.due_ns)
                ):
                    listener.wake()
                elif moved:
                    before = None  # somebody must still hear of it
        self._watch = None


def read(answer: web.Response) -> Told:
    """What the API has answered."""
    body = answer.body
    assert isinstance(body, bytes), "the shop answers in one piece"
    if answer.status != 200:
        return Told(answer.status, body, "over")
    try:
        place = _place.decode(body)
    except msgspec.MsgspecError:
        return Told(404, body, "over")  # a house with other words
    state = place.state if place.state == "admitted" or place.position is None else str(place.position)
    return Told(200, body, state, place.poll_after_ms)
