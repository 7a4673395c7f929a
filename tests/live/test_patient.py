"""A terminal that nobody reads holds up nobody but itself."""

from __future__ import annotations

import os
import pty
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from rich.console import Console

from surgectl.cli.patient import Patient

FLOOD = "x" * 2_000_000


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_flood_that_nobody_reads_is_taken_at_once_and_comes_through_later() -> None:
    """Two million characters into a terminal that stands still: we go on, it is busy; read at last, all is there."""
    theirs, ours = pty.openpty()
    with os.fdopen(ours, "w") as stopped:
        patient = Patient(stopped)
        assert patient.isatty() and patient.encoding
        before = time.monotonic()
        patient.write(FLOOD)
        patient.flush()
        assert time.monotonic() - before < 1
        until(lambda: patient.busy)
        patient.write("the end")
        patient.flush()
        before = time.monotonic()
        patient.close_after(0.05)
        assert time.monotonic() - before < 5 and patient.busy
        read = bytearray()
        reader = threading.Thread(target=lambda: read.extend(_all(theirs, len(FLOOD) + 7)))
        reader.start()
        reader.join(20)
        assert bytes(read[-7:]) == b"the end" and len(read) == len(FLOOD) + 7
        until(lambda: not patient.busy)
    os.close(theirs)


def _all(descriptor: int, length: int) -> bytes:
    found = b""
    while len(found) < length:
        found += os.read(descriptor, 65_536)
    return found


def test_a_terminal_that_is_gone_costs_nothing() -> None:
    """Whatever is written then is thrown away, and nothing is raised."""
    theirs, ours = pty.openpty()
    gone = os.fdopen(ours, "w")
    patient = Patient(gone)
    os.close(theirs)
    Console(file=patient).print("is anybody there?")
    patient.flush()
    patient.close_after(5)
    assert not patient._thread.is_alive()
    with suppress(OSError):
        gone.close()
