"""Every artefact is what it was; where a change is meant, `python -m tests.report.golden` writes it down again."""

from __future__ import annotations

import msgspec
import pytest

from surgectl.report.compare.model import Comparison
from tests.report import golden

NAMES = ["junit.xml", "summary.md", "annotations.txt", "terminal.txt", "report.html.txt"]
COMPARED = ["comparison.json", "comparison.html.txt", "comparison.figure.json", "comparison.txt"]
LISTED = ["readiness.json", "readiness.html.txt", "readiness.txt"]


@pytest.mark.parametrize("name", NAMES)
def test_an_artefact_is_what_it_was(name: str) -> None:
    """The sample's summary gives the same junit.xml, summary.md, annotations, screen and words of report.html."""
    assert golden.of_the_summary(golden.summary())[name] == golden.gold(name)


def test_two_runs_are_held_beside_each_other_as_they_were() -> None:
    """The same two runs give the same comparison: JSON, the page's words and its charts, and the screen."""
    made = golden.of_two_runs(golden.summary())
    assert list(made) == COMPARED
    for name in COMPARED:
        assert made[name] == golden.gold(name), name


def test_the_written_comparison_holds_every_word() -> None:
    """A comparison whose rows all said the same would keep little: all four words stand in it, of rows and of books."""
    told = msgspec.json.decode(golden.gold("comparison.json"), type=Comparison)
    words = {"same", "better", "worse", "can't tell"}
    assert {row.said for row in told.rows if row.weighs} == {fact.said for fact in told.facts} == words
    assert told.differs and told.once and told.notes and told.next_steps


def test_a_list_of_rehearsals_is_told_as_it_was() -> None:
    """The same list gives the same readiness.json, words of its page, and screen."""
    made = golden.of_a_list(golden.summary())
    assert list(made) == LISTED
    for name in LISTED:
        assert made[name] == golden.gold(name), name


@pytest.mark.real
def test_the_recording_says_what_it_said() -> None:
    """The sample recording, audited anew, gives the same report.json and latency.hlog."""
    for name, text in golden.of_the_recording().items():
        assert text == golden.gold(name), name


def test_every_artefact_is_written_down() -> None:
    """Nothing lies there that no test compares, and it stays small enough to be read in a diff."""
    found = list(golden.GOLD.iterdir())
    assert {path.name for path in found} == {*NAMES, *COMPARED, *LISTED, "report.json", "latency.hlog.txt"}
    assert sum(path.stat().st_size for path in found) < 300_000
