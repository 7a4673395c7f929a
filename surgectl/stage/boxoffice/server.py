"""Opens the box office to the street, and closes it without losing a line."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from aiohttp import web

from surgectl.clock import Clock, SystemClock
from surgectl.errors import SurgectlError, UsageError
from surgectl.stage.address import split_address
from surgectl.stage.boxoffice.books import BooksAway
from surgectl.stage.boxoffice.books.archive import archive_of
from surgectl.stage.boxoffice.door import door
from surgectl.stage.boxoffice.doormen.porch import doormen
from surgectl.stage.boxoffice.options import Options
from surgectl.stage.boxoffice.shop import open_shop

_LAST_REPLIES_S = 2.0

log = logging.getLogger("surgectl.stage.boxoffice")


def _ignore(url: str) -> None:
    log.info("the box office is open at %s", url)


async def serve(
    options: Options,
    *,
    stop: asyncio.Event | None = None,
    ready: Callable[[str], None] = _ignore,
    clock: Clock | None = None,
) -> None:
    """Sell until `stop` is set (or for ever); `ready` is called once with the URL, when requests are answered.

    Orders still pending at the end stay in the books and go on at the next start, unless these are to be forgotten.
    UsageError where the address, the folder or the database cannot be used.
    """
    host, port = split_address(options.listen, "box office: listen")
    clock = clock or SystemClock()
    stop = stop or asyncio.Event()
    async with open_shop(options, clock) as shop:
        answer = door(shop)
        runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=_LAST_REPLIES_S)
        await runner.setup()
        try:
            shared = options.shop_workers > 1
            site = web.TCPSite(runner, host, port, backlog=4096, reuse_port=shared or None)
            try:
                await site.start()
            except OSError as error:
                raise UsageError(f"cannot listen: {error.strerror}", where=options.listen) from error
            port = runner.addresses[0][1]
            url = f"http://{host}:{port}"
            if shop.post is not None:
                shop.post.listens_at(options.public_url or url)
            if shared:
                async with doormen(shop, answer, host, port, options.shop_workers - 1) as gone:
                    ready(url)
                    await _first_of(stop, gone)
                    if gone.is_set() and not stop.is_set():
                        raise SurgectlError("a doorman of the box office has ended by itself", hint="see the log")
            else:
                ready(url)
                await stop.wait()
        finally:
            for leave in shop.leaving:
                leave()
            await runner.cleanup()
    if options.forget_books:
        try:
            await asyncio.to_thread(archive_of(options, clock).forget)
        except BooksAway as why:
            log.warning("the books could not be forgotten: %s", why)


async def _first_of(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
