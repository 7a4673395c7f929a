"""Folders in the temporary directory go with whoever made them, and nobody else's are touched."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from surgectl import aside
from surgectl.aside import Aside, new_place, sweep

OWNER = """
import sys
from surgectl.aside import Aside, new_place
held = Aside(new_place("test"))
print(held.make(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary directory, with nothing in it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def abandoned(path: Path) -> Path:
    """A folder as a killed process leaves it."""
    path.mkdir()
    (path / "books.sqlite").write_text("sold")
    os.close(aside._marked(path))
    return path


def test_it_goes_with_its_owner(temporary: Path) -> None:
    """At the end of the `with`, when it is forgotten, and when nobody knows of it any more; with all that is in it."""
    with Aside(new_place("test")) as one:
        (one.path / "deep").mkdir()
        assert one.path.parent == temporary and one.path.stat().st_mode & 0o777 == 0o700
    two = Aside(new_place("test"))
    two.make()
    two.forget()
    two.forget()
    three = Aside(new_place("test"))
    three.make()
    del three
    assert list(temporary.iterdir()) == []


def test_what_nobody_holds_is_swept_and_what_somebody_holds_stays(temporary: Path) -> None:
    """The mark's lock tells them apart, also within one process."""
    left = abandoned(new_place("test"))
    with Aside(new_place("test")) as mine:
        assert sweep() == [left] and not left.exists()
        assert mine.path.exists() and sweep() == []


@pytest.mark.parametrize(
    "kind", ["a folder without a mark", "another mark", "another name", "a link", "a file", "a mark that is a link"]
)
def test_what_may_be_somebody_elses_stays(temporary: Path, kind: str) -> None:
    """Only a folder of our name and of this user, with our own words in its mark, is deleted."""
    path = new_place("test")
    if kind == "another name":
        path = abandoned(temporary / "something")
    elif kind == "a link":
        path.symlink_to(abandoned(temporary / "something"))
    elif kind == "a file":
        path.write_text("mine")
    else:
        abandoned(path)
        mark = path / aside._MARK
        if kind == "a folder without a mark":
            mark.unlink()
        elif kind == "another mark":
            mark.write_text("mine")
        else:
            mark.rename(temporary / "elsewhere")
            mark.symlink_to(temporary / "elsewhere")
    before = sorted(temporary.rglob("*"))
    assert sweep() == []
    assert path.exists() and sorted(temporary.rglob("*")) == before


@pytest.mark.real
def test_what_a_killed_process_left_is_swept(temporary: Path) -> None:
    """kill -9 of one of two: its folder goes at the next sweep, the other's when that one ends."""
    owners = [
        subprocess.Popen(
            [sys.executable, "-c", OWNER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(temporary)},
        )
        for _ in range(2)
    ]
    killed, lives = owners
    try:
        paths = [Path(owner.stdout.readline().strip()) for owner in owners if owner.stdout]
        assert sweep() == [] and all(path.is_dir() for path in paths)
        killed.kill()
        killed.wait(30)
        assert paths[0].is_dir(), "nothing was left behind, so nothing is shown"
        assert sweep() == [paths[0]]
        assert list(temporary.iterdir()) == [paths[1]]
        lives.communicate(timeout=30)
        assert list(temporary.iterdir()) == []
    finally:
        for owner in owners:
            owner.kill()
            owner.communicate()
