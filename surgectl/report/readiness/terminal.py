"""Go or no-go in a terminal of 80 columns."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from surgectl.report.readiness.model import ReadinessReport, Rehearsed
from surgectl.text import one_line, tamed

_STYLE = {"go": "green", "no-go": "red", "not shown": "yellow"}
_WORD = {"pass": "green", "unknown": "yellow", "fail": "bold red"}


def render(report: ReadinessReport, place: str) -> RenderableType:
    """The decision, a line for each rehearsal, what to do next, and where the page is."""
    r = tamed(report, one_line)
    table = Table(box=None, pad_edge=False, width=80)
    for name, justify in (("rehearsal", "left"), ("verdict", "left"), ("exit", "right"), ("in a sentence", "left")):
        table.add_column(name, justify=justify, header_style="dim")  # type: ignore[arg-type]
    for one in r.rehearsals:
        table.add_row(
            Text(one.profile, style="bold"),
            Text(one.verdict if one.played else "–", style=_WORD[one.verdict]),
            str(one.exit_code) if one.played or one.exit_code != 12 else "–",
            Text(one.headline),
        )
    parts: list[RenderableType] = [
        Panel(
            Text(r.headline, style="bold"),
            title=f" {r.decision.upper()} · exit {r.exit_code} ",
            title_align="left",
            border_style=_STYLE[r.decision],
            width=80,
        ),
        table,
    ]
    if failed := [(one, demand) for one in r.rehearsals for demand in one.demands if demand.verdict != "pass"]:
        parts.append(Text())
        parts += [_failed(one, demand.text, demand.verdict, demand.observed) for one, demand in failed]
    parts += [Text(), *(Text(f"→ {step}") for step in r.next_steps), Text(), Text(place, style="bold")]
    return Group(*parts)


def _failed(one: Rehearsed, text: str, verdict: str, observed: str) -> Text:
    return Text.assemble((f"{verdict} ", _WORD[verdict]), f"{one.profile}: {text} – {observed}")
