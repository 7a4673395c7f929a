"""What one tab listens with: opens a connection, hands over one message at a time, and closes it when it is left.

One task for each open connection, and a bounded queue before it: a shop that pushes faster than its fan listens waits
in its own socket.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol

import msgspec

from surgectl.engine.drivers.driver import Mark, Then
from surgectl.engine.drivers.place import Place
from surgectl.journey.messages import EVENT, QUIET, RETRY, STIRRED, Broken, Push, Reply, Wire, is_message

if TYPE_CHECKING:
    from surgectl.engine.drivers.browser import Browser

_MOST_WAITING = 32
_MOST_WAITING_BYTES = 1 << 20
MOST_MESSAGES = 20_000
"""Of one connection: what pushes more is no waiting room."""


class Speaking(Protocol):
    """Who opens a connection and reads it to its end."""

    async def __call__(self, ear: Ear, browser: Browser, wire: Wire, push: Push, mark: Mark) -> Reply:
        """What its end, or its refusal, says."""
        ...


class Ear:
    """`ear.hear(…)`, one at a time; `ear.close()` when the page is left."""

    def __init__(self, browser: Browser, speaking: Speaking) -> None:
        self._browser = browser
        self._speaking = speaking
        self.last_id = ""
        """Of the last event: what the next connection of this page says."""
        self.retry_ms: int | None = None
        """How long this page waits before it connects again, as far as a stream has said so; it holds until another
        stream says otherwise (WHATWG HTML §9.2.2, "reconnection time")."""
        self._messages: deque[Reply] = deque()
        self._room = asyncio.Event()
        self._count = 0
        self._agreed = False
        self._stirred = False
        self._opened_ns = 0
        self._ended: Reply | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._mark = Mark()
        self._then: Then | None = None

    @property
    def open(self) -> bool:
        """See Listening.open."""
        return self._task is not None or bool(self._messages) or self._ended is not None

    def hear(self, wire: Wire, push: Push, due_ns: int, mark: Mark, then: Then) -> Ear:
        """Wait for the next message, at most `wire.timeout_ns` from due, or from now where that is later."""
        now_ns = self._now_ns()
        self._mark, self._then = mark, then
        left_ns = max(due_ns, now_ns) + wire.timeout_ns - now_ns
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(left_ns / 1e9, self._silent)
        if not self.open:
            self._agreed, self._stirred, self._count = False, False, 0
            self._task = asyncio.create_task(self._listen(wire, push, mark))
        else:
            mark.sent_ns = now_ns  # nothing leaves: the fan listens from here on
            loop.call_soon(self._hand_over)
        return self

    def quit(self) -> None:
        """Nobody waits any more; see UnderWay.quit."""
        if self._then is not None:
            self._stop()
            self._say(Reply(broken="quit", sent_ns=self._mark.sent_ns, done_ns=self._now_ns()))

    def close(self) -> None:
        """The page is left."""
        self._then = None
        self._stop()

    # -- what the connection tells

    def opened(self) -> None:
        """The shop has agreed to speak."""
        self._agreed = True
        self._opened_ns = self._mark.sent_ns or 0

    def stirred(self) -> None:
        """Something came that is no message for whoever listens."""
        self._stirred = True

    async def came(self, event: str, data: bytes, place: Place, quiet_ns: int) -> bool:
        """A message that nobody had said at `quiet_ns`; back once there is room for the next. False: that was enough.

        Its `sent_ns` is no earlier than that, and than the request that opened the connection.
        """
        self._count += 1
        if self._count > MOST_MESSAGES:
            return False
        self._messages.append(
            Reply(
                status=200,
                headers=((EVENT, event),),
                body=data,
                url=place.text,
                sent_ns=max(self._opened_ns, quiet_ns),
                done_ns=self._now_ns(),
            )
        )
        self._hand_over()
        while len(self._messages) >= _MOST_WAITING or sum(len(m.body) for m in self._messages) > _MOST_WAITING_BYTES:
            self._room.clear()
            await self._room.wait()
        return True

    # -- our own

    def _now_ns(self) -> int:
        return self._browser.now_ns()

    async def _listen(self, wire: Wire, push: Push, mark: Mark) -> None:
        try:
            ended = await self._speaking(self, self._browser, wire, push, mark)
        except Exception as error:  # noqa: BLE001 - whoever waits is told, and says what it means
            self._mark.failure = error
            ended = Reply(broken="invalid", detail=type(error).__name__)
        if self.retry_ms is not None:
            ended = msgspec.structs.replace(ended, headers=(*ended.headers, (RETRY, str(self.retry_ms))))
        if self._task is asyncio.current_task():
            self._task, self._ended = None, ended
            self._hand_over()

    def _hand_over(self) -> None:
        """What is there to whoever waits: messages first, then the end."""
        if self._then is None:
            return
        if self._messages:
            reply = self._messages.popleft()
            self._room.set()
        elif self._ended is not None:
            reply, self._ended = self._ended, None
        else:
            return
        # When it came is when it was heard: it may have lain in the queue before anybody listened.
        self._say(reply)

    def _silent(self) -> None:
        """The wait is over."""
        if self._then is None:
            return
        opened = self._agreed
        self._stop()
        sent_ns = self._mark.sent_ns
        why: Broken = "not-sent" if sent_ns is None else "timeout"
        detail = QUIET if opened else "timeout"
        signs = ((STIRRED, ""),) if self._stirred else ()
        self._say(Reply(broken=why, headers=signs, sent_ns=sent_ns, done_ns=self._now_ns(), detail=detail))

    def _say(self, reply: Reply) -> None:
        then, self._then = self._then, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if then is not None:
            sent_ns = reply.sent_ns if is_message(reply) else self._mark.sent_ns
            then(msgspec.structs.replace(reply, sent_ns=sent_ns, done_ns=self._now_ns()))

    def _stop(self) -> None:
        task, self._task = self._task, None
        self._messages.clear()
        self._ended = None
        self._agreed = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if task is not None:
            task.cancel()
