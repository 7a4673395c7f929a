"""The rehearsal as it happens, on one screen.

Rich pulls a snapshot a few times a second; nothing is pushed. Fits 80 x 24 and grows with the terminal. Phases, faults
and every rate share one time axis, so that a dip stands under the fault that made it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from surgectl.live import prompt as prompts
from surgectl.live.books import books
from surgectl.live.health import in_plain_words
from surgectl.live.portion import Second
from surgectl.live.prompt import Prompt
from surgectl.live.snapshot import FUNNEL, Snapshot
from surgectl.live.sparkline import bars, on_axis
from surgectl.live.timeline import Axis, link_lines, now_line, phase_lines
from surgectl.text import one_line
from surgectl.units import NS_PER_S, show_duration

FRAMES_PER_S = 4
HINT = "Ctrl-C stops gently"
LABEL = 11
"""Columns of the label on the left of each line."""
SAID = 25
"""Columns on the right for what the line says in words."""
_MIDDLE_LINES, _SPARKS, _RULES = 5, 5, 3


class Marks(msgspec.Struct, frozen=True):
    """The characters to draw with."""

    rule: str
    bar: str
    past: str
    here: str
    ahead: str
    fault: str
    phase: str
    cut: str
    plain: bool


FINE = Marks(rule="─", bar="█", past="━", here="╸", ahead="─", fault="▓", phase="│", cut="…", plain=False)
ASCII = Marks(rule="-", bar="#", past="=", here=">", ahead="-", fault="#", phase="|", cut=".", plain=True)


class Dashboard:
    """A renderable that asks for a new snapshot each time it is drawn."""

    def __init__(
        self,
        name: str,
        look: Callable[[], Snapshot],
        price: Callable[[int], str],
        *,
        hint: str = HINT,
        asked: Callable[[], Prompt | None] = lambda: None,
    ) -> None:
        """`hint`: what can be pressed. `asked`: what somebody is being asked just now."""
        self._name = name
        self._look = look
        self._price = price
        self._hint = hint
        self._asked = asked

    def __repr__(self) -> str:
        return f"<Dashboard {self._name!r}>"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        marks = ASCII if options.ascii_only else FINE
        height = options.height or console.height
        lines = screen(
            self._name, self._look(), self._price, options.max_width, height, marks, self._hint, self._asked()
        )
        yield Text("\n", no_wrap=True, overflow="crop", end="").join(lines)


def screen(
    name: str,
    snap: Snapshot,
    price: Callable[[int], str],
    width: int,
    height: int,
    marks: Marks = FINE,
    hint: str = HINT,
    asked: Prompt | None = None,
) -> list[Text]:
    """The whole screen, `height` lines of at most `width` columns. The log of events gets what the rest leaves; what
    somebody is asked lies over the end of it."""
    columns = max(10, width - LABEL - SAID)
    axis = Axis(columns=columns, span_ns=max(1, snap.load_ends_ns, snap.now_ns))
    # Tall terminals get taller bars; each further row costs a line for each of the sparklines.
    rows = min(4, 1 + max(0, height - 26) // (2 * _SPARKS))
    fixed = 1 + 1 + _MIDDLE_LINES + _SPARKS * rows + 2 + _RULES
    phases = phase_lines(snap.phases, axis, marks.phase, marks.cut, most=2 if height >= fixed + 4 else 1)
    links = link_lines(snap.faults, snap.now_ns, axis, marks.fault, marks.cut, snap.links)
    most_links = max(1, height - fixed - len(phases) - 1)
    if len(links) > most_links:
        more = len(links) - most_links + 1
        links = [*links[: most_links - 1], ("", Text(" " * columns), Text(f"and {more} more links", style="dim"))]
    lines = [_header(name, snap)]
    for i, line in enumerate(phases):
        lines.append(
            _row("" if i else "phases", Text(line, style="cyan"), Text(_phase(snap), "cyan") if not i else Text())
        )
    lines.append(_row("now", now_line(snap.now_ns, axis, marks.past, marks.here, marks.ahead), _clock(snap)))
    lines += [_row(label, line, said) for label, line, said in links]
    lines.append(_rule(width, marks, (0, "from the door to the ticket"), (_half(width), "fans")))
    lines += _middle(snap, width, marks)
    lines.append(_rule(width, marks, (0, "each second")))
    lines += _sparks(snap, axis, rows, marks)
    lines += [_ledger(snap, price), _generator(snap)]
    lines.append(_rule(width, marks, (0, "events"), (width - len(hint) - 3, hint)))
    room = height - len(lines)
    lines += _log(snap, room)
    lines = lines[:height]
    if asked is not None:
        question = prompts.lines(asked, width)[:height]
        lines[height - len(question) :] = [Text(f"{line:<{width}}", style="bold reverse") for line in question]
    for drawn in lines:
        drawn.truncate(width, overflow="crop" if marks.plain else "ellipsis")
    return lines


def _row(label: str, drawn: Text, said: Text) -> Text:
    return Text.assemble((f" {one_line(label, 60)[: LABEL - 2]:<{LABEL - 1}}", "dim"), drawn, " ", said)


def _rule(width: int, marks: Marks, *titles: tuple[int, str]) -> Text:
    line = Text(style="dim")
    for at, title in titles:
        line.append(marks.rule * max(0, at - len(line))).append(f"{marks.rule} {title} ")
    return line.append(marks.rule * (width - len(line)))


def _half(width: int) -> int:
    return width * 3 // 5


def _header(name: str, snap: Snapshot) -> Text:
    head = Text.assemble((f" {one_line(name, 40)} ", "bold reverse"), "  ", (one_line(snap.doing, 60), "bold"))
    if snap.pausing:
        head.append("   ARRIVALS PAUSED", style="bold yellow")
    on = [f for f in snap.faults if f.state in ("applied", "verified", "cleared")]
    if on:
        head.append("   FAULT ON ", style="bold red").append(
            ", ".join(
                f"{one_line(f.planned.brownout, 30)} on {one_line(f.planned.link, 30) or 'a command'}" for f in on
            ),
            style="bold red",
        )
    return head


def _phase(snap: Snapshot) -> str:
    """The phase that we are in, and how long it lasts."""
    here = next((p for p in snap.phases if p.start_ns <= snap.now_ns < p.end_ns), None)
    if here is None:
        return ""
    left = _seconds(here.end_ns - snap.now_ns + NS_PER_S - 1)
    return f"{one_line(here.name, SAID - len(left) - 7)}, {left} left"


def _clock(snap: Snapshot) -> Text:
    if snap.now_ns < 0:
        return Text(f"begins in {_seconds(NS_PER_S - 1 - snap.now_ns)}", style="bold")
    said = Text(_seconds(snap.now_ns), style="bold")
    left = snap.load_ends_ns - snap.now_ns
    return said.append(f", {_seconds(left)} to go" if left >= NS_PER_S else ", load is over", style="dim")


def _seconds(ns: int) -> str:
    return show_duration(ns // NS_PER_S * NS_PER_S) if ns >= NS_PER_S else "0s"


def _middle(snap: Snapshot, width: int, marks: Marks) -> list[Text]:
    """The funnel on the left, what became of the fans on the right."""
    half = _half(width)
    left: list[Text] = []
    top = max(1, snap.funnel.get(FUNNEL[0], 0))
    before = top
    for name, n in snap.funnel.items():
        share = f"{100 * n / before:.0f}%" if before else ""
        line = Text.assemble((f" {name:<10}", "dim"), f"{n:>9,} ", (f"{share:>5} ", "dim"))
        room = half - len(line) - 2
        line.append(marks.bar * (max(1, round(room * n / top)) if n else 0), style="green")
        left.append(line)
        before = n
    told_no = "  ".join(f"{one_line(end, 20)} {n:,}" for end, n in snap.ends.items() if end != "confirmed")
    answered, probed = snap.probes
    dropped = Text(f"{snap.dropped:,} dropped", style="bold red" if snap.dropped else "dim")
    if snap.paused:
        paused = Text(f"{snap.paused:,} paused", style="yellow")
        dropped = Text.assemble(dropped, " ", paused) if snap.dropped else paused
    right = [
        ("planned", Text.assemble(f"{snap.planned:,}  ", dropped)),
        ("on site", Text(f"{snap.active:,}")),
        ("left with", Text(told_no or "-")),
        ("in doubt", Text(f"{snap.open_info:,}", style="bold yellow" if snap.open_info else "")),
        ("probe", Text(f"{100 * answered / probed:.1f}% of {probed:,}" if probed else "-")),
    ]
    lines = []
    for i, (label, said) in enumerate(right):
        line = left[i].copy() if i < len(left) else Text()
        line.truncate(half, pad=True)
        lines.append(line.append(f" {label:<10}", style="dim").append_text(said))
    return lines


def _sparks(snap: Snapshot, axis: Axis, rows: int, marks: Marks) -> list[Text]:
    # The running second is not whole yet: shown now, it would always look like a collapse.
    whole = snap.seconds[: max(0, snap.now_ns // NS_PER_S)]
    last = whole[-1] if whole and len(whole) == snap.now_ns // NS_PER_S else Second()
    lines: list[Text] = []
    for name, values, fold, now, style in (
        ("arrivals", [s.arrived for s in whole], _mean, f"{last.arrived:,}/s", "cyan"),
        ("requests", [s.sent for s in whole], _mean, f"{last.sent:,}/s {_repeats(snap)}", "blue"),
        ("goodput", [s.resolved for s in whole], _mean, f"{last.resolved:,}/s, {last.confirmed:,} tickets", "green"),
        ("trouble", [s.trouble + s.shed for s in whole], max, f"{last.trouble:,}/s, {last.shed:,} shed", "red"),
        ("slowest", [s.slowest_ns for s in whole], max, show_duration(last.slowest_ns), "magenta"),
    ):
        laid = on_axis(values, axis.columns, axis.span_ns / NS_PER_S, fold)
        for i, drawn in enumerate(bars(laid, rows, plain=marks.plain)):
            bottom = i == rows - 1
            lines.append(
                _row(name if bottom else "", Text(f"{drawn:<{axis.columns}}", style=style), Text(now if bottom else ""))
            )
    return lines


def _repeats(snap: Snapshot) -> str:
    """Amplification from fans to shop and, where somebody counts it, from shop to provider."""
    pay = books(snap.ledger).tries_a_payment
    return f" x{snap.amplification:.2f} repeats" if pay is None else f"x{snap.amplification:.2f}, pay x{pay:.2f}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _ledger(snap: Snapshot, price: Callable[[int], str]) -> Text:
    """What the books say while it happens, as far as anybody reads them: sold, charged, net, and what is open."""
    text = Text(f" {'books':<{LABEL - 1}}", style="dim")
    told = books(snap.ledger)

    def count(counters: Sequence[tuple[str, int, bool]]) -> None:
        for label, value, money in counters:
            text.append(f"{one_line(label, 40)} ", style="dim")
            text.append(f"{price(value) if money else f'{value:,}'}  ", style="bold")

    count(told.counters)
    text.append("open info ", style="dim").append(f"{snap.open_info:,}  ", "bold yellow" if snap.open_info else "bold")
    if told.missing:
        text.append(f"{', '.join(told.missing)}: ", style="dim").append("no live source  ", style="dim italic")
    count(told.more)
    return text


def _generator(snap: Snapshot) -> Text:
    good, words = in_plain_words(snap.vitals, snap.dropped, snap.lost, snap.workers, snap.late)
    return Text.assemble((f" {'we are':<{LABEL - 1}}", "dim"), (words, "green" if good else "bold yellow"))


def _log(snap: Snapshot, room: int) -> list[Text]:
    """The newest events; as many lines as there is room for, blank where nothing happened."""
    newest = snap.log[-room:] if room > 0 else []
    lines = [Text.assemble((f"{at_ns / NS_PER_S:8.1f}s ", "dim"), said) for at_ns, said in newest]
    return lines + [Text() for _ in range(max(0, room - len(lines)))]
