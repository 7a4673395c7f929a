"""Every artefact is what it was; where a change is meant, `python -m tests.report.golden` writes it down again."""

from __future__ import annotations

import pytest

from tests.report import golden

NAMES = ["junit.xml", "summary.md", "annotations.txt", "terminal.txt", "report.html.txt"]


@pytest.mark.parametrize("name", NAMES)
def test_an_artefact_is_what_it_was(name: str) -> None:
    """The sample's summary gives the same junit.xml, summary.md, annotations, screen and words of report.html."""
    assert golden.of_the_summary(golden.summary())[name] == golden.gold(name)


@pytest.mark.real
def test_the_recording_says_what_it_said() -> None:
    """The sample recording, audited anew, gives the same report.json and latency.hlog."""
    for name, text in golden.of_the_recording().items():
        assert text == golden.gold(name), name


def test_every_artefact_is_written_down() -> None:
    """Nothing lies there that no test compares, and it stays small enough to be read in a diff."""
    found = list(golden.GOLD.iterdir())
    assert {path.name for path in found} == {*NAMES, "report.json", "latency.hlog.txt"}
    assert sum(path.stat().st_size for path in found) < 250_000
