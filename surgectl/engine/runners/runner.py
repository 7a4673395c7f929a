"""Where the shards of a rehearsal run: in this process, in others, on other machines."""

from __future__ import annotations

from typing import Protocol

from surgectl.recording.manifest import Tally


class Runner(Protocol):
    """Plays all shards through the same stages, in step. A shard is never run twice: load cannot be taken back."""

    async def __aenter__(self) -> Runner: ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def load(self) -> None:
        """Return when the load is over on all shards, or once `stop_arrivals` was called."""
        ...

    def stop_arrivals(self) -> None:
        """Nobody else comes; returns at once. For a signal handler."""
        ...

    def pause_arrivals(self, on: bool) -> None:
        """Whoever is due while this is on never comes; returns at once. The plan does not move."""
        ...

    async def drain(self, at_most_ns: int) -> None:
        """Wait for the fans still at it, then cut them off."""
        ...

    async def read_statuses(self, at_most_ns: int) -> None:
        """After settling: ask about every intent that ended accepted or unknown."""
        ...

    def tally(self) -> Tally:
        """The counters of all shards, summed, as they stand."""
        ...
