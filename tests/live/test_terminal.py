"""The dashboard in a real terminal, driven through tmux."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.rehearsal.acting import environment, lines, run_folder

ROOT = Path(__file__).parents[2]
TMUX = shutil.which("tmux")

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(TMUX is None, reason="no tmux on PATH: the dashboard was not looked at in a terminal"),
]


class Terminal:
    """A tmux server of its own with one pane that runs a command; without one the dashboard, standing still at 14 s."""

    def __init__(self, tmp_path: Path, width: int, height: int, command: str = "", **environment: str) -> None:
        self._socket = str(tmp_path / "tmux")
        settings = " ".join(f"{key}={value}" for key, value in environment.items())
        command = command or f"{sys.executable} -m tests.live.drive 1000 14"
        shell = f"cd {ROOT}; export {settings or 'A=1'}; unset COLUMNS LINES; {command}"
        self._tmux("-f", os.devnull, "new-session", "-d", "-x", str(width), "-y", str(height), shell)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *error: object) -> None:
        subprocess.run([str(TMUX), "-S", self._socket, "kill-server"], capture_output=True, check=False)

    def _tmux(self, *words: str) -> str:
        done = subprocess.run([str(TMUX), "-S", self._socket, *words], capture_output=True, text=True, check=True)
        return done.stdout

    def resize(self, width: int, height: int) -> None:
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def press(self, *keys: str) -> None:
        """Keys by tmux's names, one after another as a person presses them: `b`, `Enter`, `Escape`, `C-c`."""
        for key in keys:
            self._tmux("send-keys", key)
            time.sleep(0.1)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def paste(self, text: str) -> None:
        """As a terminal does that says what is pasted."""
        self._tmux("set-buffer", text)
        self._tmux("paste-buffer", "-p")

    def screen(self) -> tuple[str, str]:
        """Is the second screen on, and is there a cursor: `0` or `1` each."""
        alternate, cursor = self._tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}").split()
        return alternate, cursor

    def shows(self, *words: str | re.Pattern[str], colours: bool = False, within_s: float = 30) -> str:
        """The screen, once it shows all the words, and something for each pattern."""
        deadline = time.monotonic() + within_s
        while True:
            text = self._tmux("capture-pane", "-p", *(["-e"] if colours else []))
            if all(word in text if isinstance(word, str) else word.search(text) for word in words):
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


def game_day(tmp_path: Path, *arguments: object) -> str:
    """A rehearsal at a terminal, which then tells its exit code and whether the terminal's modes are what they were."""
    run = [sys.executable, "-m", "surgectl", "run", ROOT / "tests/live/gameday.yaml", "--embedded-proxy"]
    words = [*run, "--reports", tmp_path / "reports", *arguments]
    compare = '[ "$before" = "$(stty -g)" ] && echo same'
    return f"before=$(stty -g); {shlex.join(map(str, words))}; echo code $? $({compare}); sleep 60"


def recorded(tmp_path: Path) -> Path:
    folder = run_folder(tmp_path / "reports")
    assert folder is not None
    return folder


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short name: a socket's path has room for some hundred characters."""
    return tmp_path_factory.mktemp("t")


