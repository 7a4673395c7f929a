"""Go means that all of it was shown; what could not be shown is no go, and what is broken is no-go."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from surgectl import gate
from surgectl.cli.readiness import rendered
from surgectl.report.readiness import page, terminal
from surgectl.report.readiness.model import ReadinessReport, Rehearsed, decision, rehearsed_of, told
from tests.report.hostile import EVIL, hostile
from tests.report.sample import summary


def ended(*codes: int) -> list[Rehearsed]:
    return [Rehearsed(number=n + 1, profile=f"p{n}", played=True, exit_code=code) for n, code in enumerate(codes)]


def report(*codes: int, signalled: int | None = None) -> ReadinessReport:
    return told("x", "", ended(*codes), version="1", started_at="", ended=signalled is None, signalled=signalled)


@pytest.mark.parametrize(
    ("codes", "worst", "said"),
    [
        ((0, 0, 0), 0, "go"),
        ((0, 12, 0), 12, "not shown"),
        ((0, 10, 12), 10, "no-go"),
        ((10, 11, 12), 11, "no-go"),
        ((0, 14, 0), 14, "no-go"),
        ((0, 13, 0), 13, "not shown"),
        ((70, 11, 0), 11, "no-go"),
        ((70, 10, 0), 70, "no-go"),
        ((70, 0, 0), 70, "not shown"),
        ((0, 99, 0), 12, "not shown"),
        ((), 12, "not shown"),
    ],
)
def test_the_worst_wins(codes: tuple[int, ...], worst: int, said: str) -> None:
    """A proven violation before all else, a failed demand before what nobody can say; nothing at all is no go."""
    assert gate.worst(codes) == worst
    assert decision(ended(*codes)) == said


def test_a_signal_is_worse_than_a_missed_demand_and_no_worse_than_a_violation() -> None:
    """As in a single run: 130 ends the list, but what the books prove stands."""
    assert report(0, 10, signalled=130).exit_code == 130
    assert report(0, 11, signalled=130).exit_code == 11
    assert report(0, 130, signalled=130).decision == "not shown"


def test_a_rehearsal_that_was_never_played_is_no_go_for_nobody() -> None:
    """An exit code of 0 that nobody saw is not one."""
    parts = [*ended(0), Rehearsed(number=2, profile="late")]
    assert decision(parts) == "not shown"
    assert decision([msgspec.structs.replace(parts[0], played=False)]) == "not shown"


def test_what_to_do_next_is_of_those_that_are_not_well() -> None:
    """What the books prove comes first, then the list's order; who is well is not spoken of; then all of it again."""
    fine, slow, wrong = ended(0, 10, 11)
    late = Rehearsed(number=4, profile="late", headline="not played: no such profile")
    slow = msgspec.structs.replace(slow, next_steps=["look at p95", "and then"])
    found = told("x", "", [fine, slow, wrong, late], version="1", started_at="", ended=True)
    assert found.next_steps == [
        "p2: open its report",
        "p1: look at p95",
        "late: not played: no such profile",
        "Then play the whole list again: a go is of all of them, on one day.",
    ]
    (kept,) = report(0, 0).next_steps
    assert kept.startswith("Keep this page")


def test_the_page_links_and_tells() -> None:
    """Decision, a row and a section for each, a link to each report, and no script."""
    found = rehearsed_of(ended(0)[0], summary(), report="../../drop/1/report.html")
    html = page.render(told("x", "y", [found], version="1", started_at="", ended=True))
    assert 'href="../../drop/1/report.html"' in html
    assert "<script" not in html
    assert found.headline in html.replace("&#39;", "'")
    assert "script-src" not in html


def test_hostile_words_stay_words() -> None:
    """What a shop said reaches page, terminal and JSON as text."""
    part = rehearsed_of(Rehearsed(number=1, profile="x", why=EVIL), hostile(), report="r.html")
    made = told(EVIL, EVIL, [part], version="1", started_at="", ended=True)
    assert "<script" not in page.render(made)
    console = Console(file=io.StringIO(), width=80, color_system=None)
    console.print(terminal.render(made, "readiness.html"))
    assert "\x1b" not in console.file.getvalue()  # type: ignore[attr-defined]
    assert len(page.render(made)) < 200_000
    assert msgspec.json.decode(rendered(made))["schema"] == "surgectl.readiness/1"


def test_the_terminal_fits_eighty_columns() -> None:
    """With long names and sentences."""
    part = rehearsed_of(Rehearsed(number=1, profile="x", why="?"), summary(), report="r.html")
    long = msgspec.structs.replace(part, profile="a-very-long-profile-name-indeed", headline="word " * 60)
    console = Console(file=io.StringIO(), width=80, color_system=None)
    console.print(terminal.render(told("x", "", [long], version="1", started_at="", ended=True), "readiness.html"))
    assert max(map(len, console.file.getvalue().splitlines())) <= 80  # type: ignore[attr-defined]
