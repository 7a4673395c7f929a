"""How a part of the stage learns that it is over: a signal, or the death of whoever started it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from contextlib import suppress


def told_to_end(until_stdin_closes: bool) -> asyncio.Event:
    """An event that SIGINT, SIGTERM or, if asked, the end of standard input sets. Call inside the running loop."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    def watch() -> None:
        while os.read(0, 4096):
            pass
        with suppress(RuntimeError):  # the loop has ended before stdin did: nothing is left to stop
            loop.call_soon_threadsafe(stop.set)

    if until_stdin_closes:  # a thread, because stdin may be a file
        threading.Thread(target=watch, name="stdin", daemon=True).start()
    return stop
