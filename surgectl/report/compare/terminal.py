"""A comparison in a terminal of 80 columns: a sentence, the rows, what differs."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from surgectl.report.compare.model import Comparison, Differs, Row, Which
from surgectl.report.compare.words import amount, change, interval
from surgectl.text import one_line, tamed

_STYLE = {"same": "green", "better": "bold green", "worse": "bold red", "can't tell": "yellow"}
_BORDER = {"same": "green", "better": "green", "worse": "red", "can't tell": "yellow"}


def render(comparison: Comparison) -> RenderableType:
    """Everything that `surgectl compare` prints."""
    c = tamed(comparison, one_line)
    style = _BORDER[c.said]
    parts: list[RenderableType] = [
        Panel(
            Text(c.headline, style="bold"),
            title=f" {c.said.upper()} · exit {c.exit_code} ",
            title_align="left",
            border_style=style,
            width=80,
        ),
        _which("baseline", c.baseline),
        _which("new run ", c.candidate),
        Text(),
        _rows(c.rows),
    ]
    broke = [fact for fact in c.facts if fact.said != "same" or fact.why]
    if broke:
        table = Table(box=None, pad_edge=False, width=80)
        for name in ("the books", "baseline", "new run", ""):
            table.add_column(name, style=None, header_style="dim")
        for fact in broke:
            before, after = (
                f"{verdict} ({count:,})" if count else verdict
                for verdict, count in zip((fact.baseline, fact.candidate), fact.violations, strict=True)
            )
            table.add_row(fact.id, before, after, Text(fact.said, style=_STYLE[fact.said]))
        parts += [Text(), table]
    elif c.facts:
        parts += [Text(), Text(f"The books: {len(c.facts)} ledger invariants, the same in both.")]
    if c.once:
        table = Table(box=None, pad_edge=False, width=80)
        for name in ("once a run: shown, not judged", "baseline", "new run"):
            table.add_column(name, header_style="dim")
        for one in c.once:
            table.add_row(Text(one.name), Text(one.baseline), Text(one.candidate))
        parts += [Text(), table]
    parts += [Text(), *(_bullet(line) for line in _why(c.rows))]
    parts += [_bullet(difference(one)) for one in c.differs]
    parts += [_bullet(note) for note in c.notes]
    parts += [_bullet(step, "→ ") for step in c.next_steps]
    return Group(*parts)


def difference(one: Differs) -> str:
    """`load[1].fans: 90, now 120`."""
    return f"{one.path}: {one.baseline}, now {one.candidate}"


def _which(name: str, which: Which) -> RenderableType:
    text = Text.assemble((f"{name}  ", "dim"), f"{which.profile} seed {which.seed}, {which.started_at}")
    return text.append(f"  {which.place}", "dim")


def _rows(rows: list[Row]) -> Table:
    table = Table(box=None, pad_edge=False, width=80)
    for name, justify in (("", "left"), ("baseline", "right"), ("new run", "right"), ("difference", "right")):
        table.add_column(name, justify=justify, header_style="dim", no_wrap=bool(name))  # type: ignore[arg-type]
    table.add_column("95 % interval", justify="right", header_style="dim", no_wrap=True)
    table.add_column("", no_wrap=True)
    for row in rows:
        table.add_row(
            Text(row.name, style="bold" if row.main else ""),
            amount(row, row.baseline),
            amount(row, row.candidate),
            change(row, row.difference),
            interval(row),
            Text(row.said, style=_STYLE[row.said] if row.weighs else "dim"),
        )
    return table


def _why(rows: list[Row]) -> list[str]:
    """The reasons for `can't tell`, each with the rows that it holds for."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.said == "can't tell" and row.why:
            found.setdefault(row.why.split(" (")[0], []).append(row.name)  # the counts stand in the page
    return [f"{', '.join(names)}: {why}" for why, names in found.items()]


def _bullet(text: str, mark: str = "· ") -> Table:
    line = Table.grid(padding=0)
    line.width = 80
    line.add_column(width=len(mark))
    line.add_column(ratio=1)
    line.add_row(Text(mark, style="dim"), Text(text))
    return line
