"""A till alone in its own process: finds orders in the books, pays them, and answers nobody."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import closing

from surgectl.clock import Clock, SystemClock
from surgectl.errors import UsageError
from surgectl.stage.boxoffice.books.archive import archive_of, writer_of
from surgectl.stage.boxoffice.books.looker import Looker
from surgectl.stage.boxoffice.books.schema import open_sale
from surgectl.stage.boxoffice.counter import Counter
from surgectl.stage.boxoffice.defects import conduct_of
from surgectl.stage.boxoffice.options import Options
from surgectl.stage.boxoffice.till.till import open_till

log = logging.getLogger("surgectl.stage.boxoffice")


async def serve_till(
    options: Options, *, stop: asyncio.Event, ready: Callable[[str], None], clock: Clock | None = None
) -> None:
    """Take money until `stop` is set; `ready` is called once with the worker's name, when it claims orders.

    What it holds at the end stays in the books under its name: a worker of that name goes on with it at once, any
    other when the lease has ended. UsageError where the books cannot be used.
    """
    if options.payment_workers == 0:
        raise UsageError(
            "a worker that pays nothing is of no use", where="--payment-workers", hint="how many payments at once?"
        )
    now = clock or SystemClock()
    conduct = conduct_of(options.defect)
    archive = archive_of(options, now)
    await asyncio.to_thread(open_sale, archive, options)
    async with writer_of(archive, options, now) as writer:
        with closing(Looker(archive, 2 * options.books_timeout_ns)) as looker:
            counter = Counter(writer, now)
            async with open_till(options, conduct, counter, looker, alone=True) as till:
                await till.take_up()
                ready(till.worker)
                running = asyncio.ensure_future(till.run())
                stopping = asyncio.ensure_future(stop.wait())
                await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
                running.cancel()
                await asyncio.wait({running})
                if not running.cancelled():
                    running.result()
