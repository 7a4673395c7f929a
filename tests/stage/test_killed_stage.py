"""A stage that was killed could not clear up after itself: the next one does."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.rehearsal.acting import DRILL, command, environment, ports_in_a_row, until_said

pytestmark = pytest.mark.real


@contextmanager
def up(temporary: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`surgectl stage up` with a temporary directory of its own, ready."""
    said = temporary / "said"
    with said.open("wb") as out:
        stage = subprocess.Popen(
            command("stage", "up", DRILL, "--port", ports_in_a_row(8)),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=environment(TMPDIR=str(temporary)),
        )
    try:
        until_said(said, "Ctrl-C ends it", stage)
        yield stage
    finally:
        stage.kill()
        stage.wait(30)


def folders(temporary: Path) -> dict[str, str]:
    """What stages have there: name → what for."""
    return {path.name: path.name.split("-")[1] for path in temporary.glob("surgectl-*")}


def test_swept(tmp_path: Path) -> None:
    """kill -9 leaves the books and the door; they are gone once the next stage is up, and its own with its end."""
    with up(tmp_path) as stage:
        stage.kill()
        stage.wait(30)
    left = folders(tmp_path)
    assert sorted(left.values()) == ["books", "stage"]
    with up(tmp_path) as stage:
        now = folders(tmp_path)
        assert sorted(now.values()) == ["books", "stage"] and not left.keys() & now.keys()
        stage.send_signal(signal.SIGINT)
        stage.wait(30)
    assert folders(tmp_path) == {}
