"""All the rehearsals that these tests look at, played side by side: a rehearsal mostly waits.

A test names its play as a parameter. The programme starts every play that a collected test needs, a few at a time and
in the order of the tests, and each test awaits its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.rehearsal.acting import Ended

AT_ONCE = 4 if "PYTEST_XDIST_WORKER" in os.environ else 5
"""One fewer where other tests run beside them."""


@dataclass(frozen=True)
class Play:
    """Something to be played once: `perform` gets an empty folder of its own."""

    name: str
    perform: Callable[[Path], Ended]

    def __repr__(self) -> str:
        return self.name


class Programme:
    """Plays, started once each. A play's skip or failure is raised in every test that awaits it."""

    def __init__(self, place: Path, at_once: int = AT_ONCE) -> None:
        self._place = place
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="play")
        self._started: dict[str, Future[Ended]] = {}

    def start(self, plays: Iterable[Play]) -> None:
        for play in plays:
            if play.name not in self._started:
                self._started[play.name] = self._pool.submit(self._perform, play)

    def _perform(self, play: Play) -> Ended:
        place = self._place / play.name
        place.mkdir()
        return play.perform(place)

    def awaited(self, play: Play) -> Ended:
        self.start([play])
        return self._started[play.name].result()

    def wait(self) -> None:
        """Until every play that was started has ended, however it did."""
        wait(self._started.values())

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


def plays_of(items: Iterable[pytest.Item]) -> list[Play]:
    """The plays that some collected tests are about, in their order."""
    found: list[Play] = []
    for item in items:
        callspec = getattr(item, "callspec", None)
        if callspec is not None:
            found += [value for value in callspec.params.values() if isinstance(value, Play)]
    return found