@pytest.mark.quiet
def test_a_game_day_by_hand(place: Path) -> None:
    """A brownout is injected and cleared by keys, a note written, arrivals paused and resumed, while another terminal
    watches: all of it is on the dashboard, in the recording, in the report and on its charts, and the run passes."""
    with Terminal(place, 80, 24, game_day(place)) as terminal:
        text = terminal.shows("gameday", "to go", "b break", within_s=60)
        assert len(text.rstrip("\n").split("\n")) <= 24
        folder = recorded(place)
        watch = [sys.executable, "-m", "surgectl", "watch", str(folder)]
        with (place / "watched").open("wb") as out:
            watching = subprocess.Popen(watch, stdout=out, stderr=out, env=environment(), cwd=ROOT)
        try:
            terminal.press("?")
            terminal.shows("n  note: a line")
            terminal.press("Escape", "b")
            terminal.shows("payments   1 slow   2 lost-reply", "Esc leave it")
            terminal.press("2")
            terminal.shows("FAULT ON lost-reply on payments", "lost-reply verified")
            terminal.paste("sy sy sy\nsy\n")
            terminal.press("Up", "F5", "n")
            terminal.shows("note: _", "Enter keeps it")
            terminal.type("the database is slow")
            terminal.shows("note: the database is slow_")
            terminal.press("Enter")
            terminal.shows("s note: the database is slow")
            terminal.press("c")
            terminal.shows("lost-reply on payments cleared by hand")
            terminal.press("p")
            terminal.shows("ARRIVALS PAUSED", re.compile(r"\d paused"))  # somebody would have come meanwhile
            terminal.press("p")
            terminal.shows("arrivals resumed by hand", "lost-reply healed")
            terminal.resize(200, 60)
            terminal.shows("─" * 150, "lost-reply on payments: healed", "note: the database is slow", "we are")
            terminal.shows("code 0 same", within_s=90)
            assert terminal.screen() == ("0", "1")
            watching.wait(30)
        finally:
            watching.kill()
            watching.wait()
    rows = lines(folder / "chaos.jsonl")
    assert [row["event"] for row in rows if row.get("fault") == "hand-1"] == ["applied", "verified", "healed"]
    kinds = [row.get("kind", "note") for row in rows if row["t"] == "note"]
    assert kinds == ["inject", "note", "clear", "pause", "resume"]
    report = json.loads((folder / "report.json").read_text())
    (line,) = report["chaos"]
    assert (line["by"], line["link"], line["brownout"], line["healed"]) == ("hand", "payments", "lost-reply", True)
    assert 0 < line["applied_at_s"] < line["healed_at_s"] == line["planned_to_s"] < 12
    assert [note["kind"] for note in report["notes"]] == kinds
    assert report["notes"][1]["text"] == "the database is slow"
    paused = report["generator"]["paused"]
    assert paused > 0 and report["generator"]["dropped"] == 0
    assert sum(report["over_time"]["arrived"]) == report["generator"]["arrived"] == 64 - paused
    manifest = json.loads((folder / "run.json").read_text())
    assert [fault["fault"] for fault in manifest["by_hand"]] == ["hand-1"]
    assert (manifest["status"], manifest["tally"]["paused"]) == ("done", paused)
    watched = (place / "watched").read_text()
    assert "* lost-reply on payments: verified" in watched and "* note: the database is slow" in watched
    assert watched.splitlines()[-1].split()[1] in ("settling", "over"), watched


@pytest.mark.quiet
def test_ctrl_c_once(place: Path) -> None:
    """It heals what a hand had broken, writes everything and ends with 130; the terminal is as it was before."""
    with Terminal(place, 80, 24, game_day(place)) as terminal:
        terminal.shows("to go", within_s=60)
        terminal.press("b", "7")
        terminal.shows("down verified")
        terminal.press("C-c")
        terminal.shows("code 130 same", within_s=60)
        assert terminal.screen() == ("0", "1")
    folder = recorded(place)
    events = [row["event"] for row in lines(folder / "chaos.jsonl") if row["t"] == "fault"]
    assert events == ["applied", "verified", "healed"]
    report = json.loads((folder / "report.json").read_text())
    assert (report["run"]["status"], report["exit_code"]) == ("aborted", 130)
    assert [note["kind"] for note in report["notes"]] == ["inject", "stop"]


@pytest.mark.quiet
def test_the_key_s_and_then_ctrl_c(place: Path) -> None:
    """The key asks, and is then the first Ctrl-C: the next one leaves at once, with 130, healed, and a terminal as it
    was before though nothing had time to be taken down."""
    with Terminal(place, 80, 24, game_day(place)) as terminal:
        terminal.shows("to go", within_s=60)
        terminal.press("b", "7")
        terminal.shows("down verified")
        terminal.press("s")
        terminal.shows("stop the rehearsal?")
        terminal.press("y", "C-c")
        terminal.shows("code 130 same", within_s=20)
        assert terminal.screen() == ("0", "1")
    folder = recorded(place)
    manifest = json.loads((folder / "run.json").read_text())
    assert (manifest["status"], manifest["stopped_by"]) == ("aborted", "SIGINT")
    assert "key s" in manifest["why"] and "twice" in manifest["why"]
    assert [row["kind"] for row in lines(folder / "chaos.jsonl") if row["t"] == "note"] == ["inject", "stop"]
