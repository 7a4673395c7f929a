"""Opens the links of a target: a proxy for each dependency, made by us or found by name, and claimed for this run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

from surgectl.chaos import marks
from surgectl.chaos.nemesis import LinkHandle
from surgectl.chaos.toxiproxy import ProxyState, Toxiproxy, ToxiproxyError
from surgectl.errors import RefusedError, UsageError
from surgectl.profile.target import Link


@asynccontextmanager
async def opened(
    server: Toxiproxy, links: Mapping[str, Link], run: str, complain: Callable[[str], None]
) -> AsyncIterator[dict[str, LinkHandle]]:
    """The target's links, ready to carry traffic; at the end our claims go, and the proxies that we made with them.

    A claim is a noop toxic that carries the run's name: another rehearsal on the same server sees it and keeps off.
    What cannot be taken back at the end is told to `complain`. UsageError where a named proxy does not exist;
    RefusedError where a link carries another run's mark.
    """
    handles: dict[str, LinkHandle] = {}
    try:
        for name, link in links.items():
            state, made = await _open(server, name, link)
            handles[name] = LinkHandle(link=name, proxy=state.name, listen=state.listen, speaks=link.speaks, made=made)
            await server.add_toxic(
                state.name, name=marks.claim(run), type="noop", stream="downstream", toxicity=1.0, attributes={}
            )
        yield handles
    finally:
        for trouble in await let_go(server, handles.values(), run):
            complain(trouble)


async def let_go(server: Toxiproxy, links: Iterable[LinkHandle], run: str) -> list[str]:
    """Take back our claims, then the proxies that we made; says what could not be taken back. Never raises."""
    trouble: list[str] = []
    for link in links:
        try:
            await server.remove_toxic(link.proxy, marks.claim(run))
            if link.made:
                await server.destroy(link.proxy)
        except ToxiproxyError as error:
            trouble.append(f"link {link.link} could not be given back: {error}")
    return trouble


async def _open(server: Toxiproxy, name: str, link: Link) -> tuple[ProxyState, bool]:
    there = await server.proxies()
    if link.proxy is not None:
        if link.proxy not in there:
            raise UsageError(
                f"no proxy named {link.proxy} at {server.url}",
                where=f"links.{name}",
                hint=f"it has: {', '.join(sorted(there)) or 'none'}",
            )
        _keep_off(server, name, there[link.proxy])
        return there[link.proxy], False
    if link.upstream is None:
        raise UsageError("neither upstream nor proxy", where=f"links.{name}", hint="name one")
    proxy = f"{marks.PREFIX}{name}"
    if proxy in there:
        old = there[proxy]
        _keep_off(server, name, old)
        if old.enabled and old.upstream == link.upstream and old.listen == link.listen:
            return old, False  # somebody put it up for longer than this run (surgectl stage up): it stays
        await server.destroy(proxy)  # a left-over of an earlier run: no mark on it, but perhaps another address
    return await server.create(proxy, link.upstream, link.listen), True


def _keep_off(server: Toxiproxy, link: str, proxy: ProxyState) -> None:
    found = marks.marks(proxy)
    if found:
        raise RefusedError(
            f"link {link} carries another run's mark ({found[0]})",
            where=server.url,
            hint=f"let that run end, or: surgectl chaos heal --toxiproxy {server.url}",
        )
