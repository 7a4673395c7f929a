"""A shop that says whatever ever broke a terminal, a page, a parser or a disk: every artefact stays whole."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest

from surgectl.report import schema
from surgectl.report.json import parse
from tests.report.browser import shown
from tests.report.junit_schema import wrong_with
from tests.report.test_annotations import read as commands
from tests.report.test_markdown import markup
from tests.strangers.street import HERE, ROOT, started, until_open
from tests.toxiproxy_binary import free_port

pytestmark = pytest.mark.real

PROFILE = """\
surgectl: 1
name: crank
seed: 5
sale: {tickets: 5, price: 25.00 EUR, limit: 2}
load: [{phase: on-sale, fans: 12, shape: spike, half_life: 300ms, for: 1s}]
fans: {brisk: 100%}
generator: {dropped_at_most: 50%, lag_p99_at_most: 5s, late_at_most: 10s}
settle: {at_most: 1s}
expect:
  invariants: {require: [DUPCHARGE, LOST_TICKET]}
  thresholds: ["p95(buy) < 1us", "p95(refund) < 1s"]
"""
# What our own screen may send: colours, places, clearing, the cursor's face. No titles, links, clipboards, bells.
OURS = re.compile(r"\x1b\[[0-9;]*[mHABCDGJK]|\x1b\[\?(?:25|1049|2026)[hl]")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(ROOT)}


@dataclass(frozen=True)
class Evening:
    """What one rehearsal at the crank's left."""

    code: int
    screen: str
    """Of the run, with its dashboard, in a real terminal."""
    again: str
    """Of `surgectl report` in one."""
    tried: str
    """Of `surgectl check --try`."""
    folder: Path
    page: Path


def in_a_terminal(*words: object, **environment: str) -> tuple[int, str]:
    """Exit code and every character that reached a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("SURGECTL_", "GITHUB_")) and k != "NO_COLOR"}
    with subprocess.Popen(
        [sys.executable, "-m", "surgectl", *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        cwd=ROOT,
        env={**environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24", **environment},
    ) as process:
        os.close(theirs)
        said, deadline = b"", time.monotonic() + 90
        while time.monotonic() < deadline:
            if select.select([ours], [], [], 0.2)[0]:
                try:
                    piece = os.read(ours, 65_536)
                except OSError:  # Linux: the other side is closed
                    break
                said += piece
        process.kill() if process.poll() is None and time.monotonic() >= deadline else process.wait()
    os.close(ours)
    return process.returncode, said.decode("utf-8", "strict")


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Evening:
    place = tmp_path_factory.mktemp("crank")
    (place / "crank.yaml").write_text(PROFILE)
    (place / "fans").symlink_to(HERE / "fans")
    port, page = free_port(), place / "step.md"
    with started("-m", "tests.strangers.crank", "--port", port, log=place / "shop.log"):
        until_open(port)
        words = ("run", place / "crank.yaml", "--target", HERE / "crank.yaml", "--reports", place / "reports")
        shop = ("--set", f"SHOP_URL=http://127.0.0.1:{port}")
        code, screen = in_a_terminal(*words, *shop, GITHUB_STEP_SUMMARY=str(page), **GITHUB)
        _, tried = in_a_terminal("check", HERE / "crank.yaml", "--try", *shop)
    (folder,) = (path for path in (place / "reports/crank").iterdir() if not path.is_symlink())
    _, again = in_a_terminal("report", folder)
    return Evening(code=code, screen=screen, again=again, tried=tried, folder=folder, page=page)


def test_the_crank_is_found_out(evening: Evening) -> None:
    """He charged twice, and that is what it says, whatever he said: exit 11, in his own orders' names."""
    assert evening.code == 11, evening.screen[-3_000:]
    report = parse((evening.folder / "report.json").read_bytes())
    (guilty,) = [finding for finding in report.invariants if finding.id == "DUPCHARGE"]
    assert guilty.verdict == "fail" and "\x1b]0;owned" in guilty.examples[0].keys["order"]
    doubtful = {finding.id: finding.reason for finding in report.invariants if finding.verdict == "unknown"}
    assert "is none of the target's states" in doubtful["LOST_TICKET"]
    assert max(map(len, doubtful.values())) < 3_000


