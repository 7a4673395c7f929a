"""A plan as a picture: when people come, when things break, and whether the books can settle in time."""

from __future__ import annotations

import io
import sys

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from surgectl.plan.build import Plan
from surgectl.plan.model import PlannedFault, Setting, Settling
from surgectl.plan.settling import EVENTUAL
from surgectl.units import NS_PER_S, show_duration

_BLOCKS = " ▁▂▃▄▅▆▇█"
_COLOURS = ("black on yellow", "white on red", "black on cyan", "white on magenta", "black on green")
_CHART_ROWS = 8
_LONG_VALUE = 24
"""Longer values wrap when the settings are shown side by side."""
_LABEL = 11
"""Columns left of the time axis."""


def console_for_results() -> Console:
    """Stdout for people: a terminal that cannot show a character shows a question mark, never an error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return Console(highlight=False)


class _Axis:
    """The run's seconds on the terminal's columns: one axis for arrivals, phases and faults."""

    def __init__(self, plan: Plan, width: int) -> None:
        self.columns = max(width - _LABEL - 1, 20)
        self.end_ns = max([plan.duration_ns, *(fault.to_ns for fault in plan.faults)])

    def column(self, at_ns: int) -> int:
        return min(round(at_ns * self.columns / self.end_ns), self.columns)


def picture(plan: Plan, console: Console, *, digest: str, target: str | None, notes: list[str]) -> RenderableType:
    """Everything that `surgectl plan` draws, for this console's width."""
    axis = _Axis(plan, console.width)
    plain = not console.encoding.lower().startswith("utf")
    # Settings first: what stands last is what is still on the screen.
    parts: list[RenderableType] = [
        *_settings(plan, console.width),
        Text(),
        _headline(plan, digest, target),
        Text(),
        *_chart(plan, axis, plain),
        *_chaos(plan, axis, plain),
        Text(),
        _crowd(plan),
        Text(),
        *_settling(plan.settling),
    ]
    parts += [hung("!        ", "yellow", Text(note)) for note in notes]
    return Group(*parts)


def _headline(plan: Plan, digest: str, target: str | None) -> Text:
    text = Text.assemble((plan.rehearsal.name, "bold"), f" against {target}" if target else " (no target)")
    facts = [
        f"{plan.fans_total:,} fans in {show_duration(plan.duration_ns)}",
        f"peak {plan.peak_rate_per_s:,.4g}/s",
        f"{len(plan.faults)} fault{'s' if len(plan.faults) != 1 else ''}",
        f"seed {plan.seed}",
    ]
    text.append("\n" + " · ".join(facts))
    text.append(f"\ndigest {digest}", "dim")
    return text


