"""`surgectl stage up`: the whole stage, put up to be looked at, bought from and rehearsed against."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop
from rich.console import Console

from surgectl import chance
from surgectl.aside import Aside, new_place, sweep
from surgectl.chaos.launch import Launched, launched
from surgectl.cli.interrupts import Interrupts
from surgectl.cli.plan_view import console_for_results
from surgectl.cli.prepare import Prepared, Wishes, prepare, terms_of
from surgectl.clock import SystemClock
from surgectl.errors import UsageError
from surgectl.profile.link import Link
from surgectl.stage.places import Places
from surgectl.stage.stage_door import new_address
from surgectl.stage.troupe import Troupe

_LINKS = {"payments": "PAY_LINK", "database": "DB_LINK", "cache": "CACHE_LINK", "identity": "IDENTITY_LINK"}
"""Links of the stage → what a target file calls the address where each listens."""
_PORTS = 8


def stage_up(
    profile: str, port: int, toxiproxy: str | None, data: str | None, defect: str | None, sets: Sequence[str]
) -> None:
    """Run the stage until SIGINT or SIGTERM. `port` is the shop's; what else listens takes the next seven."""
    if not 1 <= port <= 65_536 - _PORTS:
        raise UsageError(f"{port} leaves no room for {_PORTS} ports", where="--port", hint="try 9000")
    places = Places(shop=port, payments=port + 1, control=port + 3, identity=port + 4, stage=new_address())
    listen = dict(zip(_LINKS.values(), (f"127.0.0.1:{port + n}" for n in (2, 5, 6, 7)), strict=True))
    said = (*(f"{name}={address}" for name, address in listen.items()), *sets)
    prepared = prepare(Wishes(profile=profile, defect=defect, sets=said), places)
    if prepared.stage is None:
        raise UsageError("this profile's target has no stage", where=profile)
    run = _run_line(prepared, profile, listen, sets)
    sweep()
    if data is not None:
        folder = Path(data)
        folder.mkdir(parents=True, exist_ok=True)
        uvloop.run(_up(prepared, run, folder, toxiproxy, keep=True))
        return
    with Aside(new_place("books")) as aside:
        uvloop.run(_up(prepared, run, aside.path, toxiproxy, keep=False))


def _run_line(prepared: Prepared, profile: str, listen: Mapping[str, str], sets: Sequence[str]) -> list[str]:
    """The rehearsal against this stage, without the proxy's URL: what the stage said, and what was said to it."""
    assert prepared.stage is not None
    variables = {**prepared.places.variables(prepared.stage), **listen}
    theirs = [text for text in sets if not text.startswith("stage.") and text.partition("=")[0] not in variables]
    words = [f"{name}={value}" for name, value in variables.items() if value] + theirs
    return ["surgectl", "run", profile, "--no-stage", *(word for text in words for word in ("--set", text))]


async def _up(prepared: Prepared, run: list[str], folder: Path, toxiproxy: str | None, *, keep: bool) -> None:
    assert prepared.stage is not None
    clock, console = SystemClock(), console_for_results()
    places, links = prepared.places, prepared.target.target.links
    async with AsyncExitStack() as stack:
        told = stack.enter_context(Interrupts(kindly=lambda: None, at_once=_nothing))
        troupe = Troupe(
            prepared.stage,
            terms_of(prepared),
            folder,
            places,
            name=chance.token()[:12],
            keep_books=keep,
            lost=lambda part, why: _print(console, why),
            asked=lambda said: _print(console, said),
        )
        await stack.enter_async_context(troupe)
        await troupe.open_dependencies()
        proxy = await stack.enter_async_context(launched(clock, url=toxiproxy, seed=prepared.plan.seed))
        at = {name: await _open(stack, proxy, name, link) for name, link in links.items()}
        stack.push_async_callback(troupe.close_shop)
        await troupe.open_shop(at)
        _tell(console, prepared, troupe, proxy, at)
        _print(console, "\nrehearse against it, from another terminal:")
        _print(console, shlex.join([*run, "--toxiproxy", proxy.server.url]))
        _print(console, "\nCtrl-C ends it.")
        await told.stop.wait()


async def _open(stack: AsyncExitStack, proxy: Launched, name: str, link: Link) -> str:
    """Put a link up and leave it unclaimed, so that a rehearsal may claim it → where it listens."""
    if link.proxy is not None:
        return (await proxy.server.proxies())[link.proxy].listen
    made = f"surgectl-{name}"
    if made in await proxy.server.proxies():
        await proxy.server.destroy(made)
    state = await proxy.server.create(made, link.upstream or "", link.listen)
    stack.push_async_callback(proxy.server.destroy, made)
    return state.listen


def _tell(console: Console, prepared: Prepared, troupe: Troupe, proxy: Launched, at: Mapping[str, str]) -> None:
    """What stands where, and how a part of it is killed and started again."""
    places, links = prepared.places, prepared.target.target.links
    _print(console, f"shop      http://127.0.0.1:{places.shop}/")
    _print(
        console,
        f"provider  http://127.0.0.1:{places.payments}  (ledger http://127.0.0.1:{places.control}/_sim/ledger)",
    )
    for name, listen in at.items():
        _print(console, f"link      {name} {listen} -> {links[name].upstream or links[name].proxy}")
    _print(console, f"proxy     {proxy.kind} at {proxy.server.url}")
    _print(console, "\nkill a part of it, and start it again:")
    part = "worker-1" if "worker-1" in troupe.parts else "shop"
    for verb in ("kill", "restart"):
        _print(console, shlex.join(["surgectl", "stage", verb, part, "--stage", places.stage]))
    _print(console, f"(there are {', '.join(troupe.parts)})")


def _print(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)


async def _nothing() -> None:
    """There is no fault of ours to heal here."""
