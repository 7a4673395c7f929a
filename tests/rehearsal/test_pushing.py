"""A crowd in a waiting room that pushes, every second fan by an event stream, the others by a WebSocket."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.rehearsal.acting import HERE, Ended, rehearse
from tests.rehearsal.programme import Play

pytestmark = pytest.mark.real

PUSHING = HERE / "pushing.yaml"
RIGHT = Play("pushing", lambda place: rehearse(place / "reports", "--embedded-proxy", profile=PUSHING))
WRONG = Play(
    "pushing-lifo",
    lambda place: rehearse(
        place / "reports", "--embedded-proxy", "--defect", "lifo", "--set", "chaos=[]", profile=PUSHING
    ),
)


def waits(played: Ended) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Everything that was heard in line: what was begun, and what came of it."""
    begun = {row["attempt"]: row for row in played.rows if row["t"] == "invoke" and row.get("poll")}
    done = [row for row in played.rows if row["t"] == "done" and row["attempt"] in begun]
    return [(begun[row["attempt"]], row) for row in done if begun[row["attempt"]]["role"] == "join"]


@pytest.mark.parametrize("played", [RIGHT], indirect=True)
def test_everybody_is_let_in_or_told_that_all_is_sold(played: Ended) -> None:
    """Exit 0 by both ways of being told, though the shop dies while most of them wait."""
    assert played.code == 0, played.said
    last = {begun["intent"]: done for begun, done in waits(played)}
    ends = Counter("left" if done["why"] == "quit" else done["then"] for done in last.values())
    assert set(ends) - {"left"} == {"next", "end"} and min(ends["next"], ends["end"]) > 3 and ends["left"] < 5, ends
    assert {begun["step"] for begun, _ in waits(played)} == {"join", "join-socket"}
    for name in ("FAIR_ORDER", "QUEUE_POS"):
        assert (played.finding(name)["verdict"], played.finding(name)["considered"] > 40) == ("pass", True)


@pytest.mark.parametrize("played", [RIGHT], indirect=True)
def test_a_shop_that_dies_is_not_yet(played: Ended) -> None:
    """Streams and WebSockets broke, and all of them were opened again: none of it was an outcome of the waiting."""
    broken = [(begun, done) for begun, done in waits(played) if done["why"] in ("cut", "not-sent")]
    assert {begun["step"] for begun, done in broken if done["why"] == "cut"} == {"join", "join-socket"}
    assert {done["then"] for _, done in broken} == {"poll"}
    cut = {begun["intent"] for begun, done in broken}
    later = {begun["intent"] for begun, done in waits(played) if done["then"] in ("next", "end")}
    assert len(cut & later) > 10, "who was cut off was let in, or told that all is sold, all the same"


@pytest.mark.parametrize("played", [WRONG], indirect=True)
def test_a_line_that_lets_the_last_in_first_is_convicted(played: Ended) -> None:
    """Exit 10 by FAIR_ORDER, as where fans ask."""
    assert played.code == 10, played.said
    assert played.finding("FAIR_ORDER")["verdict"] == "fail"
