"""Opens the links of a target: a proxy for each dependency, made by us or found by name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from surgectl.chaos.marks import PREFIX, marks
from surgectl.chaos.nemesis import LinkHandle
from surgectl.chaos.toxiproxy import ProxyState, Toxiproxy
from surgectl.errors import RefusedError, UsageError
from surgectl.profile.target import Link


@asynccontextmanager
async def opened(server: Toxiproxy, links: Mapping[str, Link]) -> AsyncIterator[dict[str, LinkHandle]]:
    """The target's links, ready to carry traffic; those that we made are taken away again at the end.

    UsageError where a named proxy does not exist; RefusedError where ours is in use with a fault on it.
    """
    made: list[str] = []
    handles: dict[str, LinkHandle] = {}
    try:
        for name, link in links.items():
            state, is_ours = await _open(server, name, link)
            if is_ours:
                made.append(state.name)
            handles[name] = LinkHandle(link=name, proxy=state.name, listen=state.listen)
        yield handles
    finally:
        for proxy in made:
            await server.destroy(proxy)


async def _open(server: Toxiproxy, name: str, link: Link) -> tuple[ProxyState, bool]:
    there = await server.proxies()
    if link.proxy is not None:
        if link.proxy not in there:
            known = ", ".join(sorted(there)) or "none"
            raise UsageError(
                f"no proxy named {link.proxy} at {server.url}", where=f"links.{name}", hint=f"it has: {known}"
            )
        return there[link.proxy], False
    if link.upstream is None:
        raise UsageError("neither upstream nor proxy", where=f"links.{name}", hint="name one")
    proxy = f"{PREFIX}{name}"
    old = there.get(proxy)
    if old is not None:
        if marks(old):
            raise RefusedError(
                f"link {name} carries another run's fault ({marks(old)[0]})",
                where=server.url,
                hint=f"end that run, or: surgectl chaos heal --toxiproxy {server.url}",
            )
        await server.destroy(proxy)  # a left-over of an earlier run: no fault on it, but perhaps another address
    return await server.create(proxy, link.upstream, link.listen), True
