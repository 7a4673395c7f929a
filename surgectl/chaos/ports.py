"""Loopback ports that are ours before anything listens on them."""

from __future__ import annotations

import os
import socket
import weakref

from surgectl import chance
from surgectl.errors import InconclusiveError


class Port:
    """A loopback port that no other rehearsal on this machine is given while this object lives.

    Its socket is bound and never listens; a server that sets SO_REUSEADDR (asyncio and Go do so by themselves) may
    listen on the number all the same. Below the range from which the kernel takes ports for connections (Linux: 32768
    to 60999): thousands of fans connect, and would have it before its server is up. InconclusiveError: none is free.
    """

    def __init__(self) -> None:
        held = _bound()
        self.number: int = held.getsockname()[1]
        weakref.finalize(self, os.close, held.detach())


def _bound() -> socket.socket:
    for _ in range(100):
        held = socket.socket()
        try:
            held.bind(("127.0.0.1", 15_000 + chance.fresh_seed() % 17_000))
        except OSError:
            held.close()
            continue
        # Only now: with it before, a port that somebody else holds could be had as well.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return held
    raise InconclusiveError("a hundred ports were tried and none is free", where="127.0.0.1")
