"""A canary: a connection of our own through a link, to see whether a fault really bites.

`applied` is only the proxy's word. A canary opens a new connection through the link's listener, asks the smallest
question that the dependency answers (asks.py), inside TLS where the dependency speaks it (tls.py), and looks at what
comes back and when: delayed, silent, cut, refused, or as usual. It changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Literal

import msgspec

from surgectl.chaos.address import address_of
from surgectl.chaos.asks import Speaks, asks_of
from surgectl.chaos.tls import Conversation, Doubted, Secured
from surgectl.clock import Clock

Fate = Literal["usual", "delayed", "silent", "cut", "refused", "doubted"]
"""doubted: somebody else answered, or not in TLS; that is no work of a fault, and no passing either."""
SUFFERED: tuple[Fate, ...] = ("delayed", "silent", "cut", "refused")


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """What one canary saw."""

    connected: bool
    first_byte_ns: int | None
    """From connecting to the first byte that came, of the reply or of TLS; None = none came."""
    whole_ns: int | None
    """From connecting to the end of the reply; None = it broke off or never ended."""
    size: int
    gave_up: bool = False
    """True: our patience ended first; the connection was still open."""
    doubt: str = ""
    """Why what answered is not believed, where the link speaks TLS."""
    before_reply: int = 0
    """Bytes of TLS that came before the reply's first: its handshake."""


async def fly(
    address: str,
    clock: Clock,
    patience_ns: int = 2_000_000_000,
    *,
    speaks: Speaks = "http",
    long: bool = False,
    tls: Secured | None = None,
) -> Sighting:
    """Send one canary to `host:port`. Never raises for what the network does; bounded by `patience_ns`.

    `long` asks for a reply of some 100 bytes where the usual one is shorter. `tls` says whom to expect there.
    """
    asks = asks_of(speaks, address if tls is None else tls.server_name, long, secured=tls is not None)
    if asks.patience_ns is not None:
        patience_ns = min(patience_ns, asks.patience_ns)
    line = _Line(clock, tls)
    heard = b""
    whole = gave_up = False
    doubt = ""
    try:
        async with asyncio.timeout(patience_ns / 1e9):
            await line.open(address)
            whole = not asks.turns  # to be let in is all that can be asked for
            for question, answered in asks.turns:
                await line.say(question)
                said = b""
                whole = False
                while not whole and (chunk := await line.hear()):
                    said += chunk
                    whole = answered(said)
                heard += said
                if not whole:
                    whole = asks.until_end and len(heard) > 0
                    break
                if asks.says_all(heard):
                    break
    except TimeoutError:
        whole, gave_up = False, True
    except OSError:
        whole = False
    except Doubted as error:
        whole, doubt = False, str(error)
    finally:
        line.drop()
    return Sighting(
        connected=line.connected,
        first_byte_ns=line.first_ns,
        whole_ns=line.since_ns() if whole else None,
        size=len(heard),
        gave_up=gave_up,
        doubt=doubt,
        before_reply=0 if line.talk is None else line.talk.before_reply,
    )


class _Line:
    """The canary's connection: what is said and heard, without the TLS that may be around it."""

    def __init__(self, clock: Clock, tls: Secured | None) -> None:
        self.talk = None if tls is None else Conversation(tls)
        self.connected = False
        self.first_ns: int | None = None
        self._clock = clock
        self._begin_ns = clock.now_ns()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    def since_ns(self) -> int:
        """How long ago it was begun."""
        return self._clock.now_ns() - self._begin_ns

    async def open(self, address: str) -> None:
        """Connect to `host:port`, and shake hands where that is done. Raises OSError, Doubted."""
        self._reader, self._writer = await asyncio.open_connection(*address_of(address))
        self.connected = True
        if self.talk is not None:
            self._writer.write(self.talk.begin())
            while not self.talk.open:
                if not (chunk := await self._read()):
                    raise ConnectionError("it ended within the handshake")
                self._writer.write(self.talk.heard(chunk))

    async def say(self, question: bytes) -> None:
        assert self._writer is not None
        self._writer.write(question if self.talk is None else self.talk.say(question))
        await self._writer.drain()

    async def hear(self) -> bytes:
        """The next piece of the answer; nothing at its end."""
        assert self._writer is not None
        if self.talk is None:
            return await self._read()
        while not self.talk.plain and not self.talk.ended:
            if not (chunk := await self._read()):
                return b""
            self._writer.write(self.talk.heard(chunk))
        return self.talk.take()

    async def _read(self) -> bytes:
        assert self._reader is not None
        chunk = await self._reader.read(65536)
        if chunk and self.first_ns is None:
            self.first_ns = self.since_ns()
        return chunk

    def drop(self) -> None:
        """Close it at once."""
        if self._writer is not None:
            self._writer.transport.abort()


def fate(seen: Sighting, usual: Sighting) -> Fate:
    """Compare a canary with the one that flew before the fault. Pure.

    Delayed means later than three times the usual plus 50 ms: far beyond scheduling noise, well below any brownout. A
    service that says nothing of itself (`usual` was silent) can only be seen to refuse or to cut.
    """
    if not seen.connected:
        return "refused"
    if seen.doubt:
        return "doubted"
    if seen.gave_up:
        if usual.whole_ns is None:
            return "usual"
        return "silent" if seen.first_byte_ns is None else "delayed"
    if seen.whole_ns is None or seen.size < usual.size * 0.9:
        return "cut"
    if seen.whole_ns > 3 * (usual.whole_ns or 0) + 50_000_000:
        return "delayed"
    return "usual"


def yardstick(seen: Iterable[Sighting], speaks: Speaks = "http") -> Sighting | None:
    """What is usual among several flights before the storm: the slowest whole reply; None where none was whole.

    Of a plain TCP service that waits for its client to begin, an open and silent connection is what is usual.
    """
    flights = list(seen)
    whole = [s for s in flights if s.whole_ns is not None]
    if not whole and speaks == "tcp":
        return next((s for s in flights if s.connected and s.gave_up), None)
    return max(whole, key=lambda s: s.whole_ns or 0, default=None)
