"""A watcher sees the newest rows, and can never slow the run down."""

from __future__ import annotations

from surgectl.live.tap import Tap
from surgectl.recording.rows import NoteRow


def test_the_tap_keeps_the_newest_and_counts_what_it_lost() -> None:
    """A full tap drops the oldest rows and says how many; draining empties it."""
    tap = Tap(most=3)
    for number in range(5):
        tap.publish(NoteRow(at_ns=number, text="x"))
    assert [row.at_ns for row in tap.drain()] == [2, 3, 4]
    assert (tap.lost, tap.drain()) == (2, [])
    tap.publish(NoteRow(at_ns=9, text="x"))
    assert len(tap.drain()) == 1 and tap.lost == 2
