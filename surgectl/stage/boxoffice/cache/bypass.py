"""A slow or dead cache costs one reader a moment, once; then everybody walks past it until it answers again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

from surgectl.clock import Clock
from surgectl.stage.boxoffice.cache.shared import CacheAway, Redis, Shared

log = logging.getLogger("surgectl.stage.boxoffice")

AT_MOST_S = 0.05
"""What a read may spend on the cache."""
_ASK_AGAIN_NS = 500_000_000


class Bypass:
    """A shared cache behind a breaker. Nothing here ever raises because of the cache.

    Each call may take `AT_MOST_S`. The first that fails or takes longer opens the breaker: from then on readers are
    not even kept for that long. A probe of our own, on which no reader waits, closes it again.
    """

    def __init__(self, shared: Shared, clock: Clock) -> None:
        self._shared = shared
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self.away = False
        """Whether the cache is being walked past."""

    async def get(self, key: str) -> bytes | None:
        """What lies there, or None: nothing, or the cache is away."""
        if self.away:
            return None
        try:
            async with asyncio.timeout(AT_MOST_S):
                return await self._shared.get(key)
        except (CacheAway, TimeoutError) as why:
            self._walk_past(why)
            return None

    def leave(self, key: str, value: bytes, ttl_s: int) -> None:
        """Put it there without waiting for it."""
        if not self.away:
            self._start(self._put(key, value, ttl_s))

    async def _put(self, key: str, value: bytes, ttl_s: int) -> None:
        try:
            async with asyncio.timeout(AT_MOST_S):
                await self._shared.put(key, value, ttl_s)
        except (CacheAway, TimeoutError) as why:
            self._walk_past(why)

    def _walk_past(self, why: Exception) -> None:
        if self.away:
            return
        self.away = True
        log.warning("the cache is away (%s); reads go on without it", str(why) or "no answer in time")
        self._start(self._wait_for_it())

    async def _wait_for_it(self) -> None:
        while True:
            await self._clock.sleep_until_ns(self._clock.now_ns() + _ASK_AGAIN_NS)
            try:
                async with asyncio.timeout(AT_MOST_S):
                    await self._shared.ping()
            except (CacheAway, TimeoutError):
                continue
            self.away = False
            log.warning("the cache is back")
            return

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            async with asyncio.timeout(AT_MOST_S):
                await self._shared.close()
        except (CacheAway, TimeoutError):
            log.debug("the cache did not say goodbye")


@asynccontextmanager
async def open_cache(url: str, clock: Clock) -> AsyncIterator[Bypass | None]:
    """The cache at this URL while inside; None for no URL. That it is away is no error; UsageError for a bad URL."""
    if not url:
        yield None
        return
    cache = Bypass(Redis(url), clock)
    try:
        yield cache
    finally:
        await cache.close()
