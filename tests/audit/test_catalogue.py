"""The catalogue of invariants is what the checkers say of themselves."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from surgectl.audit.catalogue import page
from surgectl.audit.checkers.registry import CHECKERS

PAGE = Path(__file__).parents[2] / "docs" / "invariants.md"


def test_page_is_in_step() -> None:
    """docs/invariants.md is the page that the docstrings make; write it anew by `PAGE.write_text(page())`."""
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("name", CHECKERS)
def test_docstrings_say_all(name: str) -> None:
    """Each checker says its definition, its inputs, its settling rule and its severity."""
    doc = inspect.getmodule(CHECKERS[name]).__doc__ or ""
    assert all(f"\n{label}: " in doc for label in ("Definition", "Inputs", "Settling", "Severity"))
    assert doc.partition("\n")[0].endswith(".")
