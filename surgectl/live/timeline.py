"""Phases, faults and the present on one line each, all on the same axis."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich.text import Text

from surgectl.live.snapshot import FaultNow
from surgectl.plan.model import PlannedPhase
from surgectl.text import one_line

FAULT_STYLE = {
    "planned": "dim",
    "applied": "bold red",
    "verified": "bold red",
    "cleared": "yellow",
    "healed": "green",
    "failed": "bold magenta",
}


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """Time from left to right: `span_ns` nanoseconds on `columns` columns."""

    columns: int
    span_ns: int

    def column(self, at_ns: int) -> int:
        """The column of an instant; what lies outside is at the edge."""
        return max(0, min(self.columns - 1, at_ns * self.columns // self.span_ns))


def phase_lines(phases: Sequence[PlannedPhase], axis: Axis, mark: str, cut: str, *, most: int) -> list[str]:
    """The phases' names where they begin. One without room goes a line down; on the last line it is cut with a mark."""
    lines = [[" "] * axis.columns for _ in range(most)]
    starts = [axis.column(phase.start_ns) for phase in phases]
    used = 0
    for i, phase in enumerate(phases):
        begin = starts[i]
        label = mark + one_line(phase.name, 60)
        for row, line in enumerate(lines):
            # On the first line the next phase begins where it begins; further down there is room until the next name.
            end = starts[i + 1] if i + 1 < len(starts) and row == 0 else axis.columns
            fits = len(label) <= end - begin and all(c == " " for c in line[begin : begin + len(label) + 1])
            if fits or row == most - 1:
                space = len(label) if fits else max(0, end - begin)
                shown = (
                    label if len(label) <= space else label[: max(0, space - 1)] + cut if space > 1 else mark[:space]
                )
                line[begin : begin + len(shown)] = shown
                if row and lines[0][begin] == " ":
                    lines[0][begin] = mark
                used = max(used, row)
                break
    return ["".join(line[: axis.columns]) for line in lines[: used + 1]]


def now_line(now_ns: int, axis: Axis, past: str, here: str, ahead: str) -> Text:
    """How much is behind us and how much ahead."""
    done = axis.column(now_ns)
    return Text.assemble((past * done, "cyan"), (here, "bold"), (ahead * (axis.columns - done - 1), "dim"))


def link_lines(
    faults: Sequence[FaultNow], now_ns: int, axis: Axis, mark: str, cut: str, links: Sequence[str] = ()
) -> list[tuple[str, Text, Text]]:
    """For each link its name, its faults on the axis, and in words the one that matters now. Those of `links` that have
    none come last: nothing is wrong there."""
    lines = []
    by_link: dict[str, list[FaultNow]] = {}
    for fault in faults:
        by_link.setdefault(fault.planned.link or "commands", []).append(fault)
    for link, found in by_link.items():
        cells = [(" ", "")] * axis.columns
        for fault in found:
            begin, end = axis.column(fault.planned.from_ns), axis.column(fault.planned.to_ns)
            for i in range(begin, max(begin + 1, end)):
                cells[i] = (mark, FAULT_STYLE.get(fault.state, ""))
        matters = _matters(found, now_ns)
        said = Text(f"{one_line(matters.planned.brownout, 40)} {matters.state}", FAULT_STYLE.get(matters.state, ""))
        lines.append((_name(link, cut), Text.assemble(*cells), said))
    for link in links:
        if link not in by_link:
            lines.append((_name(link, cut), Text(" " * axis.columns), Text("no fault", "dim")))
    return lines


def _name(link: str, cut: str) -> str:
    return link if len(link) <= 9 else link[:8] + cut


def _matters(faults: Sequence[FaultNow], now_ns: int) -> FaultNow:
    """The one that is on; else the one that went wrong; else the next to come; else the last that was."""
    on = [f for f in faults if f.state in ("applied", "verified", "cleared")]
    failed = [f for f in faults if f.state == "failed"]
    coming = sorted((f for f in faults if f.state == "planned"), key=lambda f: f.planned.from_ns)
    return (on or failed or coming or sorted(faults, key=lambda f: -f.planned.to_ns))[0]
