"""`surgectl stage identity`: runs the pretend identity check until it is told to stop."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import msgspec
import uvloop

from surgectl.pauses import rare_pauses
from surgectl.stage.ending import told_to_end
from surgectl.stage.flags import Said, options_from
from surgectl.stage.identity.options import Options
from surgectl.stage.identity.server import serve


def serve_identity(said: Mapping[str, Said | None], until_stdin_closes: bool = False) -> None:
    """Run the check to its end. `said`: the flags of its Options by name. UsageError on bad input.

    Writes one JSON line on stdout when it answers: {"ready": "identity", "url": "http://127.0.0.1:PORT"}.
    """
    uvloop.run(_until_told(options_from(Options, said), until_stdin_closes))


async def _until_told(options: Options, until_stdin_closes: bool) -> None:
    await serve(options, told_to_end(until_stdin_closes), _say_ready)


def _say_ready(url: str) -> None:
    rare_pauses()
    sys.stdout.write(msgspec.json.encode({"ready": "identity", "url": url}).decode() + "\n")
    sys.stdout.flush()
