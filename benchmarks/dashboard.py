"""What the dashboard costs the process that sends: drawing, and counting what is drawn.

    python -m benchmarks.dashboard

Drawing: the picture at a minute and at half an hour of a rehearsal, by CPU time of this process, as often as
cli/watching.py draws it (four times a second, less often where that would be more than a hundredth of the time).
Counting: every row of the made-up rehearsal of tests/live, for `LiveView.fold_all`. Prints a Markdown table.
"""

from __future__ import annotations

import io
import time

from rich.console import Console
from rich.live import Live

from surgectl.cli.watching import AT_MOST_ONE_IN
from surgectl.live.dashboard import FRAMES_PER_S, Dashboard
from surgectl.live.view import LiveView
from surgectl.units import show_money
from tests.live import history

ROUNDS = 60
SIZES = ((80, 24), (120, 40), (200, 60), (320, 100))


def view_of(minutes: int) -> LiveView:
    """A minute of the made-up rehearsal, and then as many more seconds as there are."""
    view = LiveView(history.PHASES, history.FAULTS, history.FANS, history.LOAD_ENDS_NS)
    view.fold_all(history.rows())
    busy = list(view.portion().seconds)
    view.portion().seconds.extend(busy[n % len(busy)] for n in range(60 * minutes - len(busy)))
    return view


def drawing_ms(width: int, height: int, minutes: int) -> float:
    """CPU time of one picture."""
    view = view_of(minutes)
    console = Console(file=io.StringIO(), force_terminal=True, width=width, height=height, color_system="truecolor")
    dashboard = Dashboard("x", lambda: view.snapshot(minutes * 60 * history.S), lambda minor: show_money(minor, "EUR"))
    with Live(dashboard, console=console, screen=True, auto_refresh=False) as live:
        live.refresh()
        begun = time.process_time()
        for _ in range(ROUNDS):
            live.refresh()
        return (time.process_time() - begun) / ROUNDS * 1e3


def share(cost_ms: float) -> float:
    """Of one core, drawn as often as it is."""
    every_ms = max(1_000 / FRAMES_PER_S, cost_ms * AT_MOST_ONE_IN)
    return cost_ms / (cost_ms + every_ms)


def counting_us() -> float:
    """CPU time of one row."""
    rows = history.rows()
    begun = time.process_time()
    for _ in range(10):
        view = LiveView(history.PHASES, history.FAULTS, history.FANS, history.LOAD_ENDS_NS)
        view.fold_all(rows)
    return (time.process_time() - begun) / 10 / len(rows) * 1e6


def main() -> None:
    print("| terminal | a picture, after 1 min | after 30 min | of a core |")
    print("|---|---|---|---|")
    for width, height in SIZES:
        early, late = drawing_ms(width, height, 1), drawing_ms(width, height, 30)
        print(f"| {width} x {height} | {early:.1f} ms | {late:.1f} ms | {share(max(early, late)):.1%} |")
    cost_us = counting_us()
    print(f"\ncounting a row: {cost_us:.2f} us; at 10,000 rows a second {cost_us * 1e4 / 1e6:.1%} of a core")


if __name__ == "__main__":
    main()
