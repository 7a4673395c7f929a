"""What a fault may do to the bytes of a connection: take some, wait, pass some on, or close.

A toxic is a generator without any I/O. It yields `Take` and is sent the next chunk (None once the sender
has closed), or yields `Wait` and is resumed later; it passes bytes on with `flow.emit`. Returning closes
the connection in that direction. `Interrupted` is thrown in when toxics are changed in mid-connection: a
toxic that holds bytes emits them then, so that nothing is lost or reordered.

The semantics are Toxiproxy's (toxics/toxic.go, link.go of 2.12).
"""

from __future__ import annotations

from collections.abc import Generator
from enum import IntEnum
from typing import ClassVar, Protocol

import msgspec

CHUNK_BYTES = 32 * 1024  # io.Copy's buffer in Go: what Toxiproxy reads, delays and drops as one piece


class Direction(IntEnum):
    """Which way the bytes run. Upstream is from the client to the server."""

    UPSTREAM = 0
    DOWNSTREAM = 1


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """Bytes that were read at once; `at_ns` is when, moved on by every latency already served."""

    data: bytes
    at_ns: int


class Take(msgspec.Struct, frozen=True):
    """Give me the next chunk. After `within_s` seconds without one, `Quiet` is thrown in."""

    within_s: float | None = None


class Wait(msgspec.Struct, frozen=True):
    """Resume me after that many seconds. A deaf wait cannot be interrupted: whoever asks waits, too."""

    seconds: float
    deaf: bool = False


TAKE = Take()


class Interrupted(Exception):
    """Thrown into a toxic that must let go because the chain is being changed."""


class Quiet(Exception):
    """Thrown into a toxic whose `Take(within_s)` saw no data."""


Pipe = Generator[Take | Wait, Chunk | None, None]


class Flow(Protocol):
    """The place in one connection where a toxic runs."""

    passed_bytes: int
    """What limit_data has let through here so far; it outlives updates of the toxic."""

    def emit(self, chunk: Chunk) -> None:
        """Pass a chunk on. Never blocks: back-pressure shows in that no further chunk is given."""
        ...

    def now_ns(self) -> int:
        """Monotonic nanoseconds, on the clock of `Chunk.at_ns`."""
        ...

    def draw(self, purpose: str) -> float:
        """The next number in [0, 1) that the seed holds for this run of this toxic on this connection."""
        ...

    def reset(self) -> None:
        """Let the coming close be a TCP reset."""
        ...


class Toxic(msgspec.Struct, frozen=True):
    """The attributes of one kind of fault, all integers as in Toxiproxy's API."""

    inbox_chunks: ClassVar[int] = 0
    """How many chunks may queue in front of it before the sender is held."""
    closes_when_removed: ClassVar[bool] = False
    """The stream has a hole by then, so going on would corrupt it."""
    arms_reset: ClassVar[bool] = False
    """Toxiproxy sets SO_LINGER 0 on connections opened while such a toxic exists."""
    go_type: ClassVar[str]
    """The type's name in Toxiproxy's error texts."""
    go_integer: ClassVar[str] = "int64"

    def crashes(self) -> str | None:
        """Why Toxiproxy itself would die of these attributes, or None."""
        return None

    def senseless(self) -> str | None:
        """Why these attributes cannot be meant, though Toxiproxy would take them, or None."""
        return None

    def pipe(self, flow: Flow) -> Pipe:
        """Run once on one place of one connection."""
        raise NotImplementedError


class Placed(msgspec.Struct, frozen=True):
    """A toxic in a proxy's chain. `serial` tells it from a later one of the same name."""

    serial: int
    name: str
    type: str
    stream: str
    """As the user wrote it: Toxiproxy keeps `UPSTREAM` in capitals."""
    direction: Direction
    toxicity: float
    """The share of runs that it takes part in; a 32-bit float there, not checked to lie in [0, 1]."""
    toxic: Toxic
