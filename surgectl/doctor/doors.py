"""Rings at each door of the shop twice, as a fan's browser would, and notes who answered, when, and by which clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

import msgspec

from surgectl.clock import Clock
from surgectl.engine.drivers.driver import Driver
from surgectl.journey.messages import Reply, Wire

_WAITS_NS = 10_000_000_000


class Ring(msgspec.Struct, frozen=True, kw_only=True):
    """One question and what came back."""

    reply: Reply
    took_ns: int | None
    """From the first byte sent to the last one read; None where nothing was sent."""
    heard_at: datetime
    """Our clock when the answer was there, UTC."""

    @property
    def answered(self) -> bool:
        """A whole reply of HTTP, whatever its status."""
        return self.reply.broken is None

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for key, value in self.reply.headers if key.lower() == name), None)


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """What stands at one address."""

    where: str
    """`base_url`, `origins.gateway`."""
    url: str
    first: Ring
    again: Ring | None = None
    """On the same connection, where the shop kept it; None where nobody answered the first time."""
    kept: bool = False
    """The connection was still open when the first answer had come."""

    @property
    def shown(self) -> str:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.netloc.rpartition("@")[2]


async def ring(driver: Driver, wire: Wire, clock: Clock) -> Ring:
    """Ask once. Never raises for what the network does."""
    session = driver.session(cookies=False)
    try:
        reply = await session.send(wire, 0)
    finally:
        session.close()
    took_ns = None if reply.sent_ns is None else reply.done_ns - reply.sent_ns
    return Ring(reply=reply, took_ns=took_ns, heard_at=clock.wall())


async def knock(open_driver: Callable[[], Driver], where: str, url: str, clock: Clock) -> Door:
    """Ask for the page at `url` twice, by a driver of its own: whether it is kept alive is seen by its sockets."""
    async with open_driver() as driver:
        wire = Wire(method="GET", url=url, headers=(("Accept", "*/*"),), cookies=False, timeout_ns=_WAITS_NS)
        session = driver.session(cookies=False)
        first = await ring(driver, wire, clock)
        kept = driver.open_sockets > 0
        again = await ring(driver, wire, clock) if first.answered else None
        session.close()
    return Door(where=where, url=url, first=first, again=again, kept=kept)
