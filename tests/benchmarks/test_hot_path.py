"""Which room of the program a look found it in."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.hot_path import ROOMS, folded, room_of


@pytest.mark.parametrize(
    ("frame", "room"),
    [
        ("Connection._write (surgectl/engine/drivers/wire/connection.py:184)", "kernel and loop: write"),
        (
            "Connection.ask (surgectl/engine/drivers/wire/connection.py:98)",
            "HTTP: bytes out, reply in, pool, deadlines",
        ),
        ("Errand.heard (surgectl/engine/drivers/browser.py:140)", "browser: cookies, redirects, one send"),
        ("Tab._play (surgectl/engine/tab.py:180)", "attempt, tab, fan: who is told what"),
        ("<lambda> (surgectl/clock.py:52)", "clock"),
        ("encode (somewhere/else.py:1)", "the rest"),
    ],
)
def test_the_most_special_room_is_the_one(frame: str, room: str) -> None:
    """A frame belongs to the first room whose mark it bears."""
    assert room_of(frame) == room


def test_looks_are_counted_where_the_innermost_frame_is() -> None:
    """py-spy's raw lines: the stack from the outermost on, and how often it was seen."""
    outer = "main (surgectl/cli/main.py:1);Runner.run (asyncio/runners.py:118)"
    looks = folded(f"{outer} 7\n{outer};Tab._play (surgectl/engine/tab.py:180) 3\n")
    assert looks == {"kernel and loop: poll, read, call back": 7, "attempt, tab, fan: who is told what": 3}


def test_every_folder_that_a_mark_names_is_there() -> None:
    """A room that moved would otherwise be counted among the rest."""
    marks = [mark for _, marks in ROOMS for mark in marks if "/" in mark]
    for mark in marks:
        found = Path("surgectl", mark) if mark.startswith("engine") else Path(mark)
        assert found.exists(), mark
