"""docs/thresholds.md has an example of each form, and each of them is understood."""

from __future__ import annotations

import re

import pytest

from surgectl.thresholds.grammar import ThresholdError, parse
from surgectl.thresholds.threshold import EVENTS
from tests.docs.pages import ROOT, after, table

PAGE = (ROOT / "docs/thresholds.md").read_text("utf-8")


@pytest.mark.parametrize("row", table(PAGE), ids=lambda row: row[0])
def test_each_example_is_understood(row: list[str]) -> None:
    """What the table shows can be written."""
    assert parse(row[1].strip("`")).text == row[1].strip("`")


def test_the_profile_on_the_page_is_understood() -> None:
    """The list in the profile too."""
    texts = re.findall(r'- "(.*)"', after("thresholds", PAGE))
    assert len(texts) == 4 and [parse(text).text for text in texts] == texts


def test_every_event_is_named() -> None:
    """Whatever can be counted stands on the page."""
    assert [event for event in EVENTS if f"`{event}`" not in PAGE] == []


def test_the_mark_on_the_page_is_the_real_one() -> None:
    """The refusal that the page shows is the one that is printed."""
    typed = re.search(r"--threshold '(.*fro 10s)'\n(.*\n.*)\nsurgectl: (.*)\n", PAGE)
    assert typed
    with pytest.raises(ThresholdError) as caught:
        parse(typed[1])
    assert (caught.value.caret(), str(caught.value)) == (typed[2], typed[3])
