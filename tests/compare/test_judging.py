"""One word for two runs, the books before the numbers, and no comparison of apples with pears."""

from __future__ import annotations

import copy
import io
from typing import Any

import msgspec
import pytest
from rich.console import Console

from surgectl.cli.compare import compared, opened, rendered, share_of
from surgectl.errors import UsageError
from surgectl.report.compare import page, terminal
from surgectl.report.compare.differences import differences
from surgectl.report.compare.judging import compare, stretches
from surgectl.report.compare.model import Comparison
from surgectl.report.summary import ChaosLine
from tests.compare.draws import run_of
from tests.compare.sides import REHEARSAL, finding, side
from tests.docs.pages import ROOT
from tests.report.hostile import EVIL

SLOW = {"seconds": run_of(2, seconds=60, slower=3, memory=0.2)}
FAST = {"seconds": run_of(1, seconds=60, memory=0.2)}


def held(a: Any, b: Any, **options: Any) -> Comparison:
    return compare(a, b, replicates=100, **options)


def test_a_slower_shop_is_worse() -> None:
    """Exit 10, and the sentence names the number with its interval."""
    found = held(side(**FAST), side(**SLOW, run="b"))
    assert (found.said, found.exit_code) == ("worse", 10)
    assert "confirm p50 +" in found.headline


def test_what_looks_worse_and_is_not_shown_is_said_all_the_same() -> None:
    """A short run that took three times as long proves nothing, and the sentence does not hide it: exit 0, or 12."""
    a, b = side(run_of(1, seconds=10)), side(run_of(2, seconds=10, slower=3), run="b")
    found = held(a, b)
    assert (found.said, found.exit_code) == ("can't tell", 0)
    assert found.headline.startswith("Can't tell, though it looks worse: confirm p50 +")
    assert held(a, b, strict=True).exit_code == 12


def test_books_that_broke_are_worse_whatever_the_numbers_say() -> None:
    """A faster shop that charges twice is worse: exit 11."""
    found = held(side(**SLOW), side(**FAST, run="b"), strict=False)
    assert found.said == "better"
    found = held(side(SLOW["seconds"], finding("DUPCHARGE")), side(FAST["seconds"], finding("DUPCHARGE", "fail", 3)))
    assert (found.said, found.exit_code) == ("worse", 11)
    assert "DUPCHARGE (3)" in found.headline


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        ("pass", "pass", "same"),
        ("pass", "fail", "worse"),
        ("unknown", "fail", "worse"),
        ("fail", "fail", "same"),
        ("fail", "pass", "better"),
        ("pass", "unknown", "can't tell"),
        ("unknown", "pass", "can't tell"),
    ],
)
def test_what_the_books_say_is_a_fact(then: str, now: str, said: str) -> None:
    """An invariant's verdicts in both runs, and never unknown taken for a pass."""
    run = run_of(1, seconds=60)
    found = held(side(run, finding("OVERSELL", then)), side(run, finding("OVERSELL", now), run="b"))
    assert [fact.said for fact in found.facts] == [said]


def test_only_the_books_are_facts() -> None:
    """What is a statistic, or our own health, is no book, though one of the runs alone has it."""
    run = run_of(1, seconds=60)
    slow, books = finding("CONFIRM_LAT", "fail", 1, kind="statistical"), finding("OVERSELL")
    for a, b in (((slow, books), (books,)), ((books,), (slow, books))):
        assert [fact.id for fact in held(side(run, *a), side(run, *b, run="b")).facts] == ["OVERSELL"]
    gone = held(side(run, books), side(run, run="b")).facts
    assert [(fact.id, fact.candidate, fact.said) for fact in gone] == [("OVERSELL", "not checked", "can't tell")]


def test_a_report_without_phases_is_compared_over_all_its_seconds() -> None:
    """An older report may name none: its load is as long as its seconds are."""
    bare, whole = side(run_of(1, seconds=60)), side(run_of(1, seconds=60))
    summary = msgspec.structs.replace(bare.summary, run=msgspec.structs.replace(bare.summary.run, phases=[]))
    found = held(msgspec.structs.replace(bare, summary=summary, rehearsal={}), whole)
    assert found.seconds == 60
    assert [row.baseline for row in found.rows if row.id == "goodput"] == [
        row.candidate for row in found.rows if row.id == "goodput"
    ]


@pytest.mark.parametrize("verdict", ["fail", "unknown"])
def test_a_starved_run_is_no_measure(verdict: str) -> None:
    """Neither as baseline nor as the new run: can't tell, and why; but what the books prove still stands."""
    starved = finding("GENERATOR", verdict, kind="harness")
    for a, b in ((side(FAST["seconds"], starved), side(**SLOW)), (side(**FAST), side(SLOW["seconds"], starved))):
        found = held(a, b)
        assert (found.said, found.exit_code) == ("can't tell", 0)
        assert "generator" in found.headline
        assert held(a, b, strict=True).exit_code == 12
    broken = held(side(FAST["seconds"], starved), side(SLOW["seconds"], finding("GHOST", "fail", 1)))
    assert broken.exit_code == 11


def test_a_run_that_was_stopped_is_no_measure() -> None:
    """An aborted run's seconds are those of another story."""
    assert "did not come to its end" in held(side(**FAST, status="aborted"), side(**SLOW)).headline


