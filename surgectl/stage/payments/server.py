"""Opens the provider for business on two ports: one for shops, one for those who look behind the counter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web

from surgectl.clock import Clock, SystemClock
from surgectl.errors import UsageError
from surgectl.stage.address import split_address
from surgectl.stage.ending import told_to_end
from surgectl.stage.payments.control import control_app
from surgectl.stage.payments.options import Options
from surgectl.stage.payments.provider import Provider
from surgectl.stage.ready import say_ready

__all__ = ["Options", "Running", "running", "serve"]

_BACKLOG = 4096
_LAST_REPLIES_S = 2.0


class Running(msgspec.Struct, frozen=True):
    """A provider that is open, and where it listens."""

    provider: Provider
    url: str
    control: str


@asynccontextmanager
async def running(options: Options, clock: Clock | None = None) -> AsyncIterator[Running]:
    """Open on both ports, and close them again. UsageError where a port or the data folder cannot be had."""
    now = clock or SystemClock()
    async with Provider(options, now) as provider:
        # handler_cancellation stays off: a client that goes away does not take its charge with it.
        api = web.ServerRunner(
            web.Server(provider.handle, handler_cancellation=False, access_log=None, keepalive_timeout=75.0),
            shutdown_timeout=_LAST_REPLIES_S,
        )
        control = web.AppRunner(control_app(provider, now), access_log=None, shutdown_timeout=_LAST_REPLIES_S)
        try:
            url = await _listen(api, options.listen, "--listen")
            control_url = await _listen(control, options.control, "--control")
            yield Running(provider, url, control_url)
        finally:
            await api.cleanup()
            await control.cleanup()


async def _listen(runner: web.AppRunner | web.ServerRunner, address: str, flag: str) -> str:
    host, port = split_address(address, flag)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=_BACKLOG).start()
    except OSError as error:
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror or error}", where=flag) from error
    bound_host, bound_port = runner.addresses[0][:2]
    return f"http://[{bound_host}]:{bound_port}" if ":" in bound_host else f"http://{bound_host}:{bound_port}"


async def serve(options: Options, until_stdin_closes: bool = False) -> None:
    """Run until SIGINT, SIGTERM or (where asked) the end of stdin; one JSON line on stdout says that it is ready.

    SurgectlError when the ledger can no longer be written: a provider that cannot write down must not take money.
    """
    stop = told_to_end(until_stdin_closes)
    async with running(options) as open_:
        say_ready("payments", url=open_.url, control=open_.control)
        broken = open_.provider.broken
        broken.add_done_callback(lambda _: stop.set())
        await stop.wait()
        if broken.done():
            raise broken.result()
