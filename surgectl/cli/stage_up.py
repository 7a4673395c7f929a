"""`surgectl stage up`: the whole stage, put up to be looked at, bought from and rehearsed against."""

from __future__ import annotations

import shlex
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import uvloop

from surgectl.chaos.launch import launched
from surgectl.cli.interrupts import Interrupts
from surgectl.cli.plan_view import console_for_results
from surgectl.cli.prepare import Prepared, Wishes, prepare, terms_of
from surgectl.clock import SystemClock
from surgectl.errors import UsageError
from surgectl.stage.troupe import Troupe


def stage_up(profile: str, port: int, toxiproxy: str | None, data: str | None, defect: str | None) -> None:
    """Run the stage until SIGINT or SIGTERM. `port` is the shop's; provider, link and control take the next three."""
    if not 1 <= port <= 65_532:
        raise UsageError(f"{port} leaves no room for four ports", where="--port", hint="try 9000")
    link = f"127.0.0.1:{port + 2}"
    wishes = Wishes(profile=profile, defect=defect, sets=(f"PAY_LINK={link}",))
    prepared = prepare(wishes, (port, port + 1, port + 3))
    if prepared.stage is None:
        raise UsageError("this profile's target has no stage", where=profile)
    if data is not None:
        folder = Path(data)
        folder.mkdir(parents=True, exist_ok=True)
        uvloop.run(_up(prepared, profile, folder, link, toxiproxy))
        return
    with tempfile.TemporaryDirectory(prefix="surgectl-stage-") as aside:
        uvloop.run(_up(prepared, profile, Path(aside), link, toxiproxy))


async def _up(prepared: Prepared, profile: str, folder: Path, link: str, toxiproxy: str | None) -> None:
    assert prepared.stage is not None
    clock, console = SystemClock(), console_for_results()
    shop, pay, control = prepared.ports
    links = {name: msgspec.structs.replace(it, listen=link) for name, it in prepared.target.target.links.items()}
    async with AsyncExitStack() as stack:
        told = stack.enter_context(Interrupts(kindly=lambda: None, at_once=_nothing))
        troupe = Troupe(prepared.stage, terms_of(prepared), folder, shop_port=shop, pay_port=pay, control_port=control)
        await stack.enter_async_context(troupe)
        await troupe.open_payments()
        proxy = await stack.enter_async_context(launched(clock, url=toxiproxy, seed=prepared.plan.seed))
        # The links are opened and let go at once: unclaimed, so that a rehearsal may claim them.
        for name, it in links.items():
            if f"surgectl-{name}" in await proxy.server.proxies():
                await proxy.server.destroy(f"surgectl-{name}")
            await proxy.server.create(f"surgectl-{name}", it.upstream or "", it.listen)
            stack.push_async_callback(proxy.server.destroy, f"surgectl-{name}")
        await troupe.open_shop(f"http://{link}")
        variables = {**Troupe.variables(shop, pay, control), "PAY_LINK": link}
        sets = [word for name, value in variables.items() for word in ("--set", f"{name}={value}")]
        run = ["surgectl", "run", profile, "--no-stage", "--toxiproxy", proxy.server.url, *sets]
        console.print(f"shop      http://127.0.0.1:{shop}", highlight=False)
        console.print(
            f"provider  http://127.0.0.1:{pay}  (ledger http://127.0.0.1:{control}/_sim/ledger)", highlight=False
        )
        console.print(f"link      {link} through {proxy.kind} at {proxy.server.url}", highlight=False)
        console.print("\nrehearse against it, from another terminal:", highlight=False)
        console.print(shlex.join(run), highlight=False, soft_wrap=True)
        console.print("\nCtrl-C ends it.", highlight=False)
        await told.stop.wait()


async def _nothing() -> None:
    """There is no fault of ours to heal here."""
