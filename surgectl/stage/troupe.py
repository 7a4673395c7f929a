"""Puts the embedded stage up for one rehearsal: what the shop depends on, then, once the links are open, the shop.

Each part is a process of its own (part.py). At the stage door (stage_door.py) any of them may be killed and started
again while the rehearsal goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

import msgspec

from surgectl.errors import UsageError, did_you_mean
from surgectl.stage.boxoffice.options import Options as ShopOptions
from surgectl.stage.flags import Said, flags
from surgectl.stage.identity.options import Options as IdentityOptions
from surgectl.stage.part import Part
from surgectl.stage.payments.options import Options as PaymentOptions
from surgectl.stage.places import PAY_KEY, Places, through
from surgectl.stage.settings import Settings, Terms
from surgectl.stage.stage_door import Answer, StageDoor, Wish


class Troupe:
    """The stage's processes. `async with` it; `open_dependencies`, then `open_shop`, and `close_shop` before its links.

    `name` makes this sale's tables and cache entries its own; with `keep_books` they stay when it ends. `lost` is told
    of a part that ended without being asked to, `asked` of every wish granted at the stage door.
    """

    def __init__(
        self,
        settings: Settings,
        terms: Terms,
        folder: Path,
        places: Places,
        *,
        name: str,
        keep_books: bool = False,
        lost: Callable[[str, str], None] = lambda part, why: None,
        asked: Callable[[str], None] = lambda said: None,
    ) -> None:
        self._settings = settings
        self._terms = terms
        self._folder = folder
        self._places = places
        self._name = name
        self._keep_books = keep_books
        self._lost = lost
        self._asked = asked
        self._parts: dict[str, Part] = {}
        self._house: list[str] = []
        self._door = StageDoor(places.stage, self._grant)

    async def __aenter__(self) -> Troupe:
        await self._door.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._door.__aexit__(kind, error, trace)
        for part in reversed(self._parts.values()):
            await part.end()

    @property
    def parts(self) -> tuple[str, ...]:
        """Their names, as kill and restart take them."""
        return tuple(self._parts)

    async def open_dependencies(self) -> None:
        """Start the provider, and the identity check where there is one."""
        await self._start(
            "payments",
            "payments",
            PaymentOptions,
            {
                **self._settings.provider,
                "listen": f"127.0.0.1:{self._places.payments}",
                "control": f"127.0.0.1:{self._places.control}",
                "seed": self._terms.seed,
                "data": str(self._folder / "payments"),
            },
        )
        if self._settings.with_identity:
            listen = f"127.0.0.1:{self._places.identity}"
            said = {**self._settings.identity, "listen": listen, "seed": self._terms.seed}
            await self._start("identity", "identity", IdentityOptions, said)

    async def open_shop(self, links: Mapping[str, str]) -> None:
        """Start the shop and its workers. `links`: name → `host:port` at which a dependency is to be reached."""
        said = self._shop_says(links)
        await self._start("shop", "shop", ShopOptions, said)
        self._house.append("shop")
        for number in range(1, self._settings.workers + 1):
            name = f"worker-{number}"
            await self._start(name, "worker", ShopOptions, self._worker_says(name, said))
            self._house.append(name)

    async def close_shop(self) -> None:
        """End shop and workers while what they depend on can still be reached."""
        for name in reversed(self._house):
            await self._parts[name].end()

    def _shop_says(self, links: Mapping[str, str]) -> dict[str, Said]:
        settings, places = self._settings, self._places
        said: dict[str, Said] = {
            **settings.shop,
            **msgspec.structs.asdict(self._terms),
            "listen": f"127.0.0.1:{places.shop}",
            "payments_url": f"http://{links.get('payments', f'127.0.0.1:{places.payments}')}",
            "secret": PAY_KEY,
            "data": str(self._folder / "shop"),
        }
        if settings.database:
            said["database"] = _led(settings.database, links.get("database"))
            if not self._keep_books:
                said |= {"database_schema": f"surgectl_{self._name}".lower(), "forget_books": True}
        if settings.cache:
            said["cache"] = _led(settings.cache, links.get("cache"))
            said["cache_prefix"] = f"surgectl-{self._name}:"
        if settings.with_identity:
            said["identity_url"] = f"http://{links.get('identity', f'127.0.0.1:{places.identity}')}"
        if settings.workers:
            said["payment_workers"] = 0
        return said

    def _worker_says(self, name: str, shop: Mapping[str, Said]) -> dict[str, Said]:
        """A worker has the shop's words, and its share of the payments at once."""
        default = flags(ShopOptions)["payment_workers"].default
        at_once = int(self._settings.shop.get("payment_workers", default or 1))
        share = max(1, -(-at_once // self._settings.workers))
        return {**shop, "payment_workers": share, "worker": name, "forget_books": False}

    async def _start(self, name: str, verb: str, options: type[msgspec.Struct], said: Mapping[str, Said]) -> None:
        part = self._parts[name] = Part(name, verb, options, said, self._folder, self._lost)
        await part.start()

    async def _grant(self, wish: Wish) -> Answer:
        part = self._parts.get(wish.part)
        if part is None:
            hint = did_you_mean(wish.part, self._parts) or f"there are {', '.join(self._parts)}"
            raise UsageError(f"{wish.part}: this stage has no such part", hint=hint)
        if wish.do == "lost":
            return Answer(said=repr(part).strip("<>"), yes=not part.runs)
        killed = await part.kill()
        if wish.do == "kill":
            if not killed:
                raise UsageError(f"{wish.part} was not running", hint=f"surgectl stage restart {wish.part}")
            said = f"{wish.part} killed (process {killed})"
        else:
            await part.start()
            said = f"{wish.part} started (process {part.pid})"
        self._asked(said)
        return Answer(said=said)


def _led(url: str, listen: str | None) -> str:
    return through(url, listen) if listen else url
