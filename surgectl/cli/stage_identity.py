"""`surgectl stage identity`: runs the pretend identity check until it is told to stop."""

from __future__ import annotations

from collections.abc import Mapping

import uvloop

from surgectl.stage.ending import told_to_end
from surgectl.stage.flags import Said, options_from
from surgectl.stage.identity.options import Options
from surgectl.stage.identity.server import serve
from surgectl.stage.ready import say_ready


def serve_identity(said: Mapping[str, Said | None], until_stdin_closes: bool = False) -> None:
    """Run the check to its end. `said`: the flags of its Options by name. UsageError on bad input.

    Writes one JSON line on stdout when it answers: {"ready": "identity", "url": "http://127.0.0.1:PORT"}.
    """
    uvloop.run(_until_told(options_from(Options, said), until_stdin_closes))


async def _until_told(options: Options, until_stdin_closes: bool) -> None:
    await serve(options, told_to_end(until_stdin_closes), lambda url: say_ready("identity", url=url))
