"""The rehearsal as it happens, on one screen.

Rich pulls a snapshot a few times a second; nothing is pushed. Fits 80 x 24 and grows with the terminal.
"""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from surgectl.live.health import in_plain_words
from surgectl.live.snapshot import FUNNEL, Snapshot
from surgectl.live.sparkline import sparkline
from surgectl.units import NS_PER_S, show_duration

FRAMES_PER_S = 4
_FAULT_STYLE = {
    "planned": "dim",
    "applied": "bold red",
    "verified": "bold red",
    "healed": "green",
    "failed": "bold red",
}


class Dashboard:
    """A renderable that asks for a new snapshot each time it is drawn."""

    def __init__(self, name: str, look: Callable[[], Snapshot], price: Callable[[int], str]) -> None:
        self._name = name
        self._look = look
        self._price = price

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        snap = self._look()
        width, height = options.max_width, console.height
        parts: list[RenderableType] = [
            _header(self._name, snap, width),
            _timeline(snap, width),
            _middle(snap, width),
            _sparks(snap, width),
            _ledger(snap, self._price),
            _generator(snap),
        ]
        used = sum(len(console.render_lines(part, options.update(height=None), pad=False)) for part in parts)
        parts.append(_log(snap, max(1, height - used - 3), width))
        yield Group(*parts)


