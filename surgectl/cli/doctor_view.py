"""What a doctor has to say: a table for a person, a line each for a script."""

from __future__ import annotations

from itertools import groupby

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from surgectl.doctor.checkup import Checkup, Examination
from surgectl.gate import MEANING

_LOOKS = {
    "pass": ("ok", "bold green"),
    "note": ("note", "yellow"),
    "unknown": ("?", "magenta"),
    "fail": ("FIX", "bold red"),
}
_NARROW = 100
"""Below it a name stands above what was seen: side by side both would be columns of syllables."""


def show(console: Console, told: Examination) -> None:
    """The whole examination, what must be put right last, since the last line is what is still on the screen."""
    if console.is_terminal:
        console.print(_table(told, console.width))
        _to_do(console, told)
    else:
        for one in told.checkups:
            console.print(line(one), markup=False, soft_wrap=True)
    console.print(_last(told), soft_wrap=True)


def _to_do(console: Console, told: Examination) -> None:
    """Once more, in short, what stood somewhere above."""
    todo: dict[tuple[str, str], list[str]] = {}
    for one in told.checkups:
        if one.verdict == "fail":
            todo.setdefault((one.part, one.fix or one.what), []).append(one.name)
    for number, ((part, fix), names) in enumerate(todo.items() if len(todo) > 1 else (), start=1):
        console.print(Text.assemble(f"{number}. ", (f"{part} {', '.join(names)}", "bold"), f": {fix}"))


def line(one: Checkup) -> str:
    """One checkup on one line, to be searched and cut."""
    fix = f" -> {one.fix}" if one.fix else ""
    return f"{one.verdict:<7} {one.part:<9} {one.name}: {one.what}{fix}"


def _table(told: Examination, width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=False, expand=True)
    table.add_column(no_wrap=True, width=9)
    table.add_column(no_wrap=True, width=4)
    if width >= _NARROW:
        table.add_column(overflow="fold", max_width=28)
    table.add_column(overflow="fold", ratio=1)
    for part, checkups in groupby(told.checkups, key=lambda one: one.part):
        for number, one in enumerate(checkups):
            mark, style = _LOOKS[one.verdict]
            head = Text(part if number == 0 else "", style="bold")
            said = Text(one.what)
            if width < _NARROW:
                said = Text.assemble((one.name, "bold"), "  ", said)
            if one.fix:
                said.append(f"\n→ {one.fix}", style if one.verdict == "fail" else "dim")
            cells = [head, Text(mark, style=style)]
            table.add_row(*cells, *([Text(one.name)] if width >= _NARROW else []), said)
        table.add_section()
    return table


def _last(told: Examination) -> Text:
    wrong = [one for one in told.checkups if one.verdict == "fail"]
    unknown = sum(one.verdict == "unknown" for one in told.checkups)
    unseen = f"; {unknown} could not be looked at" if unknown else ""
    about = told.target if told.profile is None else f"{told.profile} against {told.target}"
    if not wrong:
        return Text.assemble((f"{about}: nothing must be put right", "bold green"), unseen)
    many = "one thing" if len(wrong) == 1 else f"{len(wrong)} things"
    code = f" (exit {told.exit_code}: {MEANING[told.exit_code]})"
    return Text.assemble((f"{about}: {many} to put right", "bold red"), unseen, code)