def _chart(plan: Plan, axis: _Axis, plain: bool) -> list[Text]:
    buckets = axis.column(plan.duration_ns)
    rates = [point.rate_per_s for point in plan.rate_curve(max(buckets, 1))]
    top = max(rates)
    rows: list[Text] = []
    for row in range(_CHART_ROWS, 0, -1):
        cells = "".join(_cell(rate / top * _CHART_ROWS - (row - 1), plain) for rate in rates)
        label = f"{_rate(top * row / _CHART_ROWS)}" if row in (_CHART_ROWS, _CHART_ROWS // 2) else ""
        rows.append(Text.assemble((f"{label:>{_LABEL - 1}} ", "dim"), ("|" if plain else "┤", "dim"), (cells, "cyan")))
    return [*rows, _ruler(axis, plain), _ticks(axis), _phases(plan, axis)]


def _cell(height: float, plain: bool) -> str:
    """One character of a column: nothing, a part of a block, or all of it. Whoever comes is seen."""
    if plain:
        return "#" if height >= 0.5 else " "
    return _BLOCKS[min(max(round(height * 8), 1 if height > 0 else 0), 8)]


def _rate(per_s: float) -> str:
    return f"{per_s:,.0f}/s" if per_s >= 10 else f"{per_s:.2g}/s"


def _ruler(axis: _Axis, plain: bool) -> Text:
    line = ["-" if plain else "─"] * axis.columns
    for at_ns in _tick_times(axis):
        column = axis.column(at_ns)
        if column < axis.columns:
            line[column] = "+" if plain else "┬"
    return Text(" " * _LABEL + ("+" if plain else "└") + "".join(line), "dim")


def _tick_times(axis: _Axis) -> list[int]:
    """Round instants, about one for every 12 columns."""
    wanted_ns = axis.end_ns / max(axis.columns / 12, 1)
    steps = [NS_PER_S // 1000 * n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)]
    steps += [NS_PER_S * n for n in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400)]
    step_ns = next((step for step in steps if step >= wanted_ns), steps[-1])
    return list(range(0, axis.end_ns + 1, step_ns))


def _ticks(axis: _Axis) -> Text:
    line = [" "] * (_LABEL + 1 + axis.columns)
    free_from = 0
    for at_ns in _tick_times(axis):
        label = show_duration(at_ns) if at_ns else "0s"
        at = _LABEL + 1 + axis.column(at_ns)
        if at >= free_from and at + len(label) <= len(line):
            line[at : at + len(label)] = label
            free_from = at + len(label) + 1
    return Text("".join(line).rstrip(), "dim")


def _phases(plan: Plan, axis: _Axis) -> Text:
    """The phases' names, each where it begins; one too narrow for its name is cut."""
    text = Text(f"{'phases':>{_LABEL - 1}}  ", "dim")
    for number, phase in enumerate(plan.phases):
        room = axis.column(phase.end_ns) - axis.column(phase.start_ns)
        name = f"{phase.name} {phase.fans:,}" if len(f"{phase.name} {phase.fans:,}") < room else phase.name
        shown = f"▏{name}"[:room]
        text.append(f"{shown:<{room}}", "bold blue" if number % 2 == 0 else "bold magenta")
    return text


def _chaos(plan: Plan, axis: _Axis, plain: bool) -> list[Text]:
    """A row for each link; windows that overlap on one link take further rows."""
    colours = {
        name: _COLOURS[n % len(_COLOURS)] for n, name in enumerate(dict.fromkeys(f.brownout for f in plan.faults))
    }
    lines: list[Text] = []
    for link in dict.fromkeys(fault.link for fault in plan.faults):
        rows: list[list[PlannedFault]] = []
        for fault in (fault for fault in plan.faults if fault.link == link):
            row = next((row for row in rows if row[-1].to_ns <= fault.from_ns), None)
            if row is None:
                rows.append([fault])
            else:
                row.append(fault)
        for number, row in enumerate(rows):
            label = (link or "commands")[: _LABEL - 1] if number == 0 else ""
            lines.append(_bars(label, row, axis, colours, plain))
    return lines


def _bars(label: str, row: list[PlannedFault], axis: _Axis, colours: dict[str, str], plain: bool) -> Text:
    text = Text(f"{label:>{_LABEL - 1}}  ", "bold")
    at = 0
    for number, fault in enumerate(row):
        begin, end = axis.column(fault.from_ns), axis.column(fault.to_ns)
        end = max(end, begin + 1)
        begin = max(begin, at)
        if end <= begin:
            continue
        text.append(" " * (begin - at))
        window = f"{show_duration(fault.from_ns)}-{show_duration(fault.to_ns)}"
        name = fault.brownout if fault.toxicity is None else f"{fault.brownout} {fault.toxicity:.0%}"
        room = end - begin
        inside = next((words for words in (f"{name} {window}", name) if len(words) + 2 <= room), "")
        filler = "#" if plain else "░"
        text.append((f" {inside} " if inside else "").center(room, filler), colours[fault.brownout])
        at = end
        if not inside:
            until = axis.column(row[number + 1].from_ns) if number + 1 < len(row) else axis.columns
            beside = next((f" {words}" for words in (f"{name} {window}", name) if len(words) + 2 <= until - at), "")
            text.append(beside, "italic")
            at += len(beside)
    return text


def _crowd(plan: Plan) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0), expand=True)
    table.add_column("fans", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("about", justify="right", no_wrap=True)
    table.add_column("who they are", overflow="ellipsis", no_wrap=True, ratio=1)
    for name, share in plan.rehearsal.fans.items():
        retry = plan.retries.get(name)
        about = retry.about.split(". ")[0].split(": ")[0].rstrip(".") if retry else ""
        table.add_row(name, str(share), f"{round(share * plan.fans_total):,}", Text(about, "dim"))
    sale = plan.rehearsal.sale
    mean = sum(qty * share for qty, share in sale.wants.items())
    wanted = plan.fans_total * mean * sum(share * _buys(plan, name) for name, share in plan.rehearsal.fans.items())
    table.add_section()
    table.add_row(
        "all",
        "100%",
        f"{plan.fans_total:,}",
        Text(f"want about {wanted:,.0f} tickets; {sale.tickets:,} are on sale ({wanted / sale.tickets:,.1f} for each)"),
        style="bold",
    )
    return table


def _settling(settling: Settling) -> list[RenderableType]:
    sum_ = " + ".join(f"{name.removeprefix('+')} {show_duration(ns)}" for name, ns in settling.parts)
    if settling.enough:
        verdict = Text(f"within settle.at_most {show_duration(settling.at_most_ns)}", "green")
    else:
        verdict = Text(
            f"longer than settle.at_most {show_duration(settling.at_most_ns)}: what is still pending then ends"
            f" unknown ({', '.join(EVENTUAL)})",
            "yellow",
        )
    window = Text.assemble((show_duration(settling.window_ns), "bold"), f" = {sum_}")
    return [hung("settling ", "bold", Group(window, verdict))]


def _buys(plan: Plan, fan: str) -> float:
    """The share of these fans who came to buy, and not only to look."""
    retry = plan.retries.get(fan)
    return 1.0 - float(retry.looks.leaves) if retry is not None and retry.looks is not None else 1.0


def hung(label: str, style: str, body: RenderableType) -> Table:
    """A label, and text beside it that keeps its left edge when it wraps."""
    grid = Table.grid()
    grid.add_column(no_wrap=True, min_width=len(label))
    grid.add_column()
    grid.add_row(Text(label, style), body)
    return grid


def _settings(plan: Plan, width: int) -> list[RenderableType]:
    """Every effective value with its origin; in two halves where there is room."""
    if not plan.settings:
        return []
    half = (len(plan.settings) + 1) // 2
    needs = sum(
        max(len(text) for text in texts)
        for texts in (
            [setting.path for setting in plan.settings],
            [setting.value[:_LONG_VALUE] for setting in plan.settings],
            [setting.origin for setting in plan.settings],
        )
    )
    if 2 * (needs + 4) + 3 > width:
        return [_settings_table(plan.settings)]
    grid = Table.grid(padding=(0, 3), expand=True)
    grid.add_column(ratio=1)
    grid.add_column(ratio=1)
    grid.add_row(_settings_table(plan.settings[:half]), _settings_table(plan.settings[half:]))
    return [grid]


def _settings_table(settings: tuple[Setting, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("setting", no_wrap=True, min_width=max(len(setting.path) for setting in settings))
    table.add_column("value", overflow="fold")
    table.add_column("from", no_wrap=True, min_width=max(len(setting.origin) for setting in settings))
    for setting in settings:
        style = "dim" if setting.origin == "default" else ""
        table.add_row(Text(setting.path, style), Text(setting.value, style), Text(setting.origin, style))
    return table
