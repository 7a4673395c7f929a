"""The verdict in a terminal: a sentence, a table that fits 80 columns, and where to read on."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from surgectl.report.summary import Summary, in_order

_STYLE = {"pass": "green", "unknown": "yellow", "fail": "bold red"}
_BORDER = {"pass": "green", "unknown": "yellow", "fail": "red"}


def render(summary: Summary, folder: str) -> RenderableType:
    """What `surgectl run` and `surgectl report` print at the end."""
    parts: list[RenderableType] = [
        Panel(
            Text(clean(summary.headline)),
            title=Text(f" {summary.verdict.upper()} · exit {summary.exit_code} ", style="bold"),
            title_align="left",
            border_style=_BORDER[summary.verdict],
        )
    ]
    table = Table(box=None, pad_edge=False, header_style="dim", expand=False)
    for name in ("", "invariant", "checked", "bad"):
        table.add_column(name, justify="right" if name in ("checked", "bad") else "left", no_wrap=True)
    table.add_column("in words", overflow="fold")
    for finding in in_order(summary.invariants):
        if not finding.configured:
            continue
        words = Text(clean(finding.summary))
        if finding.verdict == "unknown" and finding.reason:
            words.append(f" ({clean(finding.reason)})", style="dim")
        table.add_row(
            Text(finding.verdict, style=_STYLE[finding.verdict]),
            finding.id,
            f"{finding.considered:,}",
            Text(f"{finding.violations:,}", style="bold red" if finding.violations else "dim"),
            words,
        )
    parts.append(Padding(table, (1, 0, 0, 0)))
    demands = Table(box=None, pad_edge=False, show_header=False)
    for threshold in summary.thresholds:
        demands.add_row(
            Text(threshold.verdict, style=_STYLE[threshold.verdict]),
            Text(threshold.expression),
            Text(clean(threshold.observed)),
        )
    for fault in summary.chaos:
        good = fault.applied and fault.verified and fault.healed
        what = " ".join(
            f"{word}" if yes else f"NOT {word}"
            for word, yes in (("applied", fault.applied), ("verified", fault.verified), ("healed", fault.healed))
        )
        demands.add_row(
            Text("pass" if good else "unknown", style=_STYLE["pass" if good else "unknown"]),
            Text(f"{fault.brownout} on {fault.link or 'command'}"),
            Text(what),
        )
    for item in summary.coverage:
        if item.required is not None:
            verdict = "pass" if item.met else "unknown"
            demands.add_row(Text(verdict, style=_STYLE[verdict]), Text(f"{item.id} {item.required}"), Text(item.seen))
    if demands.row_count:
        parts.append(Padding(demands, (1, 0, 0, 0)))
    for finding in summary.invariants:
        if finding.verdict == "fail" and finding.examples:
            example = finding.examples[0]
            parts.append(Text(f"\n{finding.id}: {clean(example.what)}", style="bold"))
            for moment in example.timeline[:12]:
                at = "" if moment.at_s is None else f"{moment.at_s:9.3f}s"
                parts.append(
                    Text(
                        f"  {at:>10} {moment.lane:<9}{clean(moment.text)}",
                        style="dim",
                        overflow="ellipsis",
                        no_wrap=True,
                    )
                )
    if summary.next_steps:
        steps = Text("\nnext: ", style="bold")
        steps.append("\n      ".join(clean(step) for step in summary.next_steps[:4]), style="not bold")
        parts.append(steps)
    parts.append(Text(f"\n{folder}/report.html", style="bold", overflow="fold"))
    parts.append(Text(f"again: {summary.run.command}", style="dim", overflow="fold"))
    return Group(*parts)


def clean(text: str) -> str:
    """Text from outside without control characters: a shop's reply must not move a cursor or ring a bell."""
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)
