"""Puts up a target's links for as long as one fan plays, with the proxy and the claims that a run would use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from surgectl.chaos import marks
from surgectl.chaos.address import address_of
from surgectl.chaos.launch import launched
from surgectl.chaos.links import let_go, opened
from surgectl.cli.located import pointing_at
from surgectl.clock import Clock
from surgectl.doctor.links import taken
from surgectl.profile.link import Link
from surgectl.profile.load import OpenTarget

Say = Callable[[str], None]
_KINDS = {"given": "your Toxiproxy", "toxiproxy-server": "a toxiproxy-server of ours", "embedded": "the embedded proxy"}


class Through(msgspec.Struct, frozen=True, kw_only=True):
    """How the command line wants it."""

    links: bool = True
    toxiproxy: str | None = None
    embedded: bool = False


class Links(msgspec.Struct, frozen=True, kw_only=True):
    """The links that stand."""

    names: frozenset[str] = frozenset()
    give_back: Callable[[], Awaitable[None]] | None = None
    """For whoever leaves at once: takes claims and proxies off the server, and never raises; None: there are none."""


@asynccontextmanager
async def put_up(through: Through, target: OpenTarget, run: str, clock: Clock, say: Say) -> AsyncIterator[Links]:
    """The target's links, without a fault on them, and gone again on every way out; `say` hears of each.

    A link whose listener somebody else holds is left to them, and so is a proxy of yours whose server was not named.
    UsageError, RefusedError and InconclusiveError as a run would have them.
    """
    ours: dict[str, Link] = {}
    for name, link in target.target.links.items():
        why = _left_alone(link, through)
        if why:
            say(f"link {name}: {why}")
        else:
            ours[name] = link
    if not ours:
        yield Links()
        return
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(launched(clock, url=through.toxiproxy, embedded=through.embedded))
        with pointing_at(target):
            handles = await stack.enter_async_context(opened(proxy.server, ours, run, say, target.folder))
        for handle in handles.values():
            say(
                f"link {handle.link}: {handle.listen} leads to {handle.upstream} while this fan plays"
                f" ({_KINDS[proxy.kind]})"
            )

        async def give_back() -> None:
            await marks.sweep(proxy.server, run)
            for trouble in await let_go(proxy.server, handles.values(), run):
                say(trouble)

        yield Links(names=frozenset(handles), give_back=give_back)


def _left_alone(link: Link, through: Through) -> str:
    """Why we do not put it up; empty where we do."""
    if not through.links:
        return "not put up (--no-links)"
    if through.toxiproxy is not None:
        return ""  # that server says what stands there already
    if link.proxy is not None:
        return f"the proxy {link.proxy} is taken as it stands: --toxiproxy URL names the server that has it"
    host, port = address_of(link.listen)
    if not port:
        return "listen names no port, so no shop can be pointed to it"
    why = taken(host, port)
    return f"{link.listen} is left to whoever listens there ({why})" if why else ""
