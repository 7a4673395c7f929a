"""What everybody shares who takes part in one rehearsal."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console

from surgectl.cli.interrupts import Interrupts
from surgectl.cli.logbook import Logbook
from surgectl.cli.outlets import Outlets
from surgectl.cli.prepare import Prepared, Wishes
from surgectl.clock import Clock
from surgectl.live.tap import Tap
from surgectl.live.view import LiveView


@dataclass(frozen=True, kw_only=True)
class Evening:
    """One rehearsal from the first look at the clock to the last row."""

    wishes: Wishes
    prepared: Prepared
    console: Console
    clock: Clock
    interrupts: Interrupts
    logbook: Logbook
    view: LiveView
    tap: Tap
    outlets: Outlets

    def patience_ns(self) -> int:
        """How long we wait for stragglers and for the books: as the profile allows, and little once we were stopped."""
        at_most = int(self.prepared.plan.rehearsal.settle.at_most)
        return min(at_most, 5_000_000_000) if self.interrupts.first is not None else at_most
