"""What broke on our own side: a part of the stage, or a process that sends. None of it is the shop's doing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from surgectl.cli.logbook import Logbook
from surgectl.engine.runners.processes import Crew
from surgectl.errors import SurgectlError
from surgectl.live.view import LiveView
from surgectl.recording.left_open import with_open_intents
from surgectl.recording.manifest import LostWorker


class Losses:
    """The losses of one rehearsal, said aloud when they happen."""

    def __init__(self, logbook: Logbook, view: LiveView, *, fans: int, by_command: Callable[[], bool]) -> None:
        """`fans`: planned in all. `by_command`: is a command of ours breaking things right now?"""
        self.stage = ""
        """Why the stage itself is not to be believed."""
        self.workers: list[LostWorker] = []
        self.crew: Crew | None = None
        self._logbook = logbook
        self._view = view
        self._fans = fans
        self._by_command = by_command

    def part_lost(self, part: str, why: str) -> None:
        """A part of the stage ended without being asked to: a stage that breaks is not a shop that fails.

        Unless a command of ours is breaking things right now: then this is what it did.
        """
        by_command = self._by_command()
        self._logbook.note(f"{why}, while a command was breaking things" if by_command else why, "stage")
        if not by_command:
            self.stage = self.stage or why
        self._logbook.complain(why)

    def part_asked(self, said: str) -> None:
        """Somebody at the stage door: a fault's command, or a person at another terminal."""
        self._logbook.note(f"at the stage door: {said}", "stage")

    def worker_lost(self, shard: int, how: str) -> None:
        """One of our own processes ended before its time: the others go on, and the run proves nothing definite."""
        assert self.crew is not None
        of = len(self.crew.workers)
        told = self.crew.workers[shard].tally
        lost = LostWorker(
            shard=shard,
            of=of,
            at_ns=self._logbook.now_ns(),
            why=self._logbook.redacted(how),
            planned=len(range(shard, self._fans, of)),
            arrived=told.arrived,
            left=told.left,
        )
        self.workers.append(lost)
        self._view.gone(shard)
        self._logbook.event(str(lost))
        self._logbook.note(str(lost), "worker")
        self._logbook.complain(str(lost))


def examined(losses: list[LostWorker], folder: Path) -> list[LostWorker]:
    """The losses with what the recording tells of them; one that cannot be read tells nothing more."""
    found = []
    for lost in losses:
        try:
            found.append(with_open_intents(lost, folder))
        except (SurgectlError, OSError):
            found.append(lost)
    return found
