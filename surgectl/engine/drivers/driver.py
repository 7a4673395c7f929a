"""How bytes move: what every HTTP client must offer the engine."""

from __future__ import annotations

from typing import Protocol

from surgectl.journey.messages import Reply, Wire


class Mark:
    """What is known of a send while it is under way: the only trace of one that is cancelled."""

    __slots__ = ("sends", "sent_ns")

    def __init__(self) -> None:
        self.sent_ns: int | None = None
        """First byte written, on the run's clock; None = no byte ever left."""
        self.sends = 0
        """Requests that may still leave under this mark minus those that did: a driver's guard against resending."""


class Session(Protocol):
    """One fan's (or one tab's) browser: its cookies and its connections. Closed when the fan leaves."""

    async def send(self, wire: Wire, due_ns: int, mark: Mark | None = None) -> Reply:
        """Send once and only once: a driver never resends, whatever the method and however the connection ended.

        Returns a Reply for every fate; raises only asyncio.CancelledError (the fan quit: the socket is closed, and
        `mark` says what is known). `sent_ns` is None only if no byte was handed to the kernel.
        """
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...


class Driver(Protocol):
    """Opens sessions; shared by all fans of a shard."""

    def session(self, *, cookies: bool = True) -> Session:
        """A new, empty session. Does no I/O."""
        ...

    async def __aenter__(self) -> Driver: ...

    async def __aexit__(self, *exc: object) -> None: ...

    @property
    def open_sockets(self) -> int:
        """Connections open now: for the generator's vitals."""
        ...
