"""Lets each of a fan's requests say which trace it belongs to, so that the shop's own traces join ours.

A driver around another: where nobody traces it is not there, and costs nothing.
"""

from __future__ import annotations

import hashlib

import msgspec

from surgectl.engine.attempt import Attempt
from surgectl.engine.drivers.around import AroundEar
from surgectl.engine.drivers.driver import Driver, Listening, Mark, Session, Then, UnderWay
from surgectl.engine.drivers.waiting import sent
from surgectl.journey.messages import Push, Reply, Wire
from surgectl.recording import traces


class Tracing(msgspec.Struct, frozen=True):
    """Whose traces are to be kept."""

    share: float
    """Of the fans, 0 to 1. The others' requests carry the header too, with the flag that says: not kept."""
    seed: int


class Traced:
    """`Traced(driver, tracing)`: the same driver, whose fans' attempts carry `traceparent`.

    A target that sends a `traceparent` of its own wins. The journal has the attempt's name, of which the header is made
    (recording/traces.py); what is no attempt of a fan (a probe) is sent as it is.
    """

    def __init__(self, inner: Driver, tracing: Tracing) -> None:
        self._inner = inner
        self.tracing = tracing

    def __repr__(self) -> str:
        return f"<Traced {self._inner!r}>"

    @property
    def open_sockets(self) -> int:
        """Connections open now."""
        return self._inner.open_sockets

    async def __aenter__(self) -> Traced:
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._inner.__aexit__(*exc)

    def session(self, *, cookies: bool = True, fan: int = 0) -> TracedSession:
        """A new, empty session. Does no I/O."""
        return TracedSession(self._inner.session(cookies=cookies, fan=fan), self.tracing)


class TracedSession:
    """One tab's browser; all that it sends belongs to one trace."""

    __slots__ = ("_head", "_inner", "_tail", "_tracing")

    def __init__(self, inner: Session, tracing: Tracing) -> None:
        self._inner = inner
        self._tracing = tracing
        self._head = self._tail = ""

    def start(self, wire: Wire, due_ns: int, mark: Mark, then: Then) -> UnderWay:
        """Send once and only once; see Session.start."""
        if type(mark) is Attempt:
            wire = self.named(wire, mark)
        return self._inner.start(wire, due_ns, mark, then)

    async def send(self, wire: Wire, due_ns: int, mark: Mark | None = None) -> Reply:
        """The same, for one who waits."""
        return await sent(self, wire, due_ns, mark)

    def ear(self) -> TracedEar:
        """The same, whose connections belong to the tab's trace."""
        return TracedEar(self, self._inner.ear())

    def close(self) -> None:
        self._inner.close()

    def named(self, wire: Wire, attempt: Attempt) -> Wire:
        for name, _ in wire.headers:
            if len(name) == 11 and name.lower() == traces.HEADER:
                return wire
        if not self._head:
            tracing = self._tracing
            self._head = traces.head_of(attempt.intent)
            self._tail = traces.tail_of(kept=traces.sampled(tracing.share, tracing.seed, attempt.fan))
        span = hashlib.sha256(attempt.name.encode()).hexdigest()[:16]  # traces.span_id, without the call
        return Wire(
            method=wire.method,
            url=wire.url,
            headers=(*wire.headers, (traces.HEADER, f"{self._head}{span}{self._tail}")),
            body=wire.body,
            cookies=wire.cookies,
            follow=wire.follow,
            timeout_ns=wire.timeout_ns,
        )


class TracedEar(AroundEar):
    """What a traced tab listens with."""

    __slots__ = ("_session",)

    def __init__(self, session: TracedSession, inner: Listening) -> None:
        super().__init__(inner)
        self._session = session

    def hear(self, wire: Wire, push: Push, due_ns: int, mark: Mark, then: Then) -> UnderWay:
        if isinstance(mark, Attempt):
            wire = self._session.named(wire, mark)
        return self._inner.hear(wire, push, due_ns, mark, then)
