"""One connection to a shop: a request goes out, its reply comes in, and never two at once."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from surgectl.engine.drivers.browser import Listener
from surgectl.engine.drivers.driver import Mark
from surgectl.engine.drivers.place import Origin
from surgectl.engine.drivers.wire.deadlines import Deadlines
from surgectl.engine.drivers.wire.fates import Cut, Garbled, NotTaken, broken, say
from surgectl.engine.drivers.wire.reply import ReplyReader
from surgectl.engine.drivers.wire.request_bytes import RequestBytes

_PIECE_BYTES = 65_536
_CONTINUE_S = 1.0
"""So long does a body wait for 100 Continue: some servers never say it (RFC 9110 §10.1.1)."""


class Owner(Protocol):
    """Who wants to know when a connection comes, rests and goes."""

    deadlines: Deadlines

    def now_ns(self) -> int: ...

    def came(self, connection: Connection) -> None: ...

    def rests(self, connection: Connection) -> None: ...

    def went(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    """`connection.ask(request, mark, deadline_ns, listener)`: one at a time."""

    __slots__ = (
        "_listener",
        "_mark",
        "_owner",
        "_paused",
        "_reader",
        "_rest",
        "_slot",
        "_timer",
        "_transport",
        "_waiting_for_go",
        "idle_since_ns",
        "origin",
        "whose",
    )

    def __init__(self, origin: Origin, owner: Owner, most_body_bytes: int, whose: object | None = None) -> None:
        self.origin = origin
        self.whose = whose
        """Who alone may use it; None = whoever comes."""
        self.idle_since_ns = 0
        self._owner = owner
        self._reader = ReplyReader(most_body_bytes)
        self._transport: asyncio.Transport | None = None
        self._listener: Listener | None = None
        self._mark: Mark | None = None
        self._rest: memoryview | None = None
        """What of the request is not written yet."""
        self._waiting_for_go = False
        self._paused = False
        self._slot = 0
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        state = "busy" if self._listener else "idle" if self.usable else "closed"
        return f"<Connection {self.origin.authority} {state}>"

    @property
    def usable(self) -> bool:
        """Open, as far as we heard, and nobody's."""
        return self._transport is not None and not self._transport.is_closing() and self._listener is None

    @property
    def keeps_ns(self) -> int:
        """How long it may stay idle before the shop is likely to close it."""
        return self._reader.keeps_ns

    def ask(self, request: RequestBytes, mark: Mark, deadline_ns: int, listener: Listener) -> None:
        """Write the request; the listener hears what comes of it.

        Raises NotTaken: not one byte of it was written, another connection may try.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            raise NotTaken("the connection was closed")
        mark.sends -= 1
        if mark.sends < 0:
            raise Cut("a request was about to be sent twice")
        self._reader.begin(request.method)
        self._listener = listener
        self._mark = mark
        self._slot = self._owner.deadlines.add(deadline_ns, self)
        head, body = request.head, request.body
        at_once = len(body) <= _PIECE_BYTES and not request.waits
        if not self._write(head + body if body and at_once else head):
            self._free()
            transport.abort()
            mark.sends += 1
            raise NotTaken("the connection was closed")
        if not at_once:
            self._rest = memoryview(body)
            if request.waits:
                self._waiting_for_go = True
                self._timer = asyncio.get_running_loop().call_later(_CONTINUE_S, self._go)
            else:
                self._push()

    def quit(self, listener: Listener) -> None:
        """Nobody waits for this reply any more: close, for it would be the next one's."""
        if self._listener is listener:
            self._free()
            self.abort()
            listener.broke("quit", "")

    def close(self) -> None:
        """Nobody needs it any more."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once, whatever is still to be written."""
        if self._transport is not None:
            self._transport.abort()

    def expire(self) -> None:
        """The fan's patience is over: the reply, should it still come, is nobody's."""
        self._fail(TimeoutError())

    # -- what the loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._owner.came(self)

    def data_received(self, data: bytes) -> None:
        if self._listener is None:
            self.abort()  # it speaks without being asked: nobody knows whose words these are
            return
        reader = self._reader
        try:
            if reader.feed(data):
                self._finish()
            elif self._waiting_for_go and reader.continued:
                self._go()
        except Garbled as error:
            self._fail(error)

    def eof_received(self) -> bool:
        if self._listener is not None:
            self._ended(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._listener is not None:
            self._ended(exc)
        self._reader.end()
        self._owner.went(self)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if not self._waiting_for_go:
            self._push()

    # -- our own

    def _write(self, head: bytes) -> bool:
        """Write the first bytes of a request, and leave the instant. False where it is certain that none of them left.

        asyncio tries the kernel at once and closes the transport where it refuses: then no byte left. uvloop writes at
        the end of the tick, and TLS in several records: a refusal there counts as sent, which is the safe side (info,
        not fail, and never a second connection).
        """
        transport, mark = self._transport, self._mark
        if transport is None or mark is None:
            return False
        now_ns = self._owner.now_ns()
        transport.write(head)
        if transport.is_closing() and not self.origin.tls:
            return False
        if mark.sent_ns is None:
            mark.sent_ns = now_ns
        return True

    def _go(self) -> None:
        """The shop wants the body, or says nothing about it."""
        self._waiting_for_go = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._push()

    def _push(self) -> None:
        """Write on while the kernel takes it."""
        while self._rest is not None and not self._paused and self._transport is not None:
            if self._transport.is_closing():
                return
            piece = self._rest[:_PIECE_BYTES]
            rest = self._rest[_PIECE_BYTES:]
            self._rest = rest if len(rest) else None
            self._transport.write(piece)

    def _free(self) -> bool:
        """Nobody waits any more. Returns whether the whole request was written."""
        written = self._rest is None
        self._listener = self._mark = self._rest = None
        self._waiting_for_go = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._owner.deadlines.remove(self._slot, self)
        return written

    def _finish(self) -> None:
        """The reply is whole. Raises Garbled."""
        done_ns = self._owner.now_ns()
        reader = self._reader
        headers, body = reader.take()
        status, listener = reader.status, self._listener
        written = self._free()
        if not written:
            self.abort()  # it answered before it had heard all, and what is left must never reach it
        elif reader.keep and self.usable:
            self.idle_since_ns = done_ns
            if self.whose is not None:
                reader.end()  # it rests for long: a parser is half a kilobyte, and soon made
            self._owner.rests(self)
        else:
            self.close()
        if listener is not None:
            listener.heard(status, headers, body, done_ns)

    def _ended(self, error: Exception | None) -> None:
        """The connection ended while somebody waited."""
        try:
            if error is None and self._reader.ends_here():
                self._finish()
            else:
                self._fail(error or Cut("the connection ended before the reply was whole"))
        except Garbled as wrong:
            self._fail(wrong)

    def _fail(self, error: Exception) -> None:
        listener, mark = self._listener, self._mark
        self._free()
        self.abort()
        if listener is not None and mark is not None:
            listener.broke(broken(error, mark), say(error))