def _header(name: str, snap: Snapshot, width: int) -> Text:
    phase = next((p.name for p in snap.phases if p.start_ns <= snap.now_ns < p.end_ns), "")
    left = snap.load_ends_ns - snap.now_ns
    head = Text(no_wrap=True, overflow="ellipsis")
    head.append(f" {name} ", style="bold reverse")
    head.append(f"  {snap.doing}", style="bold")
    if phase and snap.doing == "storm":
        head.append(f": {phase}", style="bold cyan")
    elapsed = show_duration(max(0, snap.now_ns) // NS_PER_S * NS_PER_S) if snap.now_ns >= NS_PER_S else "0s"
    head.append(f"   {elapsed} gone")
    if left > 0:
        head.append(f", {show_duration(max(1, left // NS_PER_S) * NS_PER_S)} of load left", style="dim")
    return head


def _timeline(snap: Snapshot, width: int) -> Text:
    """Phases and faults on one axis, with a mark where we are."""
    span = max(1, snap.load_ends_ns)
    columns = max(20, width - 12)

    def column(at_ns: int) -> int:
        return max(0, min(columns - 1, at_ns * columns // span))

    phases = [" "] * columns
    for phase in snap.phases:
        begin, end = column(phase.start_ns), column(phase.end_ns)
        for i, letter in enumerate(f"|{phase.name}"[: max(1, end - begin)]):
            phases[begin + i] = letter
    text = Text(no_wrap=True, overflow="crop")
    text.append(" phases    ", style="dim").append("".join(phases) + "\n", style="cyan")
    text.append(" ")
    text.append(f"{'now':<10}", style="dim")
    done = column(snap.now_ns)
    text.append("━" * done, style="cyan").append("╸" if done < columns else "").append(
        "─" * (columns - done - 1), style="dim"
    )
    for link in dict.fromkeys(f.planned.link or "commands" for f in snap.faults):
        text.append("\n ").append(f"{link[:9]:<10}", style="dim")
        at = 0
        for fault in sorted(
            (f for f in snap.faults if (f.planned.link or "commands") == link), key=lambda f: f.planned.from_ns
        ):
            begin, end = column(fault.planned.from_ns), column(fault.planned.to_ns)
            label = f"{fault.planned.brownout} {fault.state}"
            bar = max(1, end - begin)
            text.append(" " * max(0, begin - at))
            text.append("▓" * bar, style=_FAULT_STYLE.get(fault.state, ""))
            text.append(f" {label}", style=_FAULT_STYLE.get(fault.state, ""))
            at = max(begin, at) + bar + len(label) + 1
    return text


def _middle(snap: Snapshot, width: int) -> Table:
    """Funnel on the left, what became of them on the right."""
    funnel = Table.grid(padding=(0, 1))
    for _ in range(4):
        funnel.add_column(justify="right")
    top = max(1, snap.funnel["arrived"])
    before = top
    bar_width = max(8, width // 2 - 34)
    for name in FUNNEL:
        n = snap.funnel[name]
        share = f"{100 * n / before:.0f}%" if before else ""
        funnel.add_row(
            Text(name, style="dim"),
            f"{n:,}",
            Text(share, style="dim"),
            Text("█" * round(bar_width * n / top), style="green"),
        )
        funnel.columns[3].justify = "left"
        before = n or before
    ends = Table.grid(padding=(0, 1))
    ends.add_column(justify="right", style="dim")
    ends.add_column(justify="right")
    ends.add_row("planned", f"{snap.planned:,}")
    ends.add_row("on site", f"{snap.active:,}")
    ends.add_row("dropped", Text(f"{snap.dropped:,}", style="bold red" if snap.dropped else ""))
    rest = {end: n for end, n in snap.ends.items() if end != "confirmed"}
    told = "  ".join(f"{end} {n:,}" for end, n in list(rest.items())[:3])
    ends.add_row("told no", told or "-")
    ends.add_row("in doubt", Text(f"{snap.open_info:,}", style="bold yellow" if snap.open_info else ""))
    table = Table.grid(expand=True)
    table.add_column(ratio=3)
    table.add_column(ratio=2)
    table.add_row(
        Panel(funnel, title="funnel", title_align="left", border_style="dim"),
        Panel(ends, title="fans", title_align="left", border_style="dim"),
    )
    return table


def _sparks(snap: Snapshot, width: int) -> Table:
    seconds = snap.seconds[:-1] if len(snap.seconds) > 1 else snap.seconds  # the running second is not whole yet
    last = seconds[-1] if seconds else None
    room = max(20, width - 34)
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", width=9)
    table.add_column(width=room, no_wrap=True)
    table.add_column(justify="right")

    def row(name: str, values: list[float], now: str, style: str) -> None:
        table.add_row(f" {name}", Text(sparkline(values, room), style=style), now)

    row("arrivals", [s.arrived for s in seconds], f"{last.arrived if last else 0}/s", "cyan")
    row("sent", [s.sent for s in seconds], f"{last.sent if last else 0}/s  x{snap.amplification:.2f}", "blue")
    row("goodput", [s.resolved for s in seconds], f"{last.resolved if last else 0} settled/s", "green")
    row(
        "trouble",
        [s.trouble for s in seconds],
        f"{last.trouble if last else 0}/s  shed {last.shed if last else 0}/s",
        "red",
    )
    row("slowest", [s.slowest_ns for s in seconds], show_duration(last.slowest_ns) if last else "-", "magenta")
    return table


def _ledger(snap: Snapshot, price: Callable[[int], str]) -> Text:
    text = Text(" books    ", style="dim", no_wrap=True, overflow="ellipsis")
    if not snap.ledger:
        return text.append(" no live source", style="dim")
    for name, value in sorted(snap.ledger.items()):
        label = name.split(".", 1)[-1]
        shown = price(value) if label.endswith("_minor") else f"{value:,}"
        text.append(f" {label.removesuffix('_minor')} ", style="dim").append(shown, style="bold")
    return text


def _generator(snap: Snapshot) -> Text:
    good, words = in_plain_words(snap.vitals, snap.dropped, snap.lost)
    return Text(" we are   ", style="dim", no_wrap=True, overflow="ellipsis").append(
        f" {words}", style="green" if good else "bold yellow"
    )


def _log(snap: Snapshot, lines: int, width: int) -> Panel:
    text = Text(no_wrap=True, overflow="ellipsis")
    for i, (at_ns, said) in enumerate(snap.log[-lines:]):
        text.append("\n" if i else "").append(f"{at_ns / NS_PER_S:7.1f}s ", style="dim").append(said)
    return Panel(text, border_style="dim", title="events", title_align="left", height=lines + 2)
