"""The screen: every section visible at every size, nothing scrolls, nothing that the shop says is obeyed."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from surgectl.live.dashboard import ASCII, FINE, Dashboard, screen
from surgectl.live.health import in_plain_words
from surgectl.live.plain import line
from surgectl.live.snapshot import Snapshot
from surgectl.live.sparkline import bars, on_axis, sparkline
from surgectl.live.timeline import Axis, link_lines, phase_lines
from surgectl.live.view import LiveView
from surgectl.plan.model import PlannedFault, PlannedPhase
from surgectl.recording.rows import FaultRow, VitalsRow
from surgectl.units import show_money
from tests.live import history

S = history.S
SECTIONS = (
    "phases",
    "now",
    "payments",
    "arrived",
    "joined",
    "held",
    "paying",
    "confirmed",
    "planned",
    "on site",
    "left with",
    "in doubt",
    "probe",
    "arrivals",
    "requests",
    "goodput",
    "trouble",
    "slowest",
    "books",
    "we are",
    "events",
)


def price(minor: int) -> str:
    return show_money(minor, "EUR")


def played(until_s: float, faults: tuple[PlannedFault, ...] = history.FAULTS) -> LiveView:
    view = LiveView(history.PHASES, faults, history.FANS, history.LOAD_ENDS_NS)
    view.doing = "storm"
    view.ledger("payments", {"charged_minor": 8900, "refunded_minor": 0})
    for row in history.rows():
        if history.when_ns(row) <= until_s * S:
            view.fold(row)
    return view


def seen(until_s: float, **more) -> Snapshot:
    return played(until_s, **more).snapshot(round(until_s * S))


@pytest.mark.parametrize("width,height", [(80, 24), (200, 60), (81, 25), (120, 40), (100, 26)])
@pytest.mark.parametrize("until_s", [0, 14, 95])
def test_every_section_is_visible_and_the_screen_is_exactly_filled(width: int, height: int, until_s: float) -> None:
    """From 80 x 24 up the screen has exactly the terminal's lines, none too wide, and room for two events or more."""
    lines = screen("ticket-drop", seen(until_s), price, width, height)
    assert len(lines) == height
    assert max(cell_len(drawn.plain) for drawn in lines) <= width
    text = "\n".join(drawn.plain for drawn in lines)
    for section in SECTIONS:
        assert section in text, section
    events = next(i for i, drawn in enumerate(lines) if "events" in drawn.plain)
    assert height - events - 1 >= 2


@pytest.mark.parametrize("width,height", [(20, 5), (40, 12), (60, 16), (80, 10), (5, 2)])
def test_a_terminal_that_is_too_small_is_filled_and_never_overrun(width: int, height: int) -> None:
    """Too small a terminal loses sections from the end, and nothing crashes."""
    lines = screen("ticket-drop", seen(14), price, width, height)
    assert len(lines) <= height
    assert max(cell_len(drawn.plain) for drawn in lines) <= width


def test_the_log_shows_the_newest_events() -> None:
    """However much happened, the last event is on the screen."""
    view = played(14)
    for i in range(500):
        view.say(i * S, f"event number {i}")
    text = "\n".join(drawn.plain for drawn in screen("x", view.snapshot(14 * S), price, 80, 24))
    assert "event number 499" in text and "event number 400" not in text


def test_what_the_shop_says_moves_no_cursor() -> None:
    """Escape codes, NULs, line breaks and turning marks in details, ends and names are shown spelled out."""
    view = played(14)
    view.fold(
        FaultRow(fault="0", event="applied", at_ns=S, link="pay\x1b[2J", brownout="slow\u202e", detail="a\nb\0" * 999)
    )
    view.ledger("sh\x1bop", {"so\x1b[31mld\n": 1})
    view.doing = "sto\x1b]0;evil\x07rm"
    lines = screen("drop\x1b[5m", view.snapshot(14 * S), price, 80, 24)
    text = "\n".join(drawn.plain for drawn in lines)
    assert len(lines) == 24 and len(text.split("\n")) == 24
    assert not [c for c in text if c != "\n" and not c.isprintable()]
    assert "\\x1b" in line(view.snapshot(14 * S)) and "\x1b" not in line(view.snapshot(14 * S))


def test_without_unicode_the_screen_is_ascii() -> None:
    """A terminal that knows no Unicode gets the same screen in ASCII."""
    text = "\n".join(drawn.plain for drawn in screen("ticket-drop", seen(14), price, 80, 24, ASCII))
    assert text.isascii()


def test_no_color_means_no_escape_codes() -> None:
    """NO_COLOR draws without colours, a dumb terminal without any code."""
    for options in ({"no_color": True, "color_system": "truecolor"}, {"color_system": None}):
        out = io.StringIO()
        console = Console(file=out, width=80, height=24, force_terminal=options["color_system"] is not None, **options)
        console.print(Dashboard("ticket-drop", lambda: seen(14), price))
        drawn = out.getvalue()
        assert "lost-reply verified" in drawn
        assert not [code for code in range(30, 48) if f"[{code}m" in drawn or f";{code}m" in drawn]
        if options["color_system"] is None:
            assert "\x1b" not in drawn


def test_a_phase_without_room_goes_a_line_down_and_is_whole() -> None:
    """A five-second phase keeps its whole name; only where no line is left is it cut, and then with a mark."""
    axis = Axis(columns=44, span_ns=history.LOAD_ENDS_NS)
    two = phase_lines(history.PHASES, axis, "│", "…", most=2)
    assert "│on-sale" in two[0] and "│tail" in two[0] and "│doors" in two[1]
    assert two[0].index("│") == two[1].index("│") == 0
    (one,) = phase_lines(history.PHASES, axis, "│", "…", most=1)
    assert one.startswith("│…│on-sale") or one.startswith("│ │on-sale")
    (wide,) = phase_lines(history.PHASES, Axis(columns=164, span_ns=history.LOAD_ENDS_NS), "│", "…", most=2)
    assert "│doors" in wide and "│on-sale" in wide and "│tail" in wide


