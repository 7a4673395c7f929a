"""`surgectl stage worker`: takes the box office's money in a process of its own, until it is told to stop."""

from __future__ import annotations

from collections.abc import Mapping

import uvloop

from surgectl.stage.boxoffice.options import Options
from surgectl.stage.boxoffice.till.worker import serve_till
from surgectl.stage.ending import told_to_end
from surgectl.stage.flags import Said, options_from
from surgectl.stage.ready import say_ready


def serve_worker(said: Mapping[str, Said | None], until_stdin_closes: bool = False) -> None:
    """Run a till to its end. `said`: the flags of the shop's Options by name; the same words do for shop and worker.

    Writes one JSON line on stdout when it claims orders: {"ready": "worker", "worker": NAME}.
    UsageError on bad input, before anything is opened.
    """
    uvloop.run(_until_told(options_from(Options, said), until_stdin_closes))


async def _until_told(options: Options, until_stdin_closes: bool) -> None:
    await serve_till(
        options, stop=told_to_end(until_stdin_closes), ready=lambda worker: say_ready("worker", worker=worker)
    )