def test_the_terminal_obeys_nobody_but_us(evening: Evening) -> None:
    """No dashboard, no last page and no trial lets a control character through that is not our own."""
    for screen, allowed in ((evening.screen, OURS), (evening.again, COLOURS), (evening.tried, COLOURS)):
        rest = allowed.sub("", screen)
        assert [character for character in rest if not character.isprintable() and character not in "\r\n"] == []
        assert "\\x1b]0;owned" in rest
        assert len(screen) < 300_000


def test_the_build_server_is_told_by_nobody_but_us(evening: Evening) -> None:
    """Every line that GitHub would take for a command is one of ours, and none is hidden in a line."""
    lines = COLOURS.sub("", OURS.sub("", evening.screen)).replace("\r\n", "\n").split("\n")
    ours = [line for line in lines if line.lstrip().startswith("::")]
    said = commands("".join(f"{line}\n" for line in ours))
    assert ("error", "DUPCHARGE") in {(level, named["title"]) for level, named, _ in said}
    assert all(level in ("error", "warning") and set(named) <= {"file", "title"} for level, named, _ in said)
    assert not [line for line in lines if "##[" in line or "##vso[" in line]


def test_the_pages_for_build_servers_are_whole(evening: Evening) -> None:
    """junit.xml is valid and small, summary.md and the step's page hold no markup of his."""
    junit = (evening.folder / "junit.xml").read_bytes()
    assert wrong_with(junit) == [] and len(junit) < 500_000
    for page in (evening.folder / "summary.md", evening.page):
        text = page.read_text("utf-8")
        assert markup(text) == [] and len(text.encode()) < 200_000
        assert not [character for character in text if character != "\n" and not character.isprintable()]


def test_report_json_is_whole(evening: Evening) -> None:
    """Valid by the published schema, strict JSON, and nothing in it that a runner obeys."""
    data = (evening.folder / "report.json").read_bytes()
    report = json.loads(data, parse_constant=lambda word: pytest.fail(word))
    assert list(jsonschema.Draft202012Validator(schema.schema()).iter_errors(report)) == []
    assert b"##" not in data


def test_floods_fill_no_disk(evening: Evening) -> None:
    """Of some thirty megabytes that he sent next to nothing is left: recording and reports stay small."""
    sizes = {path.name: path.stat().st_size for path in evening.folder.rglob("*") if path.is_file()}
    html = sizes.pop("report.html")
    assert html < 5_000_000 and sum(sizes.values()) < 3_000_000, sizes


class _Tags(HTMLParser):
    """Scripts, handlers and addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            strange = name.startswith("on") or (name in ("href", "src") and not (value or "").startswith("#"))
            self.found += [f"{tag} {name}={value}"] if strange else []
        self.found += [tag] if tag in ("img", "iframe", "object", "embed", "base", "form") else []


def test_report_html_holds_no_markup_of_his(evening: Evening) -> None:
    """No picture, no handler and no address in it that is not ours, and no raw control character."""
    text = (evening.folder / "report.html").read_text("utf-8")
    tags = _Tags()
    tags.feed(text)
    assert [tag for tag in tags.found if "owned" in tag or "evil" in tag or tag == "img"] == []
    assert "\x1b" not in text and "\0" not in text and "\u202e" not in text


def test_report_html_runs_nothing_of_his(evening: Evening) -> None:
    """In Chromium the title is ours, and the console is silent."""
    with shown(evening.folder / "report.html") as window:
        window.drawn()
        assert window.page.title().startswith("crank: fail")
        assert window.complaints == []
        assert "owned" in window.page.content()
