"""One look at the books serves everybody who asks in the same moment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

import msgspec

from surgectl.stage.boxoffice.cache.bypass import Bypass

log = logging.getLogger("surgectl.stage.boxoffice")

FRESH_NS = 500_000_000
"""So old may a value be without anybody looking again."""
_TTL_S = 60
_PATIENCE_S = 0.05  # with an older value at hand, nobody waits longer than this for a newer one
_FIRST_S = 2.0  # with none at all, this long


class Dated(Protocol):
    """A value that knows how old it is: epoch nanoseconds."""

    @property
    def as_of_ns(self) -> int: ...


S = TypeVar("S", bound=Dated)


class View(Generic[S]):
    """The last value of one thing, at most `FRESH_NS` old while the books can be read, and older but dated while not.

    Single flight: however many ask, one of them looks. It looks into the shared cache first (another shop may have
    just looked), then into the books. `read` never fails because of the cache, and because of the books only as long
    as there has never been a value.
    """

    def __init__(
        self,
        key: str,
        type_: type[S],
        look: Callable[[], Awaitable[S]],
        now_ns: Callable[[], int],
        cache: Bypass | None = None,
    ) -> None:
        self._key = key
        self._encode = msgspec.msgpack.Encoder().encode
        self._decoder: msgspec.msgpack.Decoder[S] = msgspec.msgpack.Decoder(type_)
        self._look = look
        self._now_ns = now_ns
        self._cache = cache
        self._value: S | None = None
        self._flight: asyncio.Task[None] | None = None
        self._next_ns = 0

    async def read(self) -> S | None:
        """The value, or None where there has never been one and the books do not answer."""
        value, now_ns = self._value, self._now_ns()
        if value is not None and (self._is_fresh(value, now_ns) or now_ns < self._next_ns):
            return value
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._refresh())
        # Waited for, not awaited: a fan who hangs up must not end the look that others wait for.
        await asyncio.wait({self._flight}, timeout=_FIRST_S if value is None else _PATIENCE_S)
        return self._value

    def _is_fresh(self, value: S, now_ns: int) -> bool:
        return abs(now_ns - value.as_of_ns) <= FRESH_NS

    async def _refresh(self) -> None:
        if (found := await self._from_others()) is not None:
            self._value = found
            return
        try:
            self._value = value = await self._look()
        except Exception as why:  # noqa: BLE001 - whatever keeps us from the books, the last value is still true of its time
            log.warning(
                "the books could not be looked at (%s: %s); readers are shown the last look", type(why).__name__, why
            )
            self._next_ns = self._now_ns() + FRESH_NS  # away is away: not every reader knocks again
            return
        if self._cache is not None:
            self._cache.leave(self._key, self._encode(value), _TTL_S)

    async def _from_others(self) -> S | None:
        """What another shop has left, if it is fresh and newer than ours."""
        text = await self._cache.get(self._key) if self._cache is not None else None
        if text is None:
            return None
        try:
            found = self._decoder.decode(text)
        except msgspec.MsgspecError:
            return None  # somebody else's, or another version's: looked at again, and overwritten
        newer = self._value is None or found.as_of_ns > self._value.as_of_ns
        return found if newer and self._is_fresh(found, self._now_ns()) else None

    async def close(self) -> None:
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.gather(self._flight, return_exceptions=True)
