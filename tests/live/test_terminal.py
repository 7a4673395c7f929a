"""The dashboard in a real terminal, driven through tmux."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TMUX = shutil.which("tmux")

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(TMUX is None, reason="no tmux on PATH: the dashboard was not looked at in a terminal"),
]


class Terminal:
    """A tmux server of its own with one pane that runs the dashboard, standing still at 14 s."""

    def __init__(self, tmp_path: Path, width: int, height: int, **environment: str) -> None:
        self._socket = str(tmp_path / "tmux")
        settings = " ".join(f"{key}={value}" for key, value in environment.items())
        command = f"cd {ROOT} && env -u COLUMNS -u LINES {settings} {sys.executable} -m tests.live.drive 1000 14"
        self._tmux("-f", os.devnull, "new-session", "-d", "-x", str(width), "-y", str(height), command)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *error: object) -> None:
        subprocess.run([str(TMUX), "-S", self._socket, "kill-server"], capture_output=True, check=False)

    def _tmux(self, *words: str) -> str:
        done = subprocess.run([str(TMUX), "-S", self._socket, *words], capture_output=True, text=True, check=True)
        return done.stdout

    def resize(self, width: int, height: int) -> None:
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def shows(self, *words: str, colours: bool = False) -> str:
        """The screen, once it shows all the words."""
        deadline = time.monotonic() + 30
        while True:
            text = self._tmux("capture-pane", "-p", *(["-e"] if colours else []))
            if all(word in text for word in words):
                return text
            assert time.monotonic() < deadline, f"{words} never came:\n{text}"
            time.sleep(0.1)


def test_it_fills_the_terminal_and_follows_its_size(tmp_path: Path) -> None:
    """80 x 24 shows everything from the header to the events; grown to 200 x 60 it shows it larger."""
    with Terminal(tmp_path, 80, 24) as terminal:
        text = terminal.shows("ticket-drop", "phases", "lost-reply verified", "in doubt", "slowest", "we are", "events")
        assert len(text.rstrip("\n").split("\n")) <= 24
        assert text.split("\n")[0].startswith(" ticket-drop")
        small = text.count("█")
        terminal.resize(200, 60)
        text = terminal.shows("│doors   │on-sale", "events")
        assert text.split("\n")[0].startswith(" ticket-drop")
        assert text.count("█") > 2 * small
        terminal.resize(80, 24)
        text = terminal.shows(" ticket-drop", "│doors\n", "we are", "events")
        assert text.split("\n")[0].startswith(" ticket-drop")


def test_no_color_is_heeded(tmp_path: Path) -> None:
    """With NO_COLOR the same screen comes without a colour."""
    with Terminal(tmp_path, 80, 24, NO_COLOR="1") as terminal:
        text = terminal.shows("events", "lost-reply verified", colours=True)
        assert "[31m" not in text and "[32m" not in text and "[36m" not in text
