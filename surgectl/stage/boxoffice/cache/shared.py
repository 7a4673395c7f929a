"""A place where several shops leave for each other what they have just read."""

from __future__ import annotations

from typing import Any, Protocol

from surgectl.errors import UsageError


class CacheAway(Exception):
    """The cache did not do it; why stands in the text. Nothing depends on it."""


class Shared(Protocol):
    """Bytes by key, for a while. Any call may raise CacheAway."""

    async def get(self, key: str) -> bytes | None: ...

    async def put(self, key: str, value: bytes, ttl_s: int) -> None: ...

    async def ping(self) -> None: ...

    async def close(self) -> None: ...


class Redis:
    """A Redis server. Nothing is connected before the first call, and no call is repeated."""

    def __init__(self, url: str) -> None:
        """UsageError where the client is not installed or the URL is none of Redis."""
        try:
            from redis import asyncio as redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff
            from redis.exceptions import RedisError
        except ImportError as error:
            raise UsageError(
                "the Redis client is not installed",
                where="box office: cache",
                hint="try: pip install 'surgectl[servers]', or leave --cache empty",
            ) from error
        try:
            self._client: Any = redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0))
        except ValueError as error:
            raise UsageError(
                # Not the URL itself: a password may stand in it.
                f"{url.partition(':')[0]}:…: no address of a cache",
                where="box office: cache",
                hint="try redis://127.0.0.1:6379/0",
            ) from error
        self._errors = (RedisError, OSError)

    async def get(self, key: str) -> bytes | None:
        try:
            value: bytes | None = await self._client.get(key)
        except self._errors as error:
            raise CacheAway(str(error)) from error
        return value

    async def put(self, key: str, value: bytes, ttl_s: int) -> None:
        try:
            await self._client.set(key, value, ex=ttl_s)
        except self._errors as error:
            raise CacheAway(str(error)) from error

    async def ping(self) -> None:
        try:
            await self._client.ping()
        except self._errors as error:
            raise CacheAway(str(error)) from error

    async def close(self) -> None:
        try:
            await self._client.aclose()
        except self._errors as error:
            raise CacheAway(str(error)) from error
