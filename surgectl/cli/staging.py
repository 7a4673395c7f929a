"""Puts up what a rehearsal needs before anybody comes: the stage's parts, the proxy, and the links between them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from surgectl.chaos import marks
from surgectl.chaos.launch import Launched, launched
from surgectl.chaos.links import LinkHandle, let_go, opened
from surgectl.cli.located import pointing_at
from surgectl.cli.prepare import Prepared, Wishes, terms_of
from surgectl.clock import Clock
from surgectl.recording import manifest as manifests
from surgectl.recording.manifest import LinkNote, Manifest
from surgectl.stage.troupe import Troupe

Say = Callable[[str], None]


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """What stands: the proxy (None: the target has no links), the open links, and the manifest that tells of them."""

    proxy: Launched | None
    links: dict[str, LinkHandle]
    manifest: Manifest
    troupe: Troupe | None
    give_links_back: Callable[[], Awaitable[None]] | None
    """For whoever leaves at once: takes our faults and links off the server; complains, never raises."""


async def put_up(
    stack: AsyncExitStack,
    prepared: Prepared,
    wishes: Wishes,
    manifest: Manifest,
    folder: Path,
    clock: Clock,
    *,
    complain: Say,
    lost: Callable[[str, str], None],
    asked: Say,
) -> Staged:
    """Dependencies, proxy, links, shop and workers, in this order; `stack` takes them down in the other.

    The manifest is saved before the first toxic: `chaos heal` finds the server by it. InconclusiveError where a part
    does not start, UsageError and RefusedError as the links say.
    """
    target, plan = prepared.target.target, prepared.plan
    troupe = None
    if prepared.stage is not None:
        books = folder / "stage"
        books.mkdir()
        terms = terms_of(prepared)
        troupe = Troupe(prepared.stage, terms, books, prepared.places, name=manifest.run, lost=lost, asked=asked)
        await stack.enter_async_context(troupe)
        manifest = manifests.replace(manifest, stage=prepared.places.stage)
        await troupe.open_dependencies()
    proxy: Launched | None = None
    links: dict[str, LinkHandle] = {}
    give_back: Callable[[], Awaitable[None]] | None = None
    if target.links:
        proxy = await stack.enter_async_context(
            launched(clock, url=wishes.toxiproxy, seed=plan.seed, embedded=wishes.embedded_proxy)
        )
        manifest = manifests.replace(manifest, toxiproxy=proxy.server.url, proxy_kind=proxy.kind)
        manifests.save(manifest, folder)
        server, run = proxy.server, manifest.run
        with pointing_at(prepared.target):
            links = await stack.enter_async_context(opened(server, target.links, run, complain, prepared.target.folder))

        async def leave() -> None:
            await marks.sweep(server, run)
            for trouble in await let_go(server, links.values(), run):
                complain(trouble)

        give_back = leave
        manifest = manifests.replace(
            manifest,
            links=[LinkNote(name=h.link, proxy=h.proxy, listen=h.listen, upstream=h.upstream) for h in links.values()],
        )
    manifests.save(manifest, folder)
    if troupe is not None:
        # Before the links go: the shop writes its last words into its books through them.
        stack.push_async_callback(troupe.close_shop)
        await troupe.open_shop({name: link.listen for name, link in links.items()})
    return Staged(proxy=proxy, links=links, manifest=manifest, troupe=troupe, give_links_back=give_back)
