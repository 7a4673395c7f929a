"""Plays the made-up rehearsal on the dashboard, faster than life: `python -m tests.live.drive [SPEED] [UNTIL_S]`.

For looking at it, and for the test that looks at it through tmux. Stands still at UNTIL_S until a line comes in.
"""

from __future__ import annotations

import os
import sys
import time

from rich.console import Console
from rich.live import Live

from surgectl.live.dashboard import Dashboard
from surgectl.live.snapshot import Snapshot
from surgectl.live.view import LiveView
from surgectl.units import show_money
from tests.live import history


def main(speed: float, until_s: float) -> None:
    told = history.rows()
    view = LiveView(history.PHASES, history.FAULTS, history.FANS, history.LOAD_ENDS_NS)
    view.doing = "storm"
    begun = time.monotonic()
    at = 0

    def now_ns() -> int:
        return round(min(until_s, (time.monotonic() - begun) * speed) * history.S)

    def look() -> Snapshot:
        nonlocal at
        until = now_ns()
        while at < len(told) and history.when_ns(told[at]) <= until:
            view.fold(told[at])
            at += 1
        view.ledger("shop", {"sold": view.snapshot(until).funnel["confirmed"]})
        view.ledger("payments", {"charged_minor": view.snapshot(until).funnel["confirmed"] * 8900})
        return view.snapshot(until)

    os.set_blocking(0, False)
    dashboard = Dashboard("ticket-drop", look, lambda minor: show_money(minor, "EUR"))
    with Live(dashboard, console=Console(), screen=True, auto_refresh=False) as screen:
        while not sys.stdin.readline():
            screen.refresh()
            time.sleep(0.1)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10, float(sys.argv[2]) if len(sys.argv) > 2 else 95)
