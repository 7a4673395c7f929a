"""All proxies of one server, by name."""

from __future__ import annotations

import asyncio

import msgspec

from surgectl.proxy.address import AddressError
from surgectl.proxy.listener import Proxy
from surgectl.proxy.stub import Setting


class Wanted(msgspec.Struct, frozen=True):
    """A proxy as a caller asked for it."""

    name: str
    listen: str
    upstream: str
    enabled: bool


class NameTaken(Exception):
    """There is a proxy of that name."""


class Populated(msgspec.Struct, frozen=True):
    """The proxies that now stand, in the order asked for; `error` is why the next one could not be made."""

    proxies: list[Proxy]
    error: AddressError | None


class Registry:
    """Creates, replaces and forgets proxies. One change at a time."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.proxies: dict[str, Proxy] = {}
        self._lock = asyncio.Lock()

    def listen_address(self, asked: str) -> str:
        """Toxiproxy listens on all interfaces when none is named. We do not, unless strict."""
        return asked if asked or self.setting.strict else "127.0.0.1:0"

    async def create(self, wanted: Wanted) -> Proxy:
        """NameTaken, or AddressError where it cannot listen; then there is no such proxy."""
        async with self._lock:
            if wanted.name in self.proxies:
                raise NameTaken(wanted.name)
            return await self._make(wanted)

    async def populate(self, all_wanted: list[Wanted]) -> Populated:
        """Create in order what is missing or different; stop at the first failure, keeping what was made."""
        made: list[Proxy] = []
        for wanted in all_wanted:
            try:
                async with self._lock:
                    made.append(await self._create_or_replace(wanted))
            except AddressError as error:
                return Populated(made, error)
        return Populated(made, None)

    async def remove(self, proxy: Proxy) -> None:
        async with self._lock, proxy.lock:
            proxy.stop()
            self.proxies.pop(proxy.name, None)

    async def reset(self) -> None:
        """Start every proxy and take all toxics off. AddressError at the first that cannot start ends it."""
        for proxy in list(self.proxies.values()):
            async with proxy.lock:
                if not proxy.enabled:
                    await proxy.start()
            await proxy.chain.clear()

    def stop(self) -> None:
        for proxy in self.proxies.values():
            proxy.stop()

    async def _create_or_replace(self, wanted: Wanted) -> Proxy:
        existing = self.proxies.get(wanted.name)
        if existing is not None:
            async with existing.lock:
                if not await existing.differs(self.listen_address(wanted.listen), wanted.upstream):
                    return existing  # untouched: even `enabled` is not looked at
                existing.stop()
        return await self._make(wanted)

    async def _make(self, wanted: Wanted) -> Proxy:
        proxy = Proxy(self.setting, wanted.name, self.listen_address(wanted.listen), wanted.upstream)
        if wanted.enabled:
            await proxy.start()
        self.proxies[proxy.name] = proxy
        return proxy
