"""What the harness must know of a client: whether it is here, how it is begun and ended, what it says it did."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import msgspec

BODY = '{"sku":"floor","qty":1,"email":"fan-1123051043ab12cd-77@example.org","token":"tok_visa_4242_4242"}'
"""The order as our own product writes it, for clients that cannot make one of their own."""
KEY = "6f1b7c9e-4d7e-4d6c-8000-"
"""The first half of the keys that a client only counts through: fresh each time, at next to no cost."""
COOKIE = "sid=4f1c9d2e7b"
"""What nginx gives, for clients that keep no cookies."""
JOURNEYS = Path(__file__).parent.parent / "journeys"
_HOMES = ("~/go/bin", "~/.cargo/bin")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One client's turn."""

    url: str
    """Of the server, without a path."""
    connections: int
    seconds: int
    """It must go on for at least as long; it is told to stop before."""
    folder: Path
    """For whatever it writes; gone after its turn."""


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """How a client is begun."""

    words: list[str]
    environ: dict[str, str] = {}
    """Besides our own."""
    feed: Iterator[bytes] | None = None
    """What it is to read on stdin, for as long as it reads."""


class Peer(ABC):
    """One client."""

    name: str
    install: str
    """One line for whoever lacks it."""
    lacks: str = ""
    """What of the journey it cannot do: such a client does less work than the others."""
    way: str = ""
    """How it is played, where there was a choice."""
    shares: bool = False
    """Its clients share connections: who has just heard an answer lends its own, so fewer may be open than asked."""

    @abstractmethod
    def find(self) -> str | None:
        """Its version in a few words, or None where it is not here."""

    @abstractmethod
    def start(self, asked: Asked) -> Started:
        """The command that orders as fast as it can over `asked.connections` connections."""

    def stop(self, process: subprocess.Popen[bytes], asked: Asked) -> None:
        """Ask it to end. Whoever is still there a little later is killed."""
        process.send_signal(signal.SIGINT)

    @abstractmethod
    def counted(self, output: str, asked: Asked) -> int | None:
        """The good answers that it says it got, from what it printed; None where it says nothing of the kind."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def find_binary(name: str) -> str | None:
    """On PATH, or where go and cargo put what they install."""
    places = os.pathsep.join([os.environ.get("PATH", ""), *(str(Path(home).expanduser()) for home in _HOMES)])
    return shutil.which(name, path=places)


def said(*words: str) -> str:
    """What a command prints, both streams; empty where it cannot be run."""
    try:
        done = subprocess.run(words, capture_output=True, timeout=20, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).decode("utf-8", "replace")