def test_many_short_phases_never_write_over_each_other() -> None:
    """Twenty phases of equal length fit their line, whatever their names."""
    phases = tuple(
        PlannedPhase(
            name=f"a-long-name-{i}", start_ns=i * S, end_ns=(i + 1) * S, first_fan=0, fans=1, peak_rate_per_s=1
        )
        for i in range(20)
    )
    for most in (1, 2):
        lines = phase_lines(phases, Axis(columns=44, span_ns=20 * S), "│", "…", most=most)
        assert all(len(drawn) == 44 for drawn in lines)
        assert sum(drawn.count("│") for drawn in lines[:1]) >= 19


def fault(number: int, link: str, from_s: int, to_s: int) -> PlannedFault:
    return PlannedFault(fault=str(number), from_ns=from_s * S, to_ns=to_s * S, link=link, brownout="slow" * 20)


def test_faults_are_drawn_where_they_are_and_named_where_there_is_room() -> None:
    """A fault at the very end of the axis, or beyond it, and a name of eighty letters: the line keeps its width."""
    faults = tuple(fault(i, "payments", from_s, to_s) for i, (from_s, to_s) in enumerate([(0, 1), (84, 85), (90, 120)]))
    axis = Axis(columns=44, span_ns=85 * S)
    view = LiveView(history.PHASES, faults, 1, 85 * S)
    ((name, drawn, said),) = link_lines(view.snapshot(0).faults, 0, axis, "▓", "…")
    assert (name, len(drawn.plain)) == ("payments", 44)
    assert drawn.plain[0] == drawn.plain[43] == "▓" and drawn.plain[1:42].strip() == ""
    assert "planned" in said.plain
    for width in (80, 100):
        shown = screen("x", view.snapshot(0), price, width, 24)
        assert max(cell_len(text.plain) for text in shown) <= width


def test_many_links_share_what_room_there_is() -> None:
    """Twelve links at 80 x 24: some are shown, the rest is counted, nothing is pushed off the screen."""
    faults = tuple(fault(i, f"dependency-{i}", i, i + 3) for i in range(12))
    lines = screen("x", LiveView(history.PHASES, faults, 1, 85 * S).snapshot(0), price, 80, 24)
    text = "\n".join(drawn.plain for drawn in lines)
    assert len(lines) == 24 and "more links" in text and "we are" in text and "events" in text
    shown = sum("dependen…" in drawn.plain for drawn in lines)
    assert f"and {12 - shown} more links" in text


def test_bars_are_scaled_and_stacked() -> None:
    """Nothing is blank, the least is visible, the most is full; two lines have twice the resolution."""
    assert sparkline([0, 1, 50, 100], 10) == " ▁▄█"
    assert sparkline([1, 2, 3], 2) == "▅█" and sparkline([], 5) == "" and sparkline([0, 0], 5) == "  "
    assert bars([0, 4, 8], 2) == ["  █", " ██"]
    assert bars([5], 3) == ["█"] * 3
    assert sparkline([0, 1, 2], 5, plain=True).isascii()


def test_the_axis_joins_seconds_that_share_a_column_and_ends_where_time_ends() -> None:
    """Ten seconds of a hundred on ten columns fill one column with their largest; stretched, a second fills several."""
    assert on_axis(list(range(10)), 10, 100) == [9]
    assert on_axis([1, 2], 8, 4) == [1, 1, 2, 2]
    assert on_axis([1, 3, 5, 7], 2, 4, lambda v: sum(v) / len(v)) == [2, 6]
    assert on_axis([], 10, 10) == []


def test_the_plain_line_says_it_all_in_one_line() -> None:
    """Without a terminal one line carries time, counts, the fault and our own health."""
    said = line(seen(14))
    assert said.startswith("  14s storm") and "\n" not in said
    for word in (
        f"/{history.FANS}",
        "on site",
        "held",
        "confirmed",
        "in doubt",
        "FAULT lost-reply verified",
        "on time",
    ):
        assert word in said


@pytest.mark.parametrize(
    "vitals,dropped,good,word",
    [
        (None, 0, True, "warming up"),
        (VitalsRow(at_ns=0, lag_ns=5_000_000, cpu=0.4), 0, True, "on time"),
        (VitalsRow(at_ns=0, lag_ns=500_000_000, cpu=0.4), 0, False, "late by up to 500ms"),
        (VitalsRow(at_ns=0, lag_ns=0, cpu=0.4, arrival_lag_ns=2 * S), 0, False, "late by up to 2s"),
        (VitalsRow(at_ns=0, lag_ns=0, cpu=0.97), 0, False, "nearly out of CPU"),
        (VitalsRow(at_ns=0, lag_ns=0, cpu=0.4), 3, False, "3 arrivals dropped"),
        (None, 3, False, "3 arrivals dropped"),
    ],
)
def test_our_own_health_is_said_in_plain_words(vitals: VitalsRow | None, dropped: int, good: bool, word: str) -> None:
    """On time, late, out of CPU, dropping: said as it is, and never called good when it is not."""
    healthy, words = in_plain_words(vitals, dropped, 0)
    assert healthy is good and word in words


def test_marks_are_one_column_wide() -> None:
    """Every mark takes one column, or nothing would line up."""
    for marks in (FINE, ASCII):
        for mark in (marks.rule, marks.bar, marks.past, marks.here, marks.ahead, marks.fault, marks.phase, marks.cut):
            assert cell_len(mark) == 1
