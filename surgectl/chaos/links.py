"""Opens the links of a target: a proxy for each dependency, made by us or found by name, and claimed for this run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from surgectl.chaos import marks
from surgectl.chaos.address import EVERYWHERE, address_of, host_of, leads_back
from surgectl.chaos.asks import Speaks
from surgectl.chaos.tls import Secured, secured
from surgectl.chaos.toxiproxy import ProxyState, Toxiproxy, ToxiproxyError
from surgectl.errors import RefusedError, UsageError
from surgectl.profile.link import Link


class LinkHandle(msgspec.Struct, frozen=True, kw_only=True):
    """A link that can be broken: its name in the target, its proxy, and where that proxy listens."""

    link: str
    proxy: str
    listen: str
    upstream: str = ""
    speaks: Speaks = "http"
    tls: Secured | None = None
    """Whom a canary expects there, where it speaks TLS."""
    made: bool = False
    """We made the proxy for this run, and take it away again."""


@asynccontextmanager
async def opened(
    server: Toxiproxy, links: Mapping[str, Link], run: str, complain: Callable[[str], None], folder: Path = Path()
) -> AsyncIterator[dict[str, LinkHandle]]:
    """The target's links, ready to carry traffic; at the end our claims go, and the proxies that we made with them.
    `folder` is the target's.

    A claim is a noop toxic that carries the run's name: another rehearsal on the same server sees it and keeps off.
    What cannot be taken back at the end is told to `complain`. UsageError where a named proxy does not exist;
    RefusedError where a link carries another run's mark.
    """
    trusted = {name: secured(link, folder, f"links.{name}") for name, link in links.items()}
    handles: dict[str, LinkHandle] = {}
    try:
        for name, link in links.items():
            state, made = await _open(server, name, link)
            tls = trusted[name]
            if tls is not None and not tls.server_name:
                tls = msgspec.structs.replace(tls, server_name=host_of(state.upstream))
            handles[name] = LinkHandle(
                link=name,
                proxy=state.name,
                listen=reached_at(server, state.listen),
                upstream=state.upstream,
                speaks=link.speaks,
                tls=tls,
                made=made,
            )
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


def reached_at(server: Toxiproxy, listen: str) -> str:
    """Where a listener of this server is called: one on every interface, wherever the server itself is called."""
    host, port = address_of(listen)
    return f"{server.host}:{port}" if host in EVERYWHERE else listen


async def _open(server: Toxiproxy, name: str, link: Link) -> tuple[ProxyState, bool]:
    there = await server.proxies()
    if link.proxy is not None:
        if link.proxy not in there:
            raise UsageError(
                f"no proxy named {link.proxy} at {server.url}",
                where=f"links.{name}",
                hint=f"it has: {', '.join(sorted(there)) or 'none'}",
            )
        if "/" in link.proxy:
            raise UsageError(
                f"Toxiproxy's API has no address for {link.proxy}: it takes the slash for its own",
                where=f"links.{name}",
                hint="make the proxy under another name",
            )
        found = there[link.proxy]
        _keep_off(server, name, found)
        if not found.enabled:
            raise UsageError(
                f"the proxy {link.proxy} at {server.url} is disabled, so nothing passes it",
                where=f"links.{name}",
                hint="enable it: it is not ours, and may be closed for a reason",
            )
        return found, False
    if link.upstream is None:
        raise UsageError("neither upstream nor proxy", where=f"links.{name}", hint="name one")
    proxy = f"{marks.PREFIX}{name}"
    if proxy in there:
        old = there[proxy]
        _keep_off(server, name, old)
        if old.enabled and old.upstream == link.upstream and old.listen == link.listen:
            return old, False  # somebody put it up for longer than this run (surgectl stage up): it stays
        await server.destroy(proxy)  # a left-over of an earlier run: no mark on it, but perhaps another address
    await _calls_another(name, link.upstream, link.listen)
    for other in there.values():
        if other.name != proxy and other.enabled and other.listen == link.listen:
            raise UsageError(
                f"the proxy {other.name} at {server.url} listens on {link.listen} already, for {other.upstream}",
                where=f"links.{name}",
                hint=f"if that is the one, name it: {name}: {{proxy: {other.name}}}",
            )
    return await server.create(proxy, link.upstream, link.listen), True


async def _calls_another(name: str, upstream: str, listen: str) -> None:
    """Refuse a proxy that would call itself, and that again, until no file is left.

    So it is where the dependency's name leads to the proxy in /etc/hosts, and the proxy looks it up there, too.
    """
    if await asyncio.to_thread(leads_back, upstream, listen):
        raise UsageError(
            f"{upstream} leads back to {listen}, where the proxy itself listens",
            where=f"links.{name}.upstream",
            hint="give the dependency's own address, and tls: {server_name: …} its name",
        )


def _keep_off(server: Toxiproxy, link: str, proxy: ProxyState) -> None:
    found = marks.marks(proxy)
    if found:
        raise RefusedError(
            f"link {link} carries another run's mark ({found[0]})",
            where=server.url,
            hint=f"let that run end, or: surgectl chaos heal --toxiproxy {server.url}",
        )