def test_different_rehearsals_are_refused_field_by_field() -> None:
    """Another sale, other fans, another surgectl: exit 2 and each of them named; --force compares and says so."""
    other = copy.deepcopy(REHEARSAL)
    other["sale"]["tickets"] = 200
    other["fans"] = {"patient": "50%", "bot": "50%"}
    a, b = side(**FAST), side(**SLOW, rehearsal=other, version="2")
    with pytest.raises(UsageError) as refused:
        compared(a, b)
    said = str(refused.value)
    assert "sale.tickets: 100, now 200" in said
    assert "fans.bot: –, now 50%" in said
    assert "version of surgectl: 1, now 2" in said
    assert compared(a, b, force=True).forced


@pytest.mark.parametrize(
    ("change", "refuses"),
    [
        ({"seed": 7}, False),
        ({"profile": "other"}, True),
        ({"target": "other"}, True),
        ({"digest": "another"}, True),
        ({"digest": "another", "seed": 7}, False),
    ],
)
def test_what_makes_another_rehearsal(change: dict[str, Any], refuses: bool) -> None:
    """A seed is another crowd of the same rehearsal; another plan of the same seed hides another retry profile."""
    found = differences(side(**FAST), side(**FAST, **change))
    assert any(one.refuses for one in found) is refuses
    assert found


@pytest.mark.parametrize(
    ("part", "value", "refuses"),
    [
        ("stage", {"provider_latency": "150ms"}, False),
        ("expect", {"thresholds": ["p95(confirm) < 1s"]}, False),
        ("load", [{"phase": "on-sale", "rate": "30/s", "for": "60s"}], True),
        ("chaos", [{"at": "10s", "for": "5s", "link": "payments", "brownout": "down"}], True),
    ],
)
def test_the_shop_may_change_the_storm_may_not(part: str, value: Any, refuses: bool) -> None:
    """What the stage is like is what one wants to compare; who comes and what breaks has to be the same."""
    found = differences(side(**FAST), side(**FAST, rehearsal={**REHEARSAL, part: value}))
    assert {one.refuses for one in found} == {refuses}


def test_a_shop_that_is_talked_to_otherwise_is_another() -> None:
    """Two journeys are two rehearsals, even against one target's name."""
    found = differences(side(**FAST, journey="a"), side(**FAST, journey="b"))
    assert [one.path for one in found if one.refuses] == ["the target's journey"]


def test_old_reports_are_compared_by_what_they_hold() -> None:
    """Without their profile the phases and faults of both decide, and a note says so."""
    old = side(**FAST, rehearsal={})
    longer = side(run_of(2, seconds=90), rehearsal={})
    assert [one.path for one in differences(old, longer) if one.refuses] == ["phases"]
    assert any("holds no profile" in note for note in held(old, old).notes)


def test_stretches_follow_phases_and_faults() -> None:
    """Short ones join their neighbour, so that each has seconds enough to be drawn from."""
    fault = ChaosLine(
        link="payments",
        brownout="down",
        planned_from_s=20,
        planned_to_s=32,
        applied=True,
        healed=True,
        verified=True,
        applied_at_s=20.2,
        healed_at_s=32.4,
    )
    summary = msgspec.structs.replace(side(run_of(1, seconds=50)).summary, chaos=[fault])
    assert stretches(summary, 52) == [0] * 20 + [1] * 12 + [2] * 20
    assert stretches(summary, 3) == [0, 0, 0]
    assert stretches(summary, 24) == [0] * 24
    assert stretches(summary, 25) == [0] * 20 + [1] * 5


def test_the_terminal_fits_eighty_columns() -> None:
    """No line is longer, whatever is compared."""
    long = side(**SLOW, run="b" * 200, profile="a-very-long-name " * 9)
    console = Console(file=io.StringIO(), width=80, color_system=None)
    console.print(terminal.render(held(side(**FAST), long)))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, text.splitlines())) <= 80
    assert "confirm p95" in text


def test_hostile_words_stay_words() -> None:
    """What a profile or a shop is called leaves terminal, page and JSON intact."""
    a, b = side(**FAST), side(**SLOW, profile=EVIL, target=EVIL)
    found = held(a, b)
    html = page.render(found, a, b)
    assert "<script>document" not in html
    console = Console(file=io.StringIO(), width=80, color_system=None)
    console.print(terminal.render(found))
    assert "\x1b" not in console.file.getvalue()  # type: ignore[attr-defined]
    assert msgspec.json.decode(rendered(found))["candidate"]["profile"]


def test_comparison_json_is_the_same_bytes_each_time() -> None:
    """Schema, no NaN, and no chance."""
    first, again = (rendered(held(side(**FAST), side(**SLOW, run="b"))) for _ in range(2))
    assert first == again
    told = msgspec.json.decode(first)
    assert told["schema"] == "surgectl.comparison/1"
    assert msgspec.json.decode(first, type=Comparison).said == "worse"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nowhere", "no report"),
        ("README.md", "not a report"),
        ("reports/sample/run.json", "a report of format"),
        ("tests", "name a run's folder, or a report.json"),
    ],
)
def test_what_is_no_report_is_told_so(path: str, said: str) -> None:
    """One line that says what, where and what to try."""
    with pytest.raises(UsageError, match=said):
        opened(ROOT / path)


def test_a_band_is_a_share() -> None:
    """5 % is one; five is none, and neither is all of it."""
    assert share_of("5%") == 0.05
    for wrong in ("5", "100%", "-3%", "much"):
        with pytest.raises(UsageError, match="--band"):
            share_of(wrong)
