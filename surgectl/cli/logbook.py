"""Where everybody beside the crowd says what happens: on the dashboard, in the recording, at the terminal."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console

from surgectl.clock import Clock
from surgectl.live.view import LiveView
from surgectl.recording.journal import LineFile
from surgectl.recording.rows import NoteRow


class Logbook:
    """What is said of one rehearsal, without its secrets."""

    def __init__(self, view: LiveView, console: Console, clock: Clock, redact: Callable[[str], str] | None) -> None:
        self._view = view
        self._console = console
        self._clock = clock
        self._redact = redact
        self._notes: LineFile | None = None
        self._start_ns = 0

    def keep_in(self, notes: LineFile) -> None:
        """Notes go into this file from now on (chaos.jsonl)."""
        self._notes = notes

    def begin(self, start_ns: int) -> None:
        """Row time zero."""
        self._start_ns = start_ns

    def now_ns(self) -> int:
        """On the run's clock."""
        return self._clock.now_ns() - self._start_ns

    def say(self, doing: str, text: str) -> None:
        """What we are doing, and a line for the log of events."""
        self._view.doing = doing
        self.event(text)

    def event(self, text: str) -> None:
        """A line for the log of events."""
        self._view.say(self.now_ns(), text)

    def note(self, text: str, kind: str) -> None:
        """A mark on the recording's timeline; nothing before there is one."""
        if self._notes is not None and self._start_ns:
            self._notes.append(NoteRow(at_ns=self.now_ns(), text=text, kind=kind))

    def complain(self, text: str) -> None:
        """A line at the terminal."""
        self._console.print(self.redacted(text), highlight=False, markup=False, soft_wrap=True)

    def redacted(self, text: str) -> str:
        """The text without secrets."""
        return self._redact(text) if self._redact is not None else text
