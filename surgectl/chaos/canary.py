"""A canary: a connection of our own through a link, to see whether a fault really bites.

`applied` is only the proxy's word. A canary opens a new connection through the link's listener, asks the smallest
question that the dependency answers (asks.py) and looks at what comes back and when: delayed, silent, cut, refused, or
as usual. It changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Literal

import msgspec

from surgectl.chaos.asks import Speaks, asks_of
from surgectl.clock import Clock

Fate = Literal["usual", "delayed", "silent", "cut", "refused"]
SUFFERED: tuple[Fate, ...] = ("delayed", "silent", "cut", "refused")


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """What one canary saw."""

    connected: bool
    first_byte_ns: int | None
    """From connecting to the first byte of the reply; None = none came."""
    whole_ns: int | None
    """From connecting to the end of the reply; None = it broke off or never ended."""
    size: int
    gave_up: bool = False
    """True: our patience ended first; the connection was still open."""


async def fly(
    address: str,
    clock: Clock,
    patience_ns: int = 2_000_000_000,
    *,
    speaks: Speaks = "http",
    long: bool = False,
) -> Sighting:
    """Send one canary to `host:port`. Never raises for what the network does; bounded by `patience_ns`.

    `long` asks for a reply of some 100 bytes where the usual one is shorter.
    """
    host, _, port = address.rpartition(":")
    asks = asks_of(speaks, address, long)
    if asks.patience_ns is not None:
        patience_ns = min(patience_ns, asks.patience_ns)
    begin_ns = clock.now_ns()
    first_ns: int | None = None
    heard = b""
    writer: asyncio.StreamWriter | None = None
    connected = False
    whole = gave_up = False
    try:
        async with asyncio.timeout(patience_ns / 1e9):
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            connected = True
            for question, answered in asks.turns:
                writer.write(question)
                await writer.drain()
                said = b""
                whole = False
                while not whole and (chunk := await reader.read(65536)):
                    first_ns = first_ns or clock.now_ns() - begin_ns
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
    finally:
        if writer is not None:
            writer.transport.abort()
    return Sighting(
        connected=connected,
        first_byte_ns=first_ns,
        whole_ns=clock.now_ns() - begin_ns if whole else None,
        size=len(heard),
        gave_up=gave_up,
    )


def fate(seen: Sighting, usual: Sighting) -> Fate:
    """Compare a canary with the one that flew before the fault. Pure.

    Delayed means later than three times the usual plus 50 ms: far beyond scheduling noise, well below any brownout. A
    service that says nothing of itself (`usual` was silent) can only be seen to refuse or to cut.
    """
    if not seen.connected:
        return "refused"
    if seen.gave_up:
        if usual.whole_ns is None:
            return "usual"
        return "silent" if seen.size == 0 else "delayed"
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
