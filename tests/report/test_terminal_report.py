"""The end of a run in a terminal: the verdict where the eye is, within 80 columns, whatever the shop says."""

from __future__ import annotations

import io

import msgspec
from rich.cells import cell_len
from rich.console import Console

from surgectl.report import terminal
from surgectl.report.summary import Summary
from tests.report.hostile import hostile
from tests.report.sample import summary


def printed(told: Summary, width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(terminal.render(told, "reports/x/latest"))
    return out.getvalue()


def test_the_verdict_and_what_to_do_come_last() -> None:
    """Verdict, next steps, the report's path and the command to repeat it are the last thing on the screen."""
    lines = printed(summary()).rstrip("\n").split("\n")
    places = [
        next(i for i, text in enumerate(lines) if word in text)
        for word in ("FAIL · exit 11", "next 1.", "report ", "again ")
    ]
    assert places == sorted(places) and len(lines) - places[0] < 16
    assert lines[-2].strip() == "report reports/x/latest/report.html"


def test_it_fits_eighty_columns() -> None:
    """No line is wider than the terminal."""
    for width in (80, 60):
        assert max(cell_len(text.rstrip()) for text in printed(summary(), width).split("\n")) <= width


def test_every_configured_invariant_demand_fault_and_coverage_is_there() -> None:
    """All that weighs is said; what is not configured is left to the report."""
    text = printed(summary())
    for word in (
        "DUPCHARGE",
        "CONSERVE",
        "OVERSELL",
        "p99(confirm) < 3s",
        "applied, verified, healed",
        "lost_replies 1",
    ):
        assert word in text
    assert "REFUND" not in text and "payments_after_fault" not in text
    assert "fan 377 was charged twice" in text and "14.049s provider" in text


def test_a_fault_left_behind_is_shouted() -> None:
    """NOT HEALED stands in the table as a failure."""
    left = msgspec.structs.replace(summary().chaos[0], healed=False)
    line = next(t for t in printed(msgspec.structs.replace(summary(), chaos=[left])).split("\n") if "NOT HEALED" in t)
    assert line.startswith("fail")


def test_a_hostile_shop_leaves_it_intact() -> None:
    """No control character but the line break reaches the terminal, and a flood stays a page."""
    text = printed(hostile())
    assert not [c for c in text if c != "\n" and not c.isprintable()]
    assert len(text) < 60_000 and "more characters]" in text


def test_a_long_story_keeps_its_beginning_and_its_end() -> None:
    """The middle of a long timeline is left to the page, and counted; a hundred guilty findings tell three stories."""
    told = summary()
    guilty = told.invariants[0]
    timeline = [msgspec.structs.replace(guilty.examples[0].timeline[0], text=f"moment {i}.") for i in range(40)]
    example = msgspec.structs.replace(guilty.examples[0], timeline=timeline)
    text = printed(
        msgspec.structs.replace(told, invariants=[msgspec.structs.replace(guilty, examples=[example])] * 100)
    )
    assert text.count("moment 0.") == text.count("moment 39.") == text.count("24 more moments in report.html") == 3
    assert "moment 12." not in text
