"""A canary: a connection of our own through a link, to see whether a fault really bites.

`applied` is only the proxy's word. A canary opens a new connection through the link's listener, asks for `/` over
HTTP/1.1 and looks at what comes back and when: delayed, silent, cut, refused, or as usual. It changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Literal

import msgspec

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


async def fly(address: str, clock: Clock, patience_ns: int = 2_000_000_000) -> Sighting:
    """Send one canary to `host:port`. Never raises for what the network does; bounded by `patience_ns`."""
    host, _, port = address.rpartition(":")
    begin_ns = clock.now_ns()
    first_ns: int | None = None
    size = 0
    writer: asyncio.StreamWriter | None = None
    connected = False
    whole = gave_up = False
    try:
        async with asyncio.timeout(patience_ns / 1e9):
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            connected = True
            ask = f"GET / HTTP/1.1\r\nHost: {address}\r\nUser-Agent: surgectl-canary\r\nConnection: close\r\n\r\n"
            writer.write(ask.encode())
            await writer.drain()
            while chunk := await reader.read(65536):
                first_ns = first_ns or clock.now_ns() - begin_ns
                size += len(chunk)
            whole = size > 0
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
        size=size,
        gave_up=gave_up,
    )


def fate(seen: Sighting, usual: Sighting) -> Fate:
    """Compare a canary with the one that flew before the fault. Pure.

    Delayed means later than three times the usual plus 50 ms: far beyond scheduling noise, well below any brownout.
    """
    if not seen.connected:
        return "refused"
    if seen.gave_up:
        return "silent" if seen.size == 0 else "delayed"
    if seen.whole_ns is None or seen.size < usual.size * 0.9:
        return "cut"
    if seen.whole_ns > 3 * (usual.whole_ns or 0) + 50_000_000:
        return "delayed"
    return "usual"


def slowest(seen: Iterable[Sighting]) -> Sighting | None:
    """The slowest whole reply among several, as the yardstick; None where none was whole."""
    whole = [s for s in seen if s.whole_ns is not None]
    return max(whole, key=lambda s: s.whole_ns or 0, default=None)
