"""The last words to those outside, when a rehearsal is over and judged: its verdict, and the spans of chosen fans."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from surgectl import gate
from surgectl.cli.outlets import Outlets
from surgectl.cli.trace import traced
from surgectl.report.summary import Summary


def farewell(outlets: Outlets, summary: Summary, folder: Path, say: Callable[[str], None]) -> None:
    """Tell them, for some seconds at most. What goes wrong is said; the exit code stays the run's."""
    try:
        if missed := outlets.judged(summary):
            say(missed)
        if summary.exit_code in (gate.SIGINT, gate.SIGTERM):
            return  # whoever stopped it wants to leave; `surgectl trace` sends the spans whenever there is time
        if said := traced(outlets, folder):
            say(said)
    except KeyboardInterrupt:
        say("what was still to be told was cut short")
