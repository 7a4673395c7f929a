"""RESULTS.md: what is measured anew replaces what was measured, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.results import BEGIN, END, replaced

PAGE = Path(__file__).parents[2] / "benchmarks" / "RESULTS.md"


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    page = PAGE.read_text(encoding="utf-8")
    once = replaced(page, "| wire | 1 |")
    assert once.partition(BEGIN)[0] == page.partition(BEGIN)[0] and once.partition(END)[2] == page.partition(END)[2]
    assert once.partition(BEGIN)[2].partition(END)[0] == "\n\n| wire | 1 |\n\n"
    assert replaced(once, "| wire | 1 |") == once
    for broken in ("nothing", f"{BEGIN} {BEGIN} {END}", f"{BEGIN}{END}{END}", f"{END}{BEGIN}"):
        with pytest.raises(ValueError, match="once each"):
            replaced(broken, "")
