"""The matrix for people: wrong shops by seed, right shops by brownout, and then whatever went wrong."""

from __future__ import annotations

from collections import Counter

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from surgectl.selftest.cell import Cell
from surgectl.selftest.matrix import Matrix, Told
from surgectl.selftest.verdict import Word
from surgectl.text import one_line

MARKS: dict[Word, tuple[str, str]] = {
    "caught": ("✓", "green"),
    "innocent": ("✓", "green"),
    "missed": ("✗", "bold red"),
    "accused": ("✗", "bold red"),
    "hiding": ("h", "bold magenta"),
    "not-exercised": ("·", "yellow"),
    "inconclusive": ("?", "yellow"),
}
LEGEND = "✓ caught, or acquitted   ✗ missed, or accused   h hiding   · not exercised   ? inconclusive"
_TROUBLE: tuple[Word, ...] = ("missed", "accused", "hiding", "inconclusive", "not-exercised")


def show(found: Matrix, console: Console) -> None:
    """Print it all."""
    rich = console.is_terminal
    if found.defects:
        console.print(_offences(found, rich))
    if any(told.defect is None for told in found.cells):
        console.print(_innocents(found, rich))
    if rich and found.cells:
        console.print(Text(LEGEND, "dim"))
    for told in found.cells:
        if told.verdict in _TROUBLE:
            console.print(line(told), soft_wrap=True)
            if told.kept:
                console.print(f"  recording: {told.kept}", highlight=False, markup=False, soft_wrap=True)
    console.print(Text(sentence(found), "bold green" if not found.wrong and found.complete else "bold"), soft_wrap=True)


def line(told: Told) -> Text:
    """One rehearsal in one line: `missed         double-charge seed 3 plain (7.3 s): …`"""
    _, style = MARKS[told.verdict]
    text = Text.assemble((f"{told.verdict:<14}", style), f"{told.name} ({told.seconds:.1f} s)")
    said = "; ".join([*([", ".join(told.caught_by)] if told.caught_by else []), *([told.why] if told.why else [])])
    if said:
        text.append(f": {one_line(said, 500)}")
    if told.played_again:
        text.append(f" [played again: {one_line(told.first_why, 200)}]", "dim")
    return text


def sentence(found: Matrix) -> str:
    """`24 defects, 24 caught, 0 rehearsals missed; 180 correct shops acquitted, 0 accused, 0 hiding; …`"""
    said = (
        f"{found.defects} defects, {len(found.caught)} caught, {len(found.missed)} missed; "
        f"{found.innocent_runs} correct shops acquitted, {len(found.accused)} accused, {len(found.hiding)} hiding; "
        f"{len(found.not_exercised)} not exercised, {len(found.inconclusive)} inconclusive; {found.seconds:.0f} s"
    )
    return f"stopped: {said}" if found.stopped else said


def under_way(cells: list[Cell], done: int, total: int, words: Counter[Word], seconds: float) -> Text:
    """The line that moves while it plays."""
    said = Text.assemble((f"selftest {done}/{total}", "bold"), f"  {int(seconds) // 60}:{int(seconds) % 60:02d}  ")
    for word, count in words.items():
        mark, style = MARKS[word]
        said.append(f"{mark} {count} {word}  ", style)
    said.append(" | ".join(cell.name for cell in cells), "dim")
    said.truncate(200, overflow="ellipsis")
    return said


def _offences(found: Matrix, rich: bool) -> Table:
    table = _table("wrong shops", rich)
    for column in ("defect", "seeds", "caught by", "also failed", "exercised"):
        table.add_column(column, justify="right" if column == "exercised" else "left", no_wrap=column != "also failed")
    for defect, share in found.exercised.items():
        mine = [told for told in found.cells if told.defect == defect]
        by = Counter(name for told in mine for name in told.caught_by)
        also = Counter(name for told in mine for name in told.also_failed)
        table.add_row(defect, _marks(mine), _counted(by, len(mine)), _counted(also, len(mine)), f"{share:.0%}")
    return table


def _innocents(found: Matrix, rich: bool) -> Table:
    table = _table("the right shop", rich)
    for column in ("under", "plain", "disguised", "seconds"):
        table.add_column(column, justify="right" if column == "seconds" else "left", no_wrap=True)
    rows: dict[str, list[Told]] = {}
    for told in found.cells:
        if told.defect is None:
            rows.setdefault(told.brownout or f"{told.scene} (scene)", []).append(told)
    for name, mine in rows.items():
        halves = [[told for told in mine if told.disguised is half] for half in (False, True)]
        mean_s = sum(told.seconds for told in mine) / len(mine)
        table.add_row(name, *(_words(half) for half in halves), f"{mean_s:.1f}")
    return table


def _table(title: str, rich: bool) -> Table:
    if rich:
        return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    return Table(title=title, title_justify="left", box=None, pad_edge=False)


def _marks(mine: list[Told]) -> Text:
    return Text.assemble(*(MARKS[told.verdict] for told in mine))


def _words(mine: list[Told]) -> Text:
    counts = Counter(told.verdict for told in mine)
    parts = [(f"{count} {word}", MARKS[word][1]) for word, count in counts.items()]
    return Text(", ").join(Text(*part) for part in parts) if parts else Text("-", "dim")


def _counted(names: Counter[str], of: int) -> str:
    """`DUPCHARGE, GHOST 2/5`: how often, where it was not always."""
    return ", ".join(name if times == of else f"{name} {times}/{of}" for name, times in names.most_common())
