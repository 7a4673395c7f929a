"""`surgectl stage proxy`: the embedded proxy as a process of its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

from surgectl import chance
from surgectl.proxy import server

_new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
try:
    import uvloop

    _new_loop = uvloop.new_event_loop
except ImportError:  # there is none for Windows
    pass


def serve_proxy(listen: str, seed: int | None, strict: bool, until_stdin_closes: bool) -> None:
    """Serve Toxiproxy's API at `listen` (HOST:PORT) until SIGINT, SIGTERM or, if asked, the end of stdin.

    Prints one JSON line on stdout once ready: {"ready":"proxy","url":"http://HOST:PORT"}.
    `strict` is Toxiproxy's own behaviour where ours deliberately differs. UsageError where it cannot listen.
    """
    if seed is None:
        seed = chance.fresh_seed()
        sys.stderr.write(f"surgectl stage proxy: --seed {seed} repeats this chance\n")
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(server.run(listen, seed, strict, until_stdin_closes))
