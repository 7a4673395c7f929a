"""`surgectl stage shop`: runs the demo box office until it is told to stop."""

from __future__ import annotations

from collections.abc import Mapping

import uvloop

from surgectl.stage.boxoffice.options import Options
from surgectl.stage.boxoffice.server import serve
from surgectl.stage.ending import told_to_end
from surgectl.stage.flags import Said, options_from
from surgectl.stage.ready import say_ready


def serve_shop(said: Mapping[str, Said | None], until_stdin_closes: bool = False) -> None:
    """Run the shop to its end: SIGINT, SIGTERM or, if asked, the end of stdin (so that it dies with its parent).

    `said`: the flags of its Options by name; durations and money are text (`250ms`, `89.00 EUR`).
    Writes one JSON line on stdout when it answers: {"ready": "shop", "url": "http://127.0.0.1:PORT"}.
    UsageError on bad input, before anything is opened.
    """
    uvloop.run(_until_told(options_from(Options, said), until_stdin_closes))


async def _until_told(options: Options, until_stdin_closes: bool) -> None:
    await serve(options, stop=told_to_end(until_stdin_closes), ready=lambda url: say_ready("shop", url=url))
