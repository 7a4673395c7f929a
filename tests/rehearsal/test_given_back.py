"""What a rehearsal bought is given back once the books are read, on every way out, and never instead of a verdict."""

from __future__ import annotations

import pytest

from tests.rehearsal.acting import Ended
from tests.rehearsal.given_back import STRANGER, ctrl_c, played

pytestmark = pytest.mark.real

WELL = played("stall-well")
FAILS = played("stall-fails", "TEARDOWN=fails")
STOPPED = played("stall-stopped", act=ctrl_c("buy"), silent=True)
PRESSED = played("stall-pressed", "TEARDOWN=slowly", act=ctrl_c("teardown"))
TWICE = played("stall-twice", act=ctrl_c("buy", times=2), silent=True)
EARLY = played("stall-early", "SETUP=hangs", act=ctrl_c("setup"))


@pytest.mark.parametrize("played", [WELL, PRESSED], indirect=True, ids=repr)
def test_what_was_bought_is_given_back(played: Ended) -> None:
    """The verdict is of what stood before: five sold. Afterwards only a stranger's order stands.

    A Ctrl-C that comes while it gives back does not keep it from that.
    """
    assert played.code == 0, played.said
    assert played.finding("OVERSELL")["considered"] == 5
    assert (played.extra["standing"], played.extra["stock"]) == ([STRANGER], 5)
    assert played.extra["log"][0] == "setup"
    assert played.extra["log"][-3:] == ["books", "teardown", "back"]
    assert played.report["run"]["left_behind"] == ""


@pytest.mark.parametrize("played", [FAILS], indirect=True, ids=repr)
def test_a_failing_teardown_is_said_and_changes_no_verdict(played: Ended) -> None:
    """Exit 0 as without it; at the terminal and in every report stands what was left behind, and why."""
    assert (played.code, played.finding("OVERSELL")["verdict"]) == (0, "pass"), played.said
    assert len(played.extra["standing"]) == 6
    why = (
        "the teardown failed, what was bought may still stand: target: teardown.run: python: exit 1: the till is locked"
    )
    assert played.report["run"]["left_behind"] == why
    assert why in played.err  # when it happened; below the verdict once more
    assert f"left {why}" in " ".join(played.out.split())
    assert why in (played.path / "report.html").read_text()
    assert "the till is locked" in (played.path / "summary.md").read_text()


@pytest.mark.parametrize("played", [STOPPED], indirect=True, ids=repr)
def test_a_stop_gives_back_when_the_last_fan_has_hung_up(played: Ended) -> None:
    """Exit 130 while fans wait for an answer: they hang up, the books are read, and then it is given back."""
    assert played.code == 130, played.said
    log = played.extra["log"]
    assert log.count("gone") == log.count("buy") > 0
    assert max(n for n, what in enumerate(log) if what == "gone") < log.index("teardown")
    assert (played.extra["standing"], log[-1]) == ([STRANGER], "back")
    assert (played.path / "evidence/orders.jsonl").read_text().count('"valid"') == 5


@pytest.mark.parametrize("played", [TWICE], indirect=True, ids=repr)
def test_a_second_signal_gives_nothing_back_and_says_so(played: Ended) -> None:
    """Who leaves at once may not have read the books: what was bought stays, and run.json says that it does."""
    assert played.code == 130, played.said
    assert "back" not in played.extra["log"] and len(played.extra["standing"]) == 6
    assert "the teardown was not run, what was bought still stands" in played.manifest["left_behind"]
    assert played.manifest["left_behind"] in played.out + played.err


@pytest.mark.parametrize("played", [EARLY], indirect=True, ids=repr)
def test_a_stop_in_the_middle_of_the_setup_ends_it(played: Ended) -> None:
    """Nothing was sent, and nobody's setup goes on without us; what never was set up is not given back."""
    assert played.code == 130, played.said
    assert played.extra["log"] == ["setup"]
    assert played.extra["survivors"] == {}
