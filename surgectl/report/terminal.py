"""The verdict in a terminal: a sentence, a table that fits 80 columns, and where to read on."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from surgectl.audit.finding import Example, Verdict
from surgectl.report.summary import Summary, fate_of, in_order, verdict_of
from surgectl.text import one_line

_STYLE = {"pass": "green", "unknown": "yellow", "fail": "bold red"}
_BORDER = {"pass": "green", "unknown": "yellow", "fail": "red"}
_MOST_STEPS = 5
_FIRST_MOMENTS, _LAST_MOMENTS = 5, 11
_MOST_STORIES = 3


def render(summary: Summary, folder: str, *, written: bool = True) -> RenderableType:
    """What `surgectl run` and `surgectl report` print at the end: the verdict comes last, where the eye is by then."""
    parts: list[RenderableType] = [_invariants(summary), demands(summary)]
    guilty = [f for f in summary.invariants if f.verdict == "fail" and f.examples]
    for finding in guilty[:_MOST_STORIES]:
        parts += _story(finding.id, finding.examples[0])
    parts += [Text(), _verdict(summary)]
    if summary.next_steps:
        steps = Table.grid(padding=(0, 1))
        for number, step in enumerate(summary.next_steps[:_MOST_STEPS], 1):
            steps.add_row(Text("next" if number == 1 else "", style="bold"), f"{number}.", Text(_short(step)))
        parts.append(steps)
    if summary.run.facts:
        facts = ", ".join(f"{one_line(name, 40)} {one_line(fact, 80)}" for name, fact in summary.run.facts.items())
        parts.append(Text(f"shop   {facts}", style="dim", overflow="fold"))
    if summary.run.left_behind:
        parts.append(Text(f"left   {_short(summary.run.left_behind)}", style="yellow", overflow="fold"))
    if written:
        parts.append(Text(f"report {one_line(folder)}/report.html", style="bold", overflow="fold"))
    parts.append(Text(f"again  {one_line(summary.run.command)}", style="dim", overflow="fold"))
    return Group(*parts)


def _verdict(summary: Summary) -> Panel:
    return Panel(
        Text(_short(summary.headline), style="bold"),
        title=Text(f" {summary.verdict.upper()} · exit {summary.exit_code} ", style="bold"),
        title_align="left",
        border_style=_BORDER[summary.verdict],
    )


def _invariants(summary: Summary) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", expand=False)
    for name in ("", "invariant", "checked", "bad"):
        table.add_column(name, justify="right" if name in ("checked", "bad") else "left", no_wrap=True)
    table.add_column("in words", overflow="fold")
    # The worst stands last, next to the verdict.
    for finding in reversed(in_order(summary.invariants)):
        if not finding.configured:
            continue
        words = Text(_short(finding.summary))
        if finding.reason and (finding.verdict == "unknown" or finding.kind == "statistical"):
            words.append(f" ({_short(finding.reason)})", style="dim")
        table.add_row(
            _word(finding.verdict),
            Text(one_line(finding.id, 40)),
            f"{finding.considered:,}",
            Text(f"{finding.violations:,}", style="bold red" if finding.violations else "dim"),
            words,
        )
    return table


def demands(summary: Summary) -> RenderableType:
    """Thresholds, faults and coverage: what was asked for, and what was seen."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for threshold in summary.thresholds:
        table.add_row(_word(threshold.verdict), Text(_short(threshold.expression)), Text(_short(threshold.observed)))
    for fault in summary.chaos:
        what = Text(_short(f"{fault.brownout} on {fault.link or 'command'}"))
        verdict = verdict_of(fault)
        table.add_row(_word(verdict) if verdict else Text("-", "dim"), what, Text(fate_of(fault)))
    for item in summary.coverage:
        if item.required is not None:
            met: Verdict = "pass" if item.met else "unknown"
            table.add_row(_word(met), Text(_short(f"{item.id} {item.required}")), Text(_short(item.seen)))
    return Padding(table, (1, 0, 0, 0)) if table.row_count else Text()


def _story(finding: str, example: Example) -> list[RenderableType]:
    """How one example began and how it ended."""
    told: list[RenderableType] = [Text(f"\n{one_line(finding, 40)}: {_short(example.what)}", style="bold")]
    # The beginning says who it is, the end how it went wrong: the middle is left to the page.
    moments = example.timeline
    skipped = max(0, len(moments) - _FIRST_MOMENTS - _LAST_MOMENTS)
    for i, moment in enumerate(moments):
        if skipped and i == _FIRST_MOMENTS:
            told.append(Text(f"{'…':>13} {skipped} more moments in report.html", style="dim"))
        if not skipped or i < _FIRST_MOMENTS or i >= _FIRST_MOMENTS + skipped:
            at = "" if moment.at_s is None else f"{moment.at_s:9.3f}s"
            said = f"  {at:>10} {moment.lane:<9}{_short(moment.text)}"
            told.append(Text(said, style="dim", overflow="ellipsis", no_wrap=True))
    return told


def _word(verdict: Verdict) -> Text:
    return Text(verdict, style=_STYLE[verdict])


def _short(text: str) -> str:
    """One line's worth of what somebody else said."""
    return one_line(text, 400)
