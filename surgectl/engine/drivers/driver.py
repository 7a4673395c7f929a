"""How bytes move: what every HTTP client must offer the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from surgectl.journey.messages import Push, Reply, Wire

Then = Callable[[Reply], None]
"""Hears the fate of a send: once, and never before `start` has returned."""


class Mark:
    """What is known of a send while it is under way."""

    __slots__ = ("failure", "sends", "sent_ns")

    def __init__(self) -> None:
        self.sent_ns: int | None = None
        """First byte written, on the run's clock; None = no byte ever left."""
        self.sends = 0
        """Requests that may still leave under this mark minus those that did: a driver's guard against resending."""
        self.failure: Exception | None = None
        """An error of ours, never the shop's: whatever the Reply says then, nobody knows what became of the send."""


class UnderWay(Protocol):
    """A send that was started and whose fate is not known yet."""

    def quit(self) -> None:
        """The fan loses patience or leaves: the socket is closed, and the reply that comes says `quit`."""
        ...


class Listening(Protocol):
    """A page that listens: one `hear` at a time, each answered by one message, or by the connection's end."""

    def hear(self, wire: Wire, push: Push, due_ns: int, mark: Mark, then: Then) -> UnderWay:
        """The next message, on the connection that is open or on a new one. A message's Reply says so
        (`messages.is_message`); any other is the refusal or the end of the connection."""
        ...

    def close(self) -> None:
        """The page is left: nobody listens any more."""
        ...


class Session(Protocol):
    """One fan's (or one tab's) browser: its cookies and its connections. Closed when the fan leaves."""

    def start(self, wire: Wire, due_ns: int, mark: Mark, then: Then) -> UnderWay:
        """Send once and only once: a driver never resends, whatever the method and however the connection ended.

        `then` hears a Reply for every fate, also for a quit. Its `sent_ns` is None only if no byte was handed to the
        kernel.
        """
        ...

    async def send(self, wire: Wire, due_ns: int, mark: Mark | None = None) -> Reply:
        """The same, for one who waits. Cancelled: it quits, and `mark` says what is known."""
        ...

    def ear(self) -> Listening:
        """What one page of this browser listens with, where the shop speaks by itself. Does no I/O."""
        ...

    def close(self) -> None:
        """Forget the cookies, and close the connections that were this fan's alone."""
        ...


class Driver(Protocol):
    """Opens sessions; shared by all fans of a shard."""

    def session(self, *, cookies: bool = True, fan: int = 0) -> Session:
        """A new, empty session of this fan's, whose number says which address it comes from. Does no I/O."""
        ...

    async def __aenter__(self) -> Driver: ...

    async def __aexit__(self, *exc: object) -> None: ...

    @property
    def open_sockets(self) -> int:
        """Connections open now: for the generator's vitals."""
        ...
