"""Says when a message was said at the earliest: at the last instant at which nothing lay unheard in our sockets.

A message is not the answer to a question, so no request of ours says when the shop spoke. It may have lain in a socket
while this process was busy elsewhere, and then what it says of the line was true long before it was heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_EVERY_S = 0.01
_TURNS = 5
"""Of the event loop until whatever lay in the sockets at a beat has come to whoever listens: one that asks the kernel,
one that wakes the reader, and some to spare."""


class Pulse:
    """`with pulse:` while a connection is open: `quiet_ns` is then a hundredth of a second old, more where we lag."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._listeners = 0
        self._timer: asyncio.Handle | None = None
        self.quiet_ns = 0
        """All that the shop had said until then (and that had come here) is heard; ns since the run's start."""

    def __enter__(self) -> Pulse:
        self._listeners += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_EVERY_S, self._beat)
        return self

    def __exit__(self, *exc: object) -> None:
        self._listeners -= 1
        if not self._listeners and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _beat(self) -> None:
        self._turn(self._now_ns(), _TURNS)

    def _turn(self, beat_ns: int, turns: int) -> None:
        loop = asyncio.get_running_loop()
        if turns:
            self._timer = loop.call_soon(self._turn, beat_ns, turns - 1)
            return
        self.quiet_ns = beat_ns
        self._timer = loop.call_later(_EVERY_S, self._beat)
